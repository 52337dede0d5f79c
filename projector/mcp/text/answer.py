"""An answer: lines of ours, the record between its marks, and what was cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.mcp.text.fence import OVERHEAD, fence, short

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from projector.mcp.text.budget import Block, Shown

LEAST, MOST = 1_500, 200_000
"""Characters that an answer may be limited to."""
_LINE = 240
"""Most characters of a line of ours."""
_LINES = 4
_TAIL = 2


def answer(
    limit: int,
    head: Sequence[str],
    blocks: Sequence[Block],
    divide: Callable[[Sequence[Block], int], Shown],
    tail: Callable[[Shown], Sequence[str]],
) -> str:
    """Return an answer of at most `limit` characters.

    Args:
        limit: at least `LEAST`.
        head: at most four lines before the record.
        blocks: the record, the most important first.
        divide: how the space is divided among the blocks.
        tail: returns at most two lines behind the record, for what is shown of it.
    """
    before = "".join(f"{line}\n" for line in _bounded(head, _LINES))
    if not blocks:
        return before.rstrip("\n")
    space = limit - len(before) - OVERHEAD - _TAIL * (_LINE + 1)
    shown = divide(blocks, space)
    after = "".join(f"{line}\n" for line in _bounded(tail(shown), _TAIL))
    return (before + fence(shown.lines) + after).rstrip("\n")


def plural(count: int, noun: str) -> str:
    """Return a count and its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _bounded(lines: Sequence[str], most: int) -> list[str]:
    return [short(line, _LINE) for line in lines[:most]]
