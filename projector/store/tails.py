"""Read the events of a session behind given offsets of the lanes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from journal.errors import ReadError, reason
from journal.format.record import Record
from journal.process import clock
from journal.segments.reader import Located, SegmentWalk, event_order, pass_over
from journal.segments.segment import open_segment, read_lane_uuid
from projector.run.watermark import Mark, fingerprint, load_marks, place

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from pathlib import Path

    import apsw

    from journal.segments.listing import SegmentRef

Offsets = dict[tuple[str, int], Mark]
"""How far the segment at each `projector.run.watermark.Place` was read."""


def applied(db: apsw.Connection | None) -> Offsets:
    """Return how far a projection has applied the lanes."""
    return {} if db is None else load_marks(db)


def unread(offsets: Offsets, refs: Iterable[SegmentRef]) -> int:
    """Return how many bytes of the segments were not read."""
    return sum(max(0, ref.size - _offset(offsets, ref)) for ref in refs)


def is_shorter(offsets: Offsets, refs: Iterable[SegmentRef]) -> bool:
    """Return whether a segment is gone, or has fewer bytes than were read: it was replaced."""
    sizes = {place(ref): ref.size for ref in refs}
    return any(sizes.get(at, 0) < mark.offset for at, mark in offsets.items())


def has_shrunk(offsets: Offsets, refs: Iterable[SegmentRef]) -> bool:
    """Return whether one of the segments has fewer bytes than were read of it."""
    return any(ref.size < _offset(offsets, ref) for ref in refs)


def read_on(
    offsets: Offsets, refs: Iterable[SegmentRef], sessions: Container[str]
) -> list[Located]:
    """Return the events of some sessions behind the offsets, in the order of events.

    The offsets are moved behind what was read; a record that its writer has not finished is read
    the next time.

    Raises:
        ReadError: a segment cannot be read.
    """
    found: list[Located] = []
    for ref in refs:
        if _offset(offsets, ref) < ref.size:
            records = _read(offsets, ref)
            mine = [(record, end) for record, end in records if record.event.session in sessions]
            if mine:
                lane = lane_uuid(ref.folder, ref.number, ref.version[0])
                found += [Located(lane, record, ref, end) for record, end in mine]
    return sorted(found, key=event_order)


@lru_cache(maxsize=4096)
def lane_uuid(folder: Path, number: int, _inode: int) -> str:
    """Return the uuid of a segment's lane, which decides between events of the same order."""
    try:
        return read_lane_uuid(folder, number)
    except OSError as error:
        raise ReadError(f"cannot read the headers of {folder}: {reason(error)}") from error


def _read(offsets: Offsets, ref: SegmentRef) -> Iterator[tuple[Record, int]]:
    """Yield the records behind the segment's offset, and the offset behind each; move it."""
    at, order = place(ref), clock.of(ref.folder.parent.parent)
    walk = SegmentWalk(ref, pass_over, offset=_sound_offset(offsets, ref))
    for record in walk.read():
        if isinstance(record, Record):
            # events that are appended from now on get a higher order
            order.observe(record.event.order)
            yield record, walk.end
    offsets[at] = Mark("", 0, walk.end, _fingerprint(ref, walk.end))


def _offset(offsets: Offsets, ref: SegmentRef) -> int:
    mark = offsets.get(place(ref))
    return 0 if mark is None else mark.offset


def _sound_offset(offsets: Offsets, ref: SegmentRef) -> int:
    """Return how far a segment was read; 0 if it is another file: an eraser has replaced it."""
    mark = offsets.get(place(ref))
    if mark is None or not mark.offset:
        return 0
    return mark.offset if _fingerprint(ref, mark.offset) == mark.check else 0


def _fingerprint(ref: SegmentRef, offset: int) -> int:
    try:
        with open_segment(ref.path) as file:
            return fingerprint(file, offset)
    except OSError as error:
        raise ReadError(f"cannot read {ref.path}: {reason(error)}") from error
