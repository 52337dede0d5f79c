"""Find the few records of a segment whose lines contain a text, without decoding the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.format.frame import MAX_RECORD
from journal.format.record import FORMAT, Erased, Header, Record
from journal.format.scan import Damage, Found, scan
from journal.segments.blocks import BLOCK, read_at
from journal.segments.progress import Progress
from journal.segments.reader import read_segment
from journal.segments.segment import open_segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from journal.format.event import Event
    from journal.segments.listing import SegmentRef


def find_events(ref: SegmentRef, text: bytes, offset: int = 0) -> tuple[list[Event], int]:
    """Find the events of a segment whose records contain a text, and perhaps some others.

    Damage around a record does not hide it. As in all reading, a last line without a newline counts
    only where the segment is final, and records of a newer format are not read.

    Args:
        ref: the segment.
        text: bytes as they are in the record, without a newline.
        offset: where to begin; a line begins there.

    Returns:
        The events, and the offset up to which they were searched for.

    Raises:
        ReadError: the file cannot be read.
    """
    records, offset = find_records(ref, text, offset)
    return [each.event for each in records if isinstance(each, Record)], offset


def find_records(
    ref: SegmentRef, text: bytes, offset: int = 0
) -> tuple[list[Record | Erased], int]:
    """Find records as `find_events`, runs of erased events included."""
    found: list[Record | Erased] = []
    limit = BLOCK
    try:
        with open_segment(ref.path) as file:
            while block := read_at(file, offset, limit):
                if not offset and _is_newer(block[: block.find(b"\n") + 1]):
                    break
                is_last = len(block) < limit
                whole = len(block) if is_last and ref.final else block.rfind(b"\n") + 1
                if not (whole or is_last) and limit > MAX_RECORD:
                    # it is damaged: no record is that long
                    items = list(read_segment(ref, Progress(offset)))
                    return found + _records(items), _end(items, offset)
                for line, at in _lines_with(text, block, whole):
                    found += _records(scan(line, offset + at))
                offset, limit = offset + whole, BLOCK if whole else min(limit * 4, MAX_RECORD + 1)
                if is_last:
                    break
    except OSError as error:
        raise ReadError(f"cannot read {ref.path}: {error.strerror or error}") from error
    return found, offset


def _end(items: list[Found | Damage], offset: int) -> int:
    last = items[-1] if items else None
    if last is None:
        return offset
    return last.end if isinstance(last, Found) else last.offset + last.length


def _lines_with(text: bytes, block: bytes, end: int) -> Iterator[tuple[bytes, int]]:
    """Yield the lines before an offset of a block that contain a text, and where they begin."""
    at = block.find(text, 0, end)
    while at >= 0:
        start = block.rfind(b"\n", 0, at) + 1
        behind = block.find(b"\n", at, end) + 1 or end
        yield block[start:behind], start
        at = block.find(text, behind, end)


def _is_newer(line: bytes) -> bool:
    """Return whether a segment's first line is the header of a newer format."""
    return any(
        isinstance(item, Found) and isinstance(item.record, Header) and item.record.format > FORMAT
        for item in scan(line, 0)
    )


def _records(items: Iterable[Found | Damage]) -> list[Record | Erased]:
    return [
        item.record
        for item in items
        if isinstance(item, Found) and isinstance(item.record, (Record, Erased))
    ]
