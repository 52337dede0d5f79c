"""Read the records in the segments of lanes."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.format.record import Header, Record
from journal.format.scan import MISPLACED, Damage
from journal.segments import segment
from journal.segments.blocks import BLOCK, read_chunk
from journal.segments.gone import is_gone
from journal.segments.listing import list_segments
from journal.segments.progress import Progress
from journal.segments.segment import open_segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from journal.format.record import Erased
    from journal.format.scan import Found
    from journal.segments.listing import SegmentRef

_MERGED = 16 * BLOCK
"""Bytes that are read ahead of all lanes together when lanes are merged."""
_LEAST = 16 * 1024
"""Bytes of each of them, however many there are."""


def read_segment(
    ref: SegmentRef, progress: Progress | None = None, limit: int = BLOCK
) -> Iterator[Found | Damage]:
    """Yield every item of a segment after the progress; read `limit` bytes at a time.

    The file is open only during a read: when a thousand lanes are merged, no file stays open. If an
    eraser replaces it meanwhile, no item is read twice and none is skipped.

    Args:
        ref: the segment.
        progress: how far it was read; it is moved block by block.
        limit: bytes that are read at a time.

    Raises:
        ReadError: the file cannot be read.
    """
    progress = progress or Progress()
    at_end = False
    while not at_end:
        try:
            with open_segment(ref.path) as file:
                rest = progress.find_again(file, final=ref.final)
                chunk = read_chunk(file, progress.offset, final=ref.final, limit=limit)
        except OSError as error:
            raise ReadError(f"cannot open {ref.path}: {error.strerror or error}") from error
        items = chunk.items if rest is None else [rest, *chunk.items]
        at_end = chunk.at_end or chunk.end == progress.offset
        progress.offset = chunk.end
        progress.note(items)
        yield from items


@dataclass(frozen=True, slots=True)
class Located:
    """A record with the uuid of its lane, its segment, and the offset behind it."""

    lane: str
    record: Record
    ref: SegmentRef
    end: int


class SegmentWalk:
    """Reads the items of one segment, in order, and continues when the segment grows.

    The header sets the lane of the records behind it. Damage is reported, and so is a header that
    is not at the segment's beginning. All other items are yielded.

    Args:
        ref: the segment.
        on_damage: called with each stretch of bytes that holds no valid record.
        on_header: called with the segment's header and the offset behind it.
        offset: where to begin, in bytes from the segment's start.

    Attributes:
        start: offset of the present item.
        end: offset behind the present item, where the walk continues.
        closed: whether the present item ends in a newline.
    """

    def __init__(
        self,
        ref: SegmentRef,
        on_damage: Callable[[SegmentRef, Damage], None],
        on_header: Callable[[Header, int], None] | None = None,
        *,
        offset: int = 0,
    ) -> None:
        self.ref = ref
        self.start = self.end = offset
        self._progress = Progress(offset)
        self.closed = True
        self._on_damage = on_damage
        self._on_header = on_header
        self._lane = ""

    @property
    def lane(self) -> str:
        """Uuid of the lane; a segment with a damaged header belongs to that of the one before it.

        Raises:
            ReadError: a header cannot be read.
        """
        if not self._lane:
            self._lane = read_lane_uuid(self.ref)
        return self._lane

    def over(self, items: Iterable[Found | Damage]) -> Iterator[Record | Erased]:
        """Yield the records and runs of erased events among the items that follow."""
        for item in items:
            self.start = self.end
            if isinstance(item, Damage):
                self.end = item.offset + item.length
                self._on_damage(self.ref, item)
                continue
            record, self.end, self.closed = item.record, item.end, item.closed
            if not isinstance(record, Header):
                yield record
            elif self.start:
                self._on_damage(self.ref, Damage(self.start, self.end - self.start, MISPLACED))
            else:
                self._lane = record.lane
                if self._on_header is not None:
                    self._on_header(record, self.end)

    def read(self, limit: int = BLOCK) -> Iterator[Record | Erased]:
        """Read further to the segment's end, `limit` bytes at a time; yield as `over`.

        Raises:
            ReadError: the file cannot be read.
        """
        return self.over(self._follow_file(read_segment(self.ref, self._progress, limit)))

    def _follow_file(self, items: Iterable[Found | Damage]) -> Iterator[Found | Damage]:
        """Yield the items, and move the end to where they continue in a file that was replaced."""
        progress = self._progress
        for item in items:
            if progress.moved_to is not None:
                self.end, progress.moved_to = progress.moved_to, None
            yield item

    def events(self, limit: int = BLOCK) -> Iterator[Located]:
        """Read further to the segment's end; yield only the records of events.

        Raises:
            ReadError: the file cannot be read.
        """
        for record in self.read(limit):
            if isinstance(record, Record):
                yield Located(self.lane, record, self.ref, self.end)


def pass_over(_ref: SegmentRef, _damage: Damage) -> None:
    """Ignore damage, for a caller that need not report it."""


def read_events(
    lanes: Path,
    on_damage: Callable[[SegmentRef, Damage], None],
    walks: dict[Path, SegmentWalk] | None = None,
) -> Iterator[Located]:
    """Yield all records of all lanes in the order of events: order, lane uuid, sequence number.

    Args:
        lanes: the folder of the lanes.
        on_damage: called with each stretch of bytes that holds no valid record.
        walks: gets the walk over each segment, which can be continued.

    Raises:
        ReadError: a file or folder cannot be read.
    """
    by_lane: dict[str, list[SegmentRef]] = {}
    for ref in list_segments(lanes):
        by_lane.setdefault(ref.lane, []).append(ref)
    # the read blocks of all lanes are in memory at the same time
    limit = max(_LEAST, min(BLOCK, _MERGED // max(1, len(by_lane))))
    walks = {} if walks is None else walks
    streams = [_read_lane(refs, on_damage, limit, walks) for refs in by_lane.values()]
    yield from heapq.merge(*streams, key=event_order)


def event_order(at: Located) -> tuple[int, str, int]:
    """Return the key that orders events."""
    return at.record.event.order, at.lane, at.record.seq


def _read_lane(
    refs: list[SegmentRef],
    on_damage: Callable[[SegmentRef, Damage], None],
    limit: int,
    walks: dict[Path, SegmentWalk],
) -> Iterator[Located]:
    superseded: set[str] = set()
    done: list[SegmentWalk] = []
    last: Located | None = None
    for ref in refs:
        uuids: list[str] = []

        def begun(header: Header, _end: int, uuids: list[str] = uuids) -> None:
            uuids.append(header.segment)
            superseded.update(header.supersedes)

        walk = walks[ref.path] = SegmentWalk(ref, on_damage, begun)
        try:
            for at in walk.events(limit):
                # the file of one that was joined with others has no other records than these
                if not superseded or superseded.isdisjoint(uuids):
                    last = at
                    yield at
            done.append(walk)
        except ReadError as error:
            joined = next((each for each in reversed(done) if _is_joined(each.ref)), None)
            if not is_gone(error) or joined is None:
                raise
            # it was joined with that one, and its file was removed since it was listed
            for at in joined.events(limit):
                if last is None or last.lane != at.lane or last.record.seq < at.record.seq:
                    last = at
                    yield at


def _is_joined(ref: SegmentRef) -> bool:
    """Return whether a segment is there and supersedes others.

    Raises:
        ReadError: it cannot be read.
    """
    try:
        header = segment.read_header(ref.path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ReadError(f"cannot open {ref.path}: {error.strerror or error}") from error
    return header is not None and bool(header.supersedes)


def read_lane_uuid(ref: SegmentRef) -> str:
    """Return the uuid of the lane of a segment without a readable header.

    Raises:
        ReadError: a segment cannot be read.
    """
    try:
        return segment.read_lane_uuid(ref.folder, ref.number)
    except OSError as error:
        raise ReadError(
            f"cannot read the headers of {ref.folder}: {error.strerror or error}"
        ) from error
