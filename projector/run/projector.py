"""The projector: read new records, apply them, commit them with the watermark.

Rows, index and watermark are committed in one transaction, so each event is applied exactly once,
whenever the process dies. Segments are synced before their records are committed: the projection
never has an event that a power loss removes from the lanes.
"""

from __future__ import annotations

import logging
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from journal.errors import ReadError
from journal.segments.gone import is_gone, repeat_if_gone
from journal.segments.listing import list_folders, list_segments
from journal.segments.settled import change_check
from projector.apply.portion import Portion
from projector.db.connections import STEPS, copy_database
from projector.db.fork_safety import check, close
from projector.db.quiet import quiet
from projector.db.sqlite_errors import refusals
from projector.errors import NotApplied
from projector.outbox import Outbox
from projector.run.hiding import Hiding
from projector.run.ingest import NOTHING, Intake
from projector.run.open_segments import OpenSegments, Place
from projector.run.wal import Wal
from projector.run.watermark import Mark, Progress, place

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from journal.segments.listing import LaneFolder, SegmentRef

_log = logging.getLogger("projector")

_TRANSACTION = 4 * 1024 * 1024
"""Bytes of segments that a transaction reads, and of text that it changes; a quarter of the WAL."""
_BUILDING = 4
"""Factor of `_TRANSACTION` where there is no WAL: in a build."""
_MOST_GONE = 100
"""Transactions in a row in which a listed segment was gone, until that is an error."""


def never() -> bool:
    """Return False: do not stop."""
    return False


