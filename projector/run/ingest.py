"""Read blocks of segments: records become prepared events, damage goes into quarantine."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, TypeGuard

from journal.format.event_types import ERASURE_REQUESTED
from journal.format.frame import DamagedRecord
from journal.format.record import FORMAT, Record
from journal.format.scan import Damage
from journal.process import clock
from journal.segments.blocks import read_chunk
from journal.segments.reader import SegmentWalk
from journal.segments.settled import Settled, latest_change
from projector.apply.applier import Applier
from projector.apply.careful.isolation import Isolation
from projector.apply.careful.trial import applying
from projector.db.schema import APPLIED
from projector.run.open_segments import make_durable
from projector.run.quarantine import clear, set_aside
from projector.run.superseded import PASSED, Gone, Superseded, known_numbers
from projector.run.watermark import (
    Mark,
    fingerprint,
    is_unchanged,
    load_applied,
    load_marks,
    opened,
    place,
    save_mark,
)

if TYPE_CHECKING:
    import apsw

    from journal.format.event import Event
    from journal.format.record import Erased, Header
    from journal.segments.blocks import Chunk
    from journal.segments.listing import LaneFolder, SegmentRef
    from projector.apply.applier import Prepared
    from projector.apply.portion import Portion
    from projector.run.hiding import Hiding
    from projector.run.open_segments import OpenSegments, Place

_BATCH = 2_000
"""Events inserted with one statement."""
_SESSIONS = 1_000
"""Sessions folded in one transaction, or a few more."""
FUTURE = "future-format-"
"""Prefix of the uuid of a segment that only a newer program can read."""
_NOWHERE = 2**62
NOTHING = Mark("", 0, 0, 0)
"""The mark of a segment of which nothing is applied."""
_log = logging.getLogger("projector")


class Intake:
    """Reads new records of segments in the transaction that its projector opened.

    Attributes:
        marks: the watermark, including what this transaction has read.
        settled: the lane folders of which everything is applied.
    """

    def __init__(self, db: apsw.Connection, segments: OpenSegments, hiding: Hiding) -> None:
        self._db = db
        self._segments = segments
        self.applier = Applier(db)
        self.hiding = hiding
        self._superseded = Superseded(db)
        self.marks = load_marks(db)
        self.changed: set[Place] = set()
        self._noted: set[Place] = set()
        self._passed = 0
        self.settled, self._seen = Settled(), Settled()
        self._synced: set[Place] = set()
        segments.compared.clear()  # they were compared with another generation
        self._gone = Gone(self._superseded)
        self._prepared: list[Prepared] = []
        self._isolation: Isolation | None = None
        self._applied = load_applied(db)
        self._advanced: set[int] = set()

    def look_back(self, folders: list[LaneFolder]) -> None:
        """Find the segments that were replaced, cut off or removed since they were read.

        A file that is unchanged since the last call is not opened: only its size and its version
        are compared. A folder that is unchanged is passed over.

        Raises:
            ReadError: a segment cannot be read.
        """
        if not self._seen.has_names_of(folders):
            self._gone.note(self.marks, folders)
        self._passed = latest_change(folders)
        for ref in self._seen.rest(folders):
            self._compare(ref)
        self._seen.clear()
        self._seen.add(folders)

    def _compare(self, ref: SegmentRef) -> None:
        at = place(ref)
        mark = self.marks.get(at, NOTHING)
        # a segment of another size is compared when it is read
        if ref.size != mark.offset or mark.is_of(ref):
            return
        if self._segments.compared.get(at) != ref.version:
            with opened(ref, self._segments) as file:
                if not is_unchanged(file, mark):
                    self._segments.compared.pop(at, None)
                    self._noted.discard(at)
                    # an offset above every size makes the segment pending
                    self.marks[at] = replace(mark, offset=_NOWHERE)
                    return
            self._segments.compared[at] = ref.version
        if at in self.marks and mark.note(*ref.version, self._passed):
            self._noted.add(at)

    def take_block(self, ref: SegmentRef) -> tuple[int, int]:
        """Read a block of one segment; return how many events and bytes were read."""
        at = place(ref)
        with opened(ref, self._segments) as file:
            there = os.fstat(file.fileno())  # before it is read: it may be changed meanwhile
            before = self.marks.get(at) or NOTHING
            is_same = is_unchanged(file, before)
            # a copy: its changes are discarded if the transaction fails
            mark = replace(before if is_same else NOTHING)
            chunk = read_chunk(file, mark.offset, final=ref.final)
            if not is_same:
                mark.known = self._begin_again(ref, before, chunk)
            if chunk.items and at not in self._synced:
                # otherwise the projection would show events that a power loss removes
                make_durable(ref, file, is_new=not mark.offset)
                if ref.final:  # a segment that can still grow must be synced each time
                    self._synced.add(at)
            with applying():
                events, end = self._take_chunk(ref, mark, chunk)
            mark.check = fingerprint(file, end)
        size = end - mark.offset
        # a segment without new bytes must not keep the next ones of its lane from being read
        if size or self.marks.get(at, NOTHING).offset != end:
            mark.offset = end
            mark.note(there.st_ino, there.st_ctime_ns if there.st_size == end else 0, self._passed)
            self.marks[at] = mark
            self.changed.add(at)
        return events, size

    def _begin_again(self, ref: SegmentRef, before: Mark, chunk: Chunk) -> int:
        """Read a segment again from its beginning: it is not the one that was read before.

        If it supersedes that one, it has the same records but for those that were erased. Else
        events that were applied before are duplicates now, and events that it no longer contains
        stay in the projection; `projector salvage` writes them back. Return how many of its first
        sequence numbers need not be applied again.
        """
        others = self._superseded.others(place(ref), self.marks)
        known = known_numbers(before, chunk, place(ref), others)
        if known is None:
            _log.warning(
                "segment %s is shorter or another than the one that was read: reading it again;"
                " see `projector verify`",
                ref.path,
            )
            self.applier.state.counters["reread"] += 1
        clear(self._db, self.applier.state, ref)
        self._synced.discard(place(ref))
        return known or 0

    def _take_chunk(self, ref: SegmentRef, mark: Mark, chunk: Chunk) -> tuple[int, int]:
        """Prepare the records up to a request that stops; return their number and their end."""
        walk = SegmentWalk(
            ref,
            lambda _, damage: self._quarantine(ref, mark, damage),
            lambda header, end: self._begin(ref, mark, header, end),
            offset=mark.offset,
        )
        events = 0
        for record in walk.over(chunk.items):
            # records of a newer format are skipped: a newer program rebuilds the projection
            if not mark.uuid.startswith((FUTURE, PASSED)):
                if _is_request(record) and self.hiding.stops(ref.lane, record.event):
                    return events, walk.start
                events += self._take_record(walk, mark, record)
            if len(self._prepared) >= _BATCH:
                self.flush()
        return events, chunk.end

    def _take_record(self, walk: SegmentWalk, mark: Mark, record: Record | Erased) -> int:
        """Prepare the record that the walk has reached; return how many events it is."""
        if not mark.lane:
            self._set_lane(walk, mark)
        last = record.seq if isinstance(record, Record) else record.seq + record.count - 1
        if last > (reached := self._applied.get(mark.lane, 0)) and (
            not mark.is_restored or record.seq <= reached + 1
        ):
            self._applied[mark.lane] = last
            self._advanced.add(mark.lane)
        if not isinstance(record, Record):
            mark.numbers += record.count
            return 0
        mark.numbers += 1
        if mark.numbers <= mark.known:
            return 1
        event: Event | None = record.event
        if self.hiding.is_needed:
            lane = self.applier.state.uuids[mark.lane]
            event, _ = self.hiding.forgotten.apply(record.event, lane, record.seq)
        if event is None:
            return 1
        try:
            if self._isolation is not None:
                self._isolation.check(record.seq, event)
            prepared = self.applier.arrivals(mark.lane, record.seq, event)
        except DamagedRecord as error:
            damage = Damage(walk.start, walk.end - walk.start, str(error))
            self._quarantine(walk.ref, mark, damage)
            return 0
        self._prepared += prepared
        if self._isolation is not None:
            stretch = Damage(walk.start, walk.end - walk.start, "")
            self._isolation.add(
                prepared,
                lambda why: self._quarantine(walk.ref, mark, replace(stretch, reason=why)),
            )
        return 1

    def _begin(self, ref: SegmentRef, mark: Mark, header: Header, end: int) -> None:
        """Store a segment's header, which has `end` bytes."""
        if header.format > FORMAT:
            mark.uuid = f"{FUTURE}{header.format}"
            reason = f"format {header.format}: this program reads up to {FORMAT}"
            self._quarantine(ref, mark, Damage(0, end, reason))
        else:
            mark.uuid = header.segment
            mark.lane = self.applier.state.lanes[header.lane]
            mark.is_restored = header.format > 1 and str(header.folder) != ref.lane
            self._superseded.add(header)
            if self._superseded.has(header.segment):
                mark.uuid = f"{PASSED}{header.segment}"

    def _set_lane(self, walk: SegmentWalk, mark: Mark) -> None:
        """Set the lane of a segment without a header to that of the segments before it."""
        mark.uuid = f"?{walk.ref.lane}/{walk.ref.number}"
        mark.lane = self.applier.state.lanes[walk.lane]

    def _quarantine(self, ref: SegmentRef, mark: Mark, damage: Damage) -> None:
        set_aside(self._db, self.applier.state, ref, mark, damage)

    def flush(self) -> None:
        """Insert the events that are prepared."""
        prepared, self._prepared = self._prepared, []
        if prepared:
            latest = max(arrival.event.order for arrival, _ in prepared)
            counters = self.applier.state.counters
            counters["latest"] = max(counters["latest"], latest)
        if self._isolation is None:
            self.applier.apply(prepared)
        else:
            self._isolation.flush()

    def be_careful(self, *, isolates: bool) -> None:
        """Try each event alone before it is applied, from here on until `be_quick`.

        Args:
            isolates: whether an event is set aside that fails only after other events; else the
                database counts as damaged, which is the likely cause.
        """
        self._isolation = Isolation(self._db, self.applier, sets_aside=isolates)

    def be_quick(self) -> None:
        """Apply many events at once again."""
        self._isolation = None

    @property
    def is_unfolded(self) -> bool:
        """Whether the last commit left sessions to be folded: they come before new records."""
        return self.applier.state.is_unfolded

    @property
    def is_full(self) -> bool:
        """Whether so many sessions are marked that they must be folded now."""
        return len(self.applier.state.dirty.sessions) >= _SESSIONS

    def save(self, portion: Portion) -> None:
        """Write all prepared events and the watermark into the open transaction.

        What must be folded beyond the portion is left for the next transaction.
        """
        with applying():
            self.flush()
            if self.changed:
                self.applier.state.counters[APPLIED] = clock.wall()
            self.applier.finish(portion)
        for at in self.changed | self._noted:
            save_mark(self._db, at, self.marks[at])
        self.changed, self._noted = set(), set()
        rows = [(self._applied[lane], lane) for lane in sorted(self._advanced)]
        self._db.executemany("UPDATE _lanes SET applied = max(applied, ?) WHERE id = ?", rows)
        self._advanced.clear()

    def reset(self) -> None:
        """Forget what was read and not committed, as after a rollback."""
        self._prepared.clear()
        if self._isolation is not None:
            self._isolation.reset()
        self.applier.reset()
        self.hiding.load()
        self._applied = load_applied(self._db)
        self._advanced.clear()
        self.marks = load_marks(self._db)
        self.changed, self._noted = set(), set()
        self.settled.clear()
        self._seen.clear()


def _is_request(record: Record | Erased) -> TypeGuard[Record]:
    return isinstance(record, Record) and record.event.type == ERASURE_REQUESTED
