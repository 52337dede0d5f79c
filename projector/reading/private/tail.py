"""The events that a snapshot lacks, applied to a private copy of it.

A projector reads everything, whatever bytes there are. This reads only what a writer of ours wrote,
and of that only the sessions that are asked for: the lines of others are not decoded. What it does
not expect it leaves to the projector.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from journal.format.event_types import FORGET
from journal.format.frame import DamagedRecord
from journal.format.record import FORMAT, Erased, Header, Record, decode
from journal.segments.blocks import read_at
from projector.apply.applier import Applier
from projector.apply.careful.trial import applying
from projector.apply.portion import unbounded
from projector.run.hiding import Hiding
from projector.run.open_segments import OpenSegments, make_durable
from projector.run.superseded import Superseded
from projector.run.watermark import is_unchanged, load_marks, opened, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from io import FileIO

    import apsw

    from journal.format.event import Event
    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef
    from projector.apply.applier import Prepared
    from projector.run.open_segments import Place

_BATCH = 2_000
"""Events inserted with one statement."""
_SESSION = b'"session":"'


class Unexpected(Exception):  # noqa: N818 - no failure: the projector understands it
    """There is something in the segments that only a projector applies."""


class Tail:
    """Applies to a private copy what it lacks; again, what was appended since.

    Args:
        db: the copy; nothing else writes to it.
        journal: the journal.
        only: the sessions whose events are applied; None means all.
    """

    def __init__(
        self, db: apsw.Connection, journal: Directory, only: frozenset[str] | None
    ) -> None:
        self._db = db
        self._only = only
        # requests to forget concern every session
        self._names = {name.encode() for name in (*(only or ()), FORGET)}
        self._applier = Applier(db)
        self._hiding = Hiding(db, journal.path)
        self._superseded = Superseded(db)
        self._marks = load_marks(db)
        self._ends: dict[Place, int] = {}
        self._lanes: dict[Place, int] = {}
        self._restored: set[Place] = set()
        self._segments = OpenSegments()

    def missing(self, refs: Iterable[SegmentRef]) -> int:
        """Return how many bytes of segments are not applied."""
        return sum(max(0, ref.size - self._end(place(ref))) for ref in refs)

    def catch_up(self, refs: Iterable[SegmentRef]) -> None:
        """Apply the finished records of segments, those of a lane in their order.

        Raises:
            Unexpected: there is something that only a projector applies.
            NotApplied, apsw.Error: an event cannot be applied.
            ReadError: a segment cannot be read.
        """
        self._db.execute("BEGIN")
        try:
            with applying():
                prepared: list[Prepared] = []
                for ref in refs:
                    if ref.size != self._ends.get(place(ref)):
                        prepared += self._read(ref)
                    if len(prepared) >= _BATCH:
                        self._apply(prepared)
                        prepared = []
                self._apply(prepared)
                self._applier.finish(unbounded())
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _end(self, at: Place) -> int:
        """Return up to where a segment is applied."""
        mark = self._marks.get(at)
        return self._ends.get(at, 0 if mark is None else mark.offset)

    def _apply(self, prepared: Sequence[Prepared]) -> None:
        if prepared:
            latest = max(arrival.event.order for arrival, _ in prepared)
            counters = self._applier.state.counters
            counters["latest"] = max(counters["latest"], latest)
            self._applier.apply(prepared)

    def _read(self, ref: SegmentRef) -> list[Prepared]:
        """Read the new lines of a segment, and prepare those that are asked for."""
        at = place(ref)
        begin = self._end(at)
        with opened(ref, self._segments) as file:
            if at not in self._ends:
                self._check(ref, file)
            if begin >= ref.size and self._is_ahead(begin, file):
                self._ends[at] = begin
                return []
            block = read_at(file, begin, ref.size - begin)
            end = begin + block.rfind(b"\n") + 1
            # what is not finished counts only where no writer can finish it
            if begin > ref.size or (ref.final and end != ref.size):
                raise Unexpected(f"{ref.path} does not end with a line")
            lines = block[: end - begin].split(b"\n")[:-1]
            found = self._records(ref, lines, is_new=not begin)
            if found:
                # otherwise the answer would have events that a power loss removes
                make_durable(ref, file, is_new=not begin)
        self._ends[at] = end
        if found and at not in self._lanes:
            raise Unexpected(f"{ref.path} does not begin with its header")
        # a segment that was restored may lack records before its own
        if lines and at in self._lanes and at not in self._restored:
            self._note_last(self._lanes[at], lines[-1])
        return self._prepared(self._lanes[at], found) if found else []

    def _prepared(self, lane: int, records: Iterable[Record]) -> list[Prepared]:
        """Prepare what the snapshot may show of records of a lane."""
        prepared: list[Prepared] = []
        for record in records:
            event: Event | None = record.event
            if self._hiding.is_needed:
                uuid = self._applier.state.uuids[lane]
                event, _ = self._hiding.forgotten.apply(record.event, uuid, record.seq)
            if event is not None:
                prepared += self._applier.arrivals(lane, record.seq, event)
        return prepared

    def _check(self, ref: SegmentRef, file: FileIO) -> None:
        """Check that a segment goes on where the snapshot has ended, and note its lane."""
        at = place(ref)
        mark = self._marks.get(at)
        if mark is None or not mark.offset:
            return
        if mark.numbers < mark.known or not mark.lane:
            raise Unexpected(f"{ref.path} was replaced")
        if not is_unchanged(file, mark):
            raise Unexpected(f"{ref.path} is another than the one that was applied")
        self._lanes[at] = mark.lane
        if mark.is_restored:
            self._restored.add(at)

    @staticmethod
    def _is_ahead(end: int, file: FileIO) -> bool:
        """Return whether a segment was applied beyond its size at the call, and is not cut off.

        A projector goes on between the list of the segments and the snapshot, at a reader that was
        suspended there by any number of events.
        """
        return 0 < end <= os.fstat(file.fileno()).st_size

    def _records(self, ref: SegmentRef, lines: Sequence[bytes], *, is_new: bool) -> list[Record]:
        """Return the records in new lines that are asked for."""
        found: list[Record] = []
        for number, line in enumerate(lines):
            if not self._may_matter(line):
                continue
            try:
                record = decode(line)
            except DamagedRecord as error:
                raise Unexpected(f"{ref.path} is damaged: {error}") from error
            if isinstance(record, Header) is not (is_new and not number):
                raise Unexpected(f"{ref.path} does not begin with its header")
            if isinstance(record, Header):
                self._begin(ref, record)
            elif isinstance(record, Record) and self._is_wanted(ref, record):
                found.append(record)
        return found

    def _begin(self, ref: SegmentRef, header: Header) -> None:
        is_superseded = header.supersedes or self._superseded.has(header.segment)
        if header.format > FORMAT or is_superseded:
            raise Unexpected(f"{ref.path} is of a newer format, or replaces another segment")
        self._lanes[place(ref)] = self._applier.state.lanes[header.lane]
        if header.format > 1 and str(header.folder) != ref.lane:
            self._restored.add(place(ref))

    def _may_matter(self, line: bytes) -> bool:
        """Return whether a line may be of a session that is asked for, or is no event."""
        if self._only is None:
            return True
        at = line.find(_SESSION)
        # in an object before it, it would be no field of the record
        if at < 0 or 0 <= line.find(b"{", 1) < at:
            return True
        start = at + len(_SESSION)
        name = line[start : line.find(b'"', start)]
        return b"\\" in name or name in self._names

    def _is_wanted(self, ref: SegmentRef, record: Record) -> bool:
        if record.event.session == FORGET and self._hiding.stops(ref.lane, record.event):
            raise Unexpected("something is to be forgotten")
        return self._only is None or record.event.session in self._only

    def _note_last(self, lane: int, line: bytes) -> None:
        """Note the number of the last record of a lane, as the watermark has it."""
        try:
            record = decode(line)
        except DamagedRecord as error:
            raise Unexpected(f"a line is damaged: {error}") from error
        if isinstance(record, Header):
            return
        last = record.seq + record.count - 1 if isinstance(record, Erased) else record.seq
        query = "UPDATE _lanes SET applied = max(applied, ?) WHERE id = ?"
        self._db.execute(query, (last, lane))

    def close(self) -> None:
        """Close the segments."""
        self._segments.close()
