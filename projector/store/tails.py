"""Read the events of a session behind given offsets of the lanes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from journal.errors import ReadError, reason
from journal.format.record import Record
from journal.process import clock
from journal.segments.reader import Located, SegmentWalk, event_order, pass_over
from journal.segments.segment import read_lane_uuid
from projector.run.watermark import load_marks, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import apsw

    from journal.segments.listing import SegmentRef

Offsets = dict[tuple[str, int], int]
"""How many bytes were read of the segment at each `projector.run.watermark.Place`."""


def applied(db: apsw.Connection | None) -> Offsets:
    """Return how far a projection has applied the lanes."""
    marks = {} if db is None else load_marks(db)
    return {at: mark.offset for at, mark in marks.items()}


def unread(offsets: Offsets, refs: Iterable[SegmentRef]) -> int:
    """Return how many bytes of the segments were not read."""
    return sum(max(0, ref.size - offsets.get(place(ref), 0)) for ref in refs)


def is_shorter(offsets: Offsets, refs: Iterable[SegmentRef]) -> bool:
    """Return whether a segment is gone, or has fewer bytes than were read: it was replaced."""
    sizes = {place(ref): ref.size for ref in refs}
    return any(sizes.get(at, 0) < offset for at, offset in offsets.items())


def read_on(offsets: Offsets, refs: Iterable[SegmentRef], session: str) -> list[Located]:
    """Return the events of a session behind the offsets, in the order of events.

    The offsets are moved behind what was read; a record that its writer has not finished is read
    the next time.

    Raises:
        ReadError: a segment cannot be read.
    """
    found: list[Located] = []
    for ref in refs:
        if offsets.get(place(ref), 0) < ref.size:
            records = _read(offsets, ref)
            mine = [(record, end) for record, end in records if record.event.session == session]
            if mine:
                lane = _lane(ref.folder, ref.number, ref.version[0])
                found += [Located(lane, record, ref, end) for record, end in mine]
    return sorted(found, key=event_order)


@lru_cache(maxsize=4096)
def _lane(folder: Path, number: int, _inode: int) -> str:
    """Return the uuid of a segment's lane, which decides between events of the same order."""
    try:
        return read_lane_uuid(folder, number)
    except OSError as error:
        raise ReadError(f"cannot read the headers of {folder}: {reason(error)}") from error


def _read(offsets: Offsets, ref: SegmentRef) -> Iterator[tuple[Record, int]]:
    """Yield the records behind the segment's offset, and the offset behind each; move it."""
    at, order = place(ref), clock.of(ref.folder.parent.parent)
    walk = SegmentWalk(ref, pass_over, offset=offsets.get(at, 0))
    for record in walk.read():
        if isinstance(record, Record):
            # events that are appended from now on get a higher order
            order.observe(record.event.order)
            yield record, walk.end
    offsets[at] = walk.end
