"""Segments that are in several folders: copies of one another, or forks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.errors import ReadError, reason
from journal.segments.segment import open_segment, segment_name
from journal.verify.checks import Problem, shared

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from journal.verify.checks import LaneCheck

_BLOCK = 1024 * 1024


def copies(
    lanes: Path, checks: list[LaneCheck], damaged: Collection[tuple[str, int | None]]
) -> Iterator[Problem]:
    """Yield what each segment is that is in another folder, too: a `copy` or a `fork`.

    Args:
        lanes: the folder of the lanes.
        checks: all lanes.
        damaged: folders and numbers of the segments that have problems: that they differ from
            another one says nothing more.

    Raises:
        ReadError: a segment cannot be read.
    """
    for places in shared(checks):
        sizes = {at: _path(lanes, at).lstat().st_size for at in places if at not in damaged}
        if len(sizes) < 2:  # noqa: PLR2004 - a pair
            continue
        longest = max(sizes, key=lambda at: sizes[at])
        for at, size in sizes.items():
            if at == longest:
                continue
            same = _common(_path(lanes, at), _path(lanes, longest), size)
            other = f"segment {longest[1]} of lane {longest[0]}"
            if same == size:
                what = f"it is the same as {other}" + (" up to its end" if same else "")
                text = f"{what}; records that both have count once, so both can stay"
                yield Problem("copy", *at, 0, size, text)
            else:
                text = (
                    f"it began as {other} and went on differently: a copy of the journal was"
                    " written to. Records of both count"
                )
                yield Problem("fork", *at, same, size - same, text)


def _path(lanes: Path, at: tuple[str, int]) -> Path:
    return lanes / at[0] / segment_name(at[1])


def _common(one: Path, other: Path, size: int) -> int:
    """Return how many of the first `size` bytes two segments have in common."""
    try:
        with open_segment(one) as first, open_segment(other) as second:
            offset = 0
            while offset < size:
                a = first.read(min(_BLOCK, size - offset))
                b = second.read(len(a))
                if a != b or not a:
                    pairs = enumerate(zip(a, b, strict=False))
                    return offset + next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))
                offset += len(a)
    except OSError as error:
        raise ReadError(f"cannot read {one} or {other}: {reason(error)}") from error
    return size
