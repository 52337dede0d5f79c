"""Divides the characters of an answer among its blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from projector.mcp.text.fence import INDENT

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOTE = len(" (characters 1,000,000,000-1,000,000,000 of 1,000,000,000)")
_LEAST = 80
"""Characters of a text that are shown at least, or all of it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of an answer: a line of ours, and a text that may be cut.

    Attributes:
        head: one or several lines, without the last newline; none of it is cut.
        text: what was said, as `fence.prepared` returns it; empty if there is none.
        offset: how many characters of the text are skipped.
        weight: how much of the space it gets compared with others, if not all fits.
        note: what is put behind the head if the text is cut, at most 60 characters when it has its
            numbers: `first`, `end` and `size`.
    """

    head: str
    text: str = ""
    offset: int = 0
    weight: int = 1
    note: str = " (characters {first:,}-{end:,} of {size:,})"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of some blocks.

    Attributes:
        lines: the blocks as lines, each with its newline.
        blocks: how many blocks are shown, from the first one on.
        ends: for each of these, up to which character its text is shown.
        cut: how many of these are not shown to their end.
        first: the index of the first block that is shown.
    """

    lines: str
    blocks: int
    ends: tuple[int, ...]
    cut: int
    first: int = 0


def share(blocks: Sequence[Block], space: int) -> Shown:
    """Show as many blocks as fit with a part of their texts, and of each text a fair part.

    Args:
        blocks: the blocks, the most important first.
        space: the most characters.
    """
    if _whole(blocks) <= space:
        return _show(blocks, [len(block.text) for block in blocks])
    used, count = 0, 0
    for block in blocks:
        used += _least(block)
        if used > space:
            break
        count += 1
    kept = blocks[:count]
    free = space - sum(_fixed(block) for block in kept)
    return _show(
        kept, [block.offset + size for block, size in zip(kept, _parts(kept, free), strict=True)]
    )


def around(blocks: Sequence[Block], at: int, space: int) -> Shown:
    """Do the same with blocks that stay in their order, of which that at an index matters most.

    If not all have room, those that are farthest from it are left out.
    """
    first, end = 0, len(blocks)
    while end - first > 1 and sum(map(_least, blocks[first:end])) > space:
        if at - first >= end - 1 - at:
            first += 1
        else:
            end -= 1
    return replace(share(blocks[first:end], space), first=first)


def fill(blocks: Sequence[Block], space: int) -> Shown:
    """Show blocks one after the other as a whole, and as much of the last one as fits.

    Args:
        blocks: the blocks, in their order; more than fit do no harm.
        space: the most characters.
    """
    ends = []
    for block in blocks:
        whole = _whole([block])
        if whole <= space:
            ends.append(len(block.text))
            space -= whole
            continue
        rest = space - _fixed(block)
        if rest >= min(_length(block), _LEAST):
            ends.append(block.offset + fitting(block.text, block.offset, rest))
        break
    return _show(blocks[: len(ends)], ends)


def fitting(text: str, offset: int, space: int) -> int:
    """Return how many characters of a text, from an offset on, fit into a space as they are shown.

    They are shown indented, with a newline behind them.
    """
    room = max(space - 1, 0)
    chunk = text[offset : offset + room]
    shown = _indented(chunk)
    if len(shown) <= room:
        return len(chunk)
    shown = shown[:room]
    line = shown.rfind("\n")
    if line >= 0 and len(shown) - line <= len(INDENT):  # a part of an indent
        shown = shown[:line]
    return max(len(shown) - len(INDENT) * (shown.count("\n") + 1), 0)


def _parts(blocks: Sequence[Block], free: int) -> list[int]:
    """Return how many characters of each text are shown: the short ones get all they need."""
    sizes = [0] * len(blocks)
    left = set(range(len(blocks)))
    while left:
        unit = free // sum(blocks[at].weight for at in left)
        small = [at for at in left if _length(blocks[at]) <= unit * blocks[at].weight]
        for at in small or left:
            space = _length(blocks[at]) if small else unit * blocks[at].weight
            sizes[at] = fitting(blocks[at].text, blocks[at].offset, space)
            free -= space
        left -= set(small or left)
    return sizes


def _least(block: Block) -> int:
    return _fixed(block) + min(_length(block), _LEAST)


def _whole(blocks: Sequence[Block]) -> int:
    return sum(
        len(block.head) + 1 + _length(block) + (_NOTE if block.offset else 0) for block in blocks
    )


def _fixed(block: Block) -> int:
    """Return the characters of a block but for its text, with the note that it is cut."""
    return len(block.head) + 1 + _NOTE


def _length(block: Block) -> int:
    """Return the characters of a block's text as it is shown, with its last newline."""
    rest = len(block.text) - block.offset
    if rest <= 0:
        return 0
    return rest + len(INDENT) * (block.text.count("\n", block.offset) + 1) + 1


def _show(blocks: Sequence[Block], ends: Sequence[int]) -> Shown:
    lines, cut = [], 0
    for block, end in zip(blocks, ends, strict=True):
        head, size = block.head, len(block.text)
        if block.offset or end < size:
            cut += end < size
            head += block.note.format(first=min(block.offset + 1, size), end=end, size=size)
        lines.append(f"{head}\n")
        if end > block.offset:
            lines.append(f"{_indented(block.text[block.offset : end])}\n")
    return Shown("".join(lines), len(blocks), tuple(ends), cut)


def _indented(text: str) -> str:
    return INDENT + text.replace("\n", f"\n{INDENT}")
