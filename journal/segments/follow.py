"""Read on in a journal that grows: new records, rolled segments, new lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.sequence import Sequence
from journal.segments.listing import list_segments
from journal.segments.reader import Located, SegmentWalk, event_order

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.format.scan import Damage
    from journal.segments.listing import SegmentRef


class Follower:
    """Remembers how far every segment was read.

    Args:
        lanes: the folder of the lanes.
        on_damage: called with each stretch of bytes that holds no valid record.
    """

    def __init__(self, lanes: Path, on_damage: Callable[[SegmentRef, Damage], None]) -> None:
        self._lanes = lanes
        self._on_damage = on_damage
        self._offsets: dict[Path, int] = {}
        self._done: set[Path] = set()
        self._uuids: dict[Path, str] = {}
        self._seen: dict[str, Sequence] = {}

    def is_new(self, at: Located) -> bool:
        """Note that a record was read; return False for a copy of one that was read before.

        After a failed sync a writer writes records again, verbatim, to a fresh segment.
        """
        self._note(at.ref, at.end)
        sequence = self._seen.setdefault(at.lane, Sequence())
        return sequence.add(at.record.seq, at.record.event.order) != "again"

    def damaged(self, ref: SegmentRef, damage: Damage) -> None:
        """Note and report a stretch of bytes that holds no valid record."""
        self._note(ref, damage.offset + damage.length)
        self._on_damage(ref, damage)

    def _note(self, ref: SegmentRef, end: int) -> None:
        # damage behind a record is noted before the record is: the offset never goes back
        self._offsets[ref.path] = max(end, self._offsets.get(ref.path, 0))

    def poll(self) -> list[Located]:
        """Return the new records behind everything that was noted so far, in the order of events.

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
        offset, lane = self._offsets.get(ref.path, 0), self._uuids.get(ref.path, "")
        walk = SegmentWalk(ref, self.damaged, offset=offset, lane=lane)
        found = list(walk.events())
        if found:
            self._uuids[ref.path] = walk.lane
        self._note(ref, walk.end)
        if ref.final:
            self._done.add(ref.path)
        return found
