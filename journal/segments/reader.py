"""Read what stands in the segments of lanes."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.format.record import Header, Record
from journal.format.scan import Damage
from journal.segments import segment
from journal.segments.blocks import BLOCK, read_chunk
from journal.segments.listing import list_segments
from journal.segments.segment import open_segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.format.scan import Found
    from journal.segments.listing import SegmentRef

_MERGED = 16 * BLOCK
"""Bytes of all lanes that are read ahead where lanes are merged."""
_LEAST = 16 * 1024
"""Bytes of each of them, however many there are."""


def read_segment(ref: SegmentRef, offset: int = 0, limit: int = BLOCK) -> Iterator[Found | Damage]:
    """Yield everything that stands in a segment from `offset` up to its end, `limit` bytes a time.

    The file is open only while it is read: of a thousand lanes that are merged, none is.

    Raises:
        ReadError: the file cannot be read.
    """
    while True:
        try:
            file = open_segment(ref.path)
        except OSError as error:
            raise ReadError(f"cannot open {ref.path}: {error.strerror or error}") from error
        with file:
            chunk = read_chunk(file, offset, final=ref.final, limit=limit)
        yield from chunk.items
        if chunk.end == offset:
            return
        offset = chunk.end


@dataclass(frozen=True, slots=True)
class Located:
    """A record with the uuid of its lane, the segment it stands in and the offset behind it."""

    lane: str
    record: Record
    ref: SegmentRef
    end: int


def read_events(lanes: Path, on_damage: Callable[[SegmentRef, Damage], None]) -> Iterator[Located]:
    """Yield all records of all lanes in the order of events: time, lane uuid, sequence number.

    Args:
        lanes: the folder of the lanes.
        on_damage: told of every stretch of bytes that is no valid record.

    Raises:
        ReadError: a file or folder cannot be read.
    """
    by_lane: dict[str, list[SegmentRef]] = {}
    for ref in list_segments(lanes):
        by_lane.setdefault(ref.lane, []).append(ref)
    # what is read of all lanes is in memory at the same time
    limit = max(_LEAST, min(BLOCK, _MERGED // max(1, len(by_lane))))
    streams = [_read_lane(refs, on_damage, limit) for refs in by_lane.values()]
    yield from heapq.merge(*streams, key=event_order)


def event_order(at: Located) -> tuple[int, str, int]:
    """Return the key that orders events."""
    return at.record.event.order, at.lane, at.record.seq


def _read_lane(
    refs: list[SegmentRef], on_damage: Callable[[SegmentRef, Damage], None], limit: int
) -> Iterator[Located]:
    for ref in refs:
        lane = None
        for item in read_segment(ref, limit=limit):
            if isinstance(item, Damage):
                on_damage(ref, item)
            elif isinstance(item.record, Header):
                lane = item.record.lane
            elif isinstance(item.record, Record):
                # a damaged header must not leave its events without their lane
                lane = lane or read_lane_uuid(ref)
                yield Located(lane, item.record, ref, item.end)


def read_lane_uuid(ref: SegmentRef) -> str:
    """Return the uuid of the lane of a segment without a header; empty if none is readable.

    Raises:
        ReadError: a segment cannot be read.
    """
    try:
        return segment.read_lane_uuid(ref.folder, ref.number) or ""
    except OSError as error:
        raise ReadError(
            f"cannot read the headers of {ref.folder}: {error.strerror or error}"
        ) from error