class Projector:
    """Applies lanes to one generation; nothing else may write with its connection.

    Attributes:
        is_unchanged: returns whether the active segments are unchanged since `catch_up` last found
            nothing to do; it does not detect new segments.
        wal: the WAL of the generation.
        hiding: what the generation hides.
    """

    def __init__(
        self, db: apsw.Connection, lanes: Path, segments: OpenSegments | None = None
    ) -> None:
        self._db = db
        self._lanes = lanes
        self._segments = OpenSegments() if segments is None else segments
        self.is_unchanged: Callable[[], bool] = never
        with quiet:
            self._version: int = db.pragma("data_version")
            self.hiding = Hiding(db, lanes.parent)
            self._intake = Intake(db, self._segments, self.hiding)
            self.wal = Wal(db)
            self._outbox = Outbox(db, lanes.parent, Path(db.filename).parent)
        self._is_building = not self.wal.is_used
        self._limit = _TRANSACTION * (_BUILDING if self._is_building else 1)
        self._is_careful = False
        self._folders: list[LaneFolder] = []
        self._gone = 0  # transactions in a row in which a segment was gone
        self._enough: Callable[[], bool] = never

    def be_careful(self) -> None:
        """Apply each event of a build alone; set aside those that cannot be applied."""
        with quiet:
            self._db.pragma("journal_mode", "memory")
            self._intake.be_careful(isolates=True)
        self._is_careful = True

    @property
    def marks(self) -> dict[Place, Mark]:
        """The watermark as of the last commit, and which segments must be read again."""
        return self._intake.marks

    def catch_up(
        self,
        *,
        on_commit: Callable[[Progress], None] | None = None,
        stop: Callable[[], bool] = never,
        abort: Callable[[], bool] | None = None,
        among: Container[str] | None = None,
        enough: Callable[[], bool] = never,
    ) -> Progress:
        """Apply all records that are in the lanes now, until `stop` returns True.

        What is appended meanwhile may be left for the next call. It also returns while a reader
        pins the WAL (`Wal.is_pinned`): continue in a copy then (`lock_holder.move_to_copy`).

        Args:
            on_commit: called with the progress after every transaction.
            stop: called between blocks and folds; what was applied until then is committed.
            abort: called during statements; it rolls the open transaction back. No build calls it.
            among: lane folders in which something may have changed; None means all.
            enough: called between blocks; from True on, what was read is folded and committed, and
                no more is read.

        Raises:
            ProjectionError: the database refuses; nothing of the open transaction was kept.
            NotHidden: requests came under which it was not built; what is behind them waits.
            ReadError: a segment cannot be read.
        """
        self._enough = enough
        if abort is None or self._is_building:
            with refusals("read", self._db.filename):
                return self._catch_up(on_commit, stop, among)
        is_aborted = False

        def is_late() -> bool:
            # True only once: the rollback and the reads after it must not be interrupted
            nonlocal is_aborted
            is_aborted, before = is_aborted or abort(), is_aborted
            return is_aborted and not before

        self._db.set_progress_handler(is_late, STEPS)
        try:
            with refusals("read", self._db.filename):
                return self._catch_up(on_commit, stop, among)
        except apsw.InterruptError:
            _log.warning("a transaction took longer than the time limit, and was rolled back")
            return Progress()
        finally:
            self._db.set_progress_handler(None)

    def _catch_up(
        self,
        on_commit: Callable[[Progress], None] | None,
        stop: Callable[[], bool],
        among: Container[str] | None,
    ) -> Progress:
        progress = Progress()
        self._begin()
        refs = repeat_if_gone(lambda: self._list(among))
        goals = {place(ref): ref.size for ref in refs}
        listed, pending = refs, self._pending(refs, goals)
        while (pending or self._intake.is_unfolded) and not (stop() or self.wal.is_pinned):
            folds = self._intake.is_unfolded
            try:
                events, size = self._transaction(pending, stop)
            except NotApplied as error:
                if self._is_building or self._is_careful:
                    raise  # a build keeps no journal to roll back with
                _log.warning("trying each event alone: %s", error)
                self._intake.be_careful(isolates=False)
                self._is_careful = True
                pending = self._pending(list_segments(self._lanes), goals)
                continue
            if self._is_careful and not self._is_building:
                self._intake.be_quick()
                self._is_careful = False
            if not (size or folds or self._gone):  # only unfinished records, or enough
                break
            progress = progress.and_one_more(events, size)
            if on_commit is not None:
                on_commit(progress)
                check(self._db)  # it may have forked
            if self._gone:  # its events are in another segment, behind what was its end
                listed = refs = repeat_if_gone(self._list)
                goals = {place(ref): ref.size for ref in refs}
            elif self._pending(refs, goals):  # there is more to read
                refs = list_segments(self._lanes)
            pending = self._pending(refs, goals)
        self.hiding.finish()
        left = {ref.lane for queue in self._pending(listed, goals) for ref in queue}
        self._intake.settled.add(self._folders, but=left)
        if not (progress.events or self._intake.is_unfolded):
            self.is_unchanged = change_check(each.active for each in self._folders if each.active)
        return progress

    def _begin(self) -> None:
        self._look_again()
        # a build is sent as a whole when it is in use
        if not self._is_building and self._outbox.arrange():
            self._intake.reset()
        self.hiding.check()

    def _list(self, among: Container[str] | None = None) -> list[SegmentRef]:
        """List the segments that may have new bytes, and find those that were replaced."""
        self._folders = list_folders(self._lanes, among)
        self._intake.look_back(self._folders)
        return self._intake.settled.rest(self._folders)

    def _look_again(self) -> None:
        """Read the tables again if another connection has written to them."""
        version = self._db.pragma("data_version")
        if version != self._version:
            self._intake.reset()
            self._version = version

    def _pending(self, refs: list[SegmentRef], goals: dict[Place, int]) -> list[deque[SegmentRef]]:
        """Return the segments of each lane that are not applied up to their goals, in order."""
        pending: dict[str, deque[SegmentRef]] = {}
        for ref in refs:
            if ref.lane in self.hiding.unknown:
                continue
            offset = self.marks.get(place(ref), NOTHING).offset
            # an empty segment is never pending: the lane continues in the next one
            goal = goals.get(place(ref), 0)
            # a segment that is shorter than its watermark was replaced or cut off
            if offset < goal or offset > ref.size:
                pending.setdefault(ref.lane, deque()).append(ref)
        return list(pending.values())

    def _transaction(
        self, pending: list[deque[SegmentRef]], stop: Callable[[], bool]
    ) -> tuple[int, int]:
        """Read a block of each lane in turn, and commit it all; return events and bytes.

        Raises:
            NotApplied, apsw.InterruptError, ProjectionError, ReadError: nothing was kept.
        """
        with refusals("write", self._db.filename), quiet:
            return self._commit(pending, stop)

    def _commit(
        self, pending: list[deque[SegmentRef]], stop: Callable[[], bool]
    ) -> tuple[int, int]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            # if the lock file was removed, another projector may have written
            self._look_again()
            self.hiding.note_missing_keys()
            events, size = self._read_blocks(pending, lambda: stop() or self._enough())
            self._intake.save(Portion(max(self._limit - size, self._limit // 4), stop))
            self._db.execute("COMMIT")
        except BaseException as error:
            try:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._intake.reset()
            except apsw.Error as again:
                # a build keeps no journal to roll back with; "malformed" would hide why it failed
                raise error from again
            raise
        self.wal.checkpoint()
        return events, size

    def _read_blocks(
        self, pending: list[deque[SegmentRef]], stop: Callable[[], bool]
    ) -> tuple[int, int]:
        """Read blocks of each lane in turn, up to where they were listed, for one transaction."""
        events = size = 0
        gone, self._gone = self._gone, 0
        enough = stop() or self._intake.is_unfolded
        while pending and not enough:
            for segments in pending:
                try:
                    found, read = self._intake.take_block(segments[0])
                except ReadError as error:
                    if not is_gone(error) or gone > _MOST_GONE:
                        raise
                    # an eraser has removed it: the rest of the lane is listed again. Nothing of
                    # the block was read, and what was read before is committed
                    self._gone = gone + 1
                    segments.clear()
                    continue
                events, size = events + found, size + read
                if segments[0].lane in self.hiding.unknown:
                    segments.clear()
                elif not read or (
                    # a transaction that follows busy writers is committed only when it is full
                    len(segments) == 1 and self.marks[place(segments[0])].offset >= segments[0].size
                ):
                    segments.popleft()
                enough = size >= self._limit or self._intake.is_full or stop()
                quiet.rest(self._db)
                if enough:
                    break
            pending = [segments for segments in pending if segments]
        return events, size

    def copy_to(self, target: apsw.Connection) -> None:
        """Copy the generation into an empty database, and close that one; raise `apsw.Error`."""
        try:
            copy_database(self._db, target)
        finally:
            close(target)

    def close(self) -> None:
        """Write the WAL back and close the connection, also if `Wal.checkpoint` raises."""
        try:
            self.wal.checkpoint(above=0)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close the connection, and leave the WAL as it is."""
        with quiet:
            close(self._db)
        self._segments.close()
