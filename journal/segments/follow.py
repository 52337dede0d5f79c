"""Reads a growing journal further: new records, rolled segments, new lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.sequence import Sequence
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_segments
from journal.segments.reader import SegmentWalk, event_order, read_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.format.scan import Damage
    from journal.segments.listing import SegmentRef
    from journal.segments.reader import Located


class Follower:
    """Remembers how far every segment was read.

    Args:
        lanes: the folder of the lanes.
        on_damage: called with each stretch of bytes that holds no valid record.
    """

    def __init__(self, lanes: Path, on_damage: Callable[[SegmentRef, Damage], None]) -> None:
        self._lanes = lanes
        self._on_damage = on_damage
        self._walks: dict[Path, SegmentWalk] = {}
        self._done: dict[Path, tuple[int, int]] = {}
        self._seen: dict[str, Sequence] = {}

    def read(self) -> Iterator[Located]:
        """Yield all records, in the order of events; `poll` continues after them.

        Raises:
            ReadError: a file or folder cannot be read.
        """
        yield from filter(self._is_new, read_events(self._lanes, self._on_damage, self._walks))

    def poll(self) -> list[Located]:
        """Return the new records behind everything that was read so far, in the order of events.

        Raises:
            ReadError: a file or folder cannot be read.
        """
        found: list[Located] = []

        def read_all() -> None:
            for ref in list_segments(self._lanes):
                # one that was replaced since may have the records of those behind it
                if self._done.get(ref.path) != ref.version:
                    self._read(ref, found)

        repeat_if_gone(read_all)  # what was read before a file was gone stays in the list
        return [at for at in sorted(found, key=event_order) if self._is_new(at)]

    def _is_new(self, at: Located) -> bool:
        """Record that a record was read; return False for a copy of an earlier one.

        After a failed sync a writer writes records again, verbatim, to a new segment.
        """
        sequence = self._seen.setdefault(at.lane, Sequence())
        return sequence.add(at.record.seq, at.record.event.order) != "again"

    def _read(self, ref: SegmentRef, found: list[Located]) -> None:
        """Add the new records of a segment to a list, one by one: the next read may fail."""
        walk = self._walks.get(ref.path)
        if walk is None:
            walk = self._walks[ref.path] = SegmentWalk(ref, self._on_damage)
        # a segment that was replaced by an eraser may be shorter
        if not ref.final and ref.size == walk.end:
            return
        walk.ref = ref
        for at in walk.events():
            found.append(at)  # noqa: PERF402 - the records before an error count
        if ref.final:
            self._done[ref.path] = ref.version
