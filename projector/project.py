"""The projector: read what the lanes have gained, apply it, commit it with the watermark.

Rows, index and watermark go into one transaction, so each event counts exactly once, whatever
dies. What was read is synced before it is committed: the view is never ahead of the log.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw

from journal.errors import ReadError
from journal.reader import Chunk, SegmentRef, list_segments, read_chunk
from journal.record import FORMAT, DamagedRecord, Header
from journal.scan import Damage
from journal.segment import open_segment
from projector.apply import Applier, Row
from projector.errors import ProjectionError
from projector.schema import PAGE
from projector.watermark import Mark, Place, load_marks, place, save_mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from projector.collide import Arrival

_BATCH = 2_000
"""Events inserted with one statement."""
_TRANSACTION = 16 * 1024 * 1024
"""Bytes of segments that one transaction takes: the WAL of a live projection stays below 64 MiB."""
_CHECKPOINT = 4 * 1024 * 1024
"""Bytes of WAL at which it is written back."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What one run of catching up did: events read, bytes read, transactions committed."""

    events: int = 0
    bytes: int = 0
    commits: int = 0


class Projector:
    """Applies lanes to one generation, over the connection that it alone writes with."""

    def __init__(self, db: apsw.Connection, lanes: Path) -> None:
        self._db = db
        self._lanes = lanes
        self._applier = Applier(db)
        self._marks = load_marks(db)
        self._synced: set[Place] = set()
        self._prepared: list[tuple[Arrival, Row]] = []
        self._changed: set[Place] = set()
        self._wal_pages = 0
        db.set_wal_hook(self._count_wal)

    @property
    def marks(self) -> dict[Place, Mark]:
        """The watermark, as of the last commit."""
        return self._marks

    def catch_up(
        self,
        *,
        on_commit: Callable[[Progress], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Progress:
        """Apply everything that stands in the lanes now, unless told to `stop`.

        What is appended meanwhile may wait for the next call: beside writers that never pause,
        one that went on until there is nothing more would never return.

        Args:
            on_commit: told of the progress after every transaction.
            stop: asked between blocks of about 1 MiB.

        Raises:
            ProjectionError: the database refuses; nothing of the open transaction was kept.
            ReadError: a segment cannot be read.
        """
        progress = Progress()
        goals = {place(ref): ref.size for ref in list_segments(self._lanes)}
        while (pending := self._pending(goals)) and not stop():
            before = progress
            try:
                for events, size in self._transaction(pending, stop):
                    progress = Progress(
                        progress.events + events, progress.bytes + size, progress.commits
                    )
            except apsw.Error as error:
                raise ProjectionError(
                    f"cannot write the projection {self._db.filename}: {error}"
                ) from error
            if progress == before:  # only unfinished records are left
                break
            progress = Progress(progress.events, progress.bytes, progress.commits + 1)
            if on_commit is not None:
                on_commit(progress)
        return progress

    def _pending(self, goals: dict[Place, int]) -> list[SegmentRef]:
        """List what is not applied up to its goal: of each lane the first such segment."""
        pending: dict[str, SegmentRef] = {}
        for ref in list_segments(self._lanes):
            mark = self._marks.get(place(ref))
            # an empty segment has nothing to wait for: its lane goes on in the next
            goal = goals.get(place(ref), 0)
            if (mark.offset if mark else 0) < goal and ref.lane not in pending:
                pending[ref.lane] = ref
        return list(pending.values())

    def _transaction(
        self, pending: list[SegmentRef], stop: Callable[[], bool]
    ) -> Iterator[tuple[int, int]]:
        """Read a block of each segment in turn, and commit it all; yield events and bytes."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            size = 0
            while pending and size < _TRANSACTION and not stop():
                going_on = []
                for ref in pending:
                    events, read = self._take_block(ref)
                    if read:
                        going_on.append(ref)
                        size += read
                        yield events, read
                    if size >= _TRANSACTION:
                        break
                pending = going_on
            self._flush()
            self._applier.finish()
            for at in self._changed:
                save_mark(self._db, at, self._marks[at])
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._prepared.clear()
            self._applier.reset()
            self._marks = load_marks(self._db)
            raise
        finally:
            self._changed.clear()
        self.checkpoint()

    def _take_block(self, ref: SegmentRef) -> tuple[int, int]:
        """Read on in one segment; return the events and bytes taken."""
        at = place(ref)
        try:
            file = open_segment(ref.path)
        except OSError as error:
            raise ReadError(f"cannot open {ref.path}: {error.strerror or error}") from error
        with file:
            mark = self._marks.get(at) or Mark("", 0, 0)
            chunk = read_chunk(file, mark.offset, final=ref.final)
            if chunk.items and at not in self._synced:
                # a view that is ahead of the log would show what a power loss takes back
                try:
                    os.fdatasync(file.fileno())
                except OSError as error:
                    raise ReadError(
                        f"cannot sync {ref.path}: {error.strerror or error};"
                        " what it gained is not shown before the disk has it"
                    ) from error
                if ref.final:  # one that still grows must be synced each time
                    self._synced.add(at)
        events = self._take_chunk(ref, mark, chunk)
        taken = chunk.end - mark.offset
        if taken:
            self._marks[at] = Mark(mark.uuid, mark.lane, chunk.end)
            self._changed.add(at)
        return events, taken

    def _take_chunk(self, ref: SegmentRef, mark: Mark, chunk: Chunk) -> int:
        events, start = 0, mark.offset
        for item in chunk.items:
            if isinstance(item, Damage):
                self._quarantine(ref, mark, item)
                start = item.offset + item.length
                continue
            record = item.record
            if isinstance(record, Header):
                self._begin(ref, mark, record, Damage(start, item.end - start, ""))
            elif mark.uuid.startswith(_FUTURE):
                pass  # it was quarantined with its header: a newer program rebuilds it
            else:
                if not mark.lane:
                    self._unheaded(ref, mark)
                try:
                    prepared = self._applier.arrival(mark.lane, record.seq, record.event)
                except DamagedRecord as error:
                    damage = Damage(start, item.end - start, str(error))
                    self._quarantine(ref, mark, damage)
                else:
                    self._prepared.append(prepared)
                    events += 1
            start = item.end
            if len(self._prepared) >= _BATCH:
                self._flush()
        return events

    def _begin(self, ref: SegmentRef, mark: Mark, header: Header, stretch: Damage) -> None:
        """Take in a segment's header."""
        if stretch.offset or mark.uuid:
            reason = "a header in the middle of a segment"
            self._quarantine(ref, mark, Damage(stretch.offset, stretch.length, reason))
        elif header.format > FORMAT:
            mark.uuid = f"{_FUTURE}{header.format}"
            reason = f"format {header.format}: this program reads up to {FORMAT}"
            self._quarantine(ref, mark, Damage(stretch.offset, stretch.length, reason))
        else:
            mark.uuid = header.segment
            mark.lane = self._applier.state.lane(header.lane)

    def _unheaded(self, ref: SegmentRef, mark: Mark) -> None:
        """Give records without a header a lane of their own, named after their folder."""
        mark.uuid = f"?{ref.lane}/{ref.number}"
        mark.lane = self._applier.state.lane(f"?{ref.lane}")

    def _quarantine(self, ref: SegmentRef, mark: Mark, damage: Damage) -> None:
        state = self._applier.state
        before = self._db.total_changes()
        self._db.execute(
            "INSERT INTO quarantine(folder, number, offset, length, lane, segment, reason)"
            " VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                *place(ref),
                damage.offset,
                damage.length,
                state.lanes.get(mark.lane, ""),
                mark.uuid,
                damage.reason,
            ),
        )
        state.counters["quarantined"] += self._db.total_changes() - before

    def _flush(self) -> None:
        prepared, self._prepared = self._prepared, []
        if prepared:
            latest = max(arrival.event.time for arrival, _ in prepared)
            counters = self._applier.state.counters
            counters["latest"] = max(counters["latest"], latest)
        self._applier.apply(prepared)

    def close(self) -> None:
        """Write the WAL back and close the connection."""
        try:
            self.checkpoint(above=0)
        finally:
            self._db.close()

    def checkpoint(self, *, above: int = _CHECKPOINT) -> None:
        """Write the WAL back into the database if it holds more than `above` bytes."""
        if self._wal_pages * PAGE > above:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._wal_pages = 0

    def _count_wal(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK


_FUTURE = "future-format-"
