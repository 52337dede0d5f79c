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
"""Most characters of a line before the record."""
_LINES = 4
_TAIL_LINE = 130
_TAIL = 2


def answer(
    limit: int,
    head: Callable[[Shown | None], Sequence[str]],
    blocks: Sequence[Block],
    divide: Callable[[Sequence[Block], int], Shown],
    tail: Callable[[Shown], Sequence[str]],
) -> str:
    """Return an answer of at most `limit` characters.

    Args:
        limit: at least `LEAST`.
        head: returns at most four lines before the record, for what is shown of it; for None the
            longest that they can be.
        blocks: the record, the most important first.
        divide: how the space is divided among the blocks.
        tail: returns at most two lines behind the record, for what is shown of it.
    """
    before = _lines(head(None), _LINES, _LINE)
    if not blocks:
        return before.rstrip("\n")
    shown = divide(blocks, limit - len(before) - OVERHEAD - _TAIL * (_TAIL_LINE + 1))
    before = _lines(head(shown), _LINES, _LINE)
    after = _lines(tail(shown), _TAIL, _TAIL_LINE)
    return (before + fence(shown.lines) + after).rstrip("\n")


def _lines(lines: Sequence[str], most: int, width: int) -> str:
    return "".join(f"{short(line, width)}\n" for line in lines[:most])
