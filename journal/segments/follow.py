"""Read on in a journal that grows: new records, rolled segments, new lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.format.record import Header, Record
from journal.format.scan import Damage
from journal.format.sequence import Sequence
from journal.segments.blocks import read_chunk
from journal.segments.listing import list_segments
from journal.segments.reader import Located, event_order, read_lane_uuid
from journal.segments.segment import open_segment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.segments.listing import SegmentRef


class Follower:
    """Remembers how far every segment was read.

    Args:
        lanes: the folder of the lanes.
        on_damage: told of every stretch of bytes that is no valid record.
    """

    def __init__(self, lanes: Path, on_damage: Callable[[SegmentRef, Damage], None]) -> None:
        self._lanes = lanes
        self._on_damage = on_damage
        self._offsets: dict[Path, int] = {}
        self._done: set[Path] = set()
        self._uuids: dict[Path, str] = {}
        self._seen: dict[str, Sequence] = {}

    def is_new(self, at: Located) -> bool:
        """Note that a record was read; False if it is one that was written again.

        After a failed sync a writer writes records again, verbatim, to a fresh segment.
        """
        self._offsets[at.ref.path] = at.end
        sequence = self._seen.setdefault(at.lane, Sequence())
        return sequence.add(at.record.seq, at.record.event.order) != "again"

    def damaged(self, ref: SegmentRef, damage: Damage) -> None:
        """Note and tell a stretch of bytes that is no valid record."""
        self._offsets[ref.path] = damage.offset + damage.length
        self._on_damage(ref, damage)

    def poll(self) -> list[Located]:
        """Return what stands behind everything noted so far, in the order of events.

        Raises:
            ReadError: a file or folder cannot be read.
        """
        found: list[Located] = []
        for ref in list_segments(self._lanes):
            if ref.path not in self._done and (
                ref.final or ref.size > self._offsets.get(ref.path, 0)
            ):
                found += self._read(ref)
        return [at for at in sorted(found, key=event_order) if self.is_new(at)]

    def _read(self, ref: SegmentRef) -> list[Located]:
        found: list[Located] = []
        offset = self._offsets.get(ref.path, 0)
        try:
            file = open_segment(ref.path)
        except OSError as error:
            raise ReadError(f"cannot open {ref.path}: {error.strerror or error}") from error
        with file:
            while (chunk := read_chunk(file, offset, final=ref.final)).end > offset:
                for item in chunk.items:
                    if isinstance(item, Damage):
                        self.damaged(ref, item)
                    elif isinstance(item.record, Header):
                        self._uuids[ref.path] = item.record.lane
                    elif isinstance(item.record, Record):
                        found.append(Located(self._uuid(ref), item.record, ref, item.end))
                offset = chunk.end
        self._offsets[ref.path] = offset
        if ref.final:
            self._done.add(ref.path)
        return found

    def _uuid(self, ref: SegmentRef) -> str:
        if ref.path not in self._uuids:
            self._uuids[ref.path] = read_lane_uuid(ref)
        return self._uuids[ref.path]
