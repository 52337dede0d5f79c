"""The generation in use, brought up to date before it is read."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import apsw

from journal import clock
from journal.reader import list_segments
from projector.build import catch_up_once, rebuild
from projector.deadline import Deadline
from projector.errors import (
    NotProjected,
    ProjectionDamaged,
    ProjectionError,
    ProjectorBusy,
    QueryTimeout,
)
from projector.generation import OnlyOne, generations
from projector.schema import failure, open_reader, snapshot
from projector.watermark import finished_ends, load_marks, reached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.directory import Directory
    from journal.position import Position
    from journal.reader import SegmentRef
    from projector.project import Progress
    from projector.watermark import Mark, Place

PATIENCE = 0.5
"""Seconds that a query waits for a running projector before it answers with what is there."""

_SHORTEST, _LONGEST = 0.001, 0.02
"""Seconds between two looks at a projector's progress."""
_STEPS = 20_000
"""Steps of SQLite's machine between two looks at the clock: about a millisecond."""

_LATEST = "SELECT value FROM meta WHERE key = 'latest'"

Answer = TypeVar("Answer")

_log = logging.getLogger("projector")


class Current:
    """A connection to the generation in use, which changes over when another is published.

    Attributes:
        journal: the journal that is read.
        generations: its generations.
        projector_lock: the lock that a running projector holds.
    """

    def __init__(self, journal: Directory) -> None:
        self.journal = journal
        self.generations = generations(journal.path)
        self.projector_lock = OnlyOne(self.generations.lock)
        self._turn = threading.RLock()
        self._db: apsw.Connection | None = None
        self._generation = 0
        self._file: tuple[int, int] | None = None

    def read(
        self,
        query: Callable[[apsw.Connection], Answer],
        timeout: float | None = None,
        patience: float = PATIENCE,
    ) -> tuple[Answer, bool]:
        """Bring the projection up to date, then ask it, in one snapshot.

        A database that turns out to be damaged is built anew, and asked again.

        Args:
            query: asked with the connection, perhaps twice.
            timeout: seconds that all of it may take.
            patience: seconds to wait for a running projector before the answer is of what is
                there.

        Returns:
            The answer, and whether it knows everything that stood in the journal at the call.

        Raises:
            QueryTimeout: it would have taken longer.
            ProjectionError: the projection cannot be built or read.
            ReadError: a lane cannot be read.
        """
        deadline = Deadline(timeout)
        with self._turn:
            fresh = self._refresh(deadline, patience)
            try:
                return self._ask(query, deadline), fresh
            except apsw.Error as error:
                trouble = self._unreadable(error)
                if not isinstance(trouble, ProjectionDamaged):
                    raise trouble from error
                _log.warning("building the projection anew: %s", trouble)
                self._replace(deadline)
                fresh = self._refresh(deadline, patience)
                return self._ask(query, deadline), fresh

    def _ask(self, query: Callable[[apsw.Connection], Answer], deadline: Deadline) -> Answer:
        db = self._reader()
        with snapshot(db):
            db.set_progress_handler(deadline.is_over, _STEPS)
            try:
                answer = query(db)
                # what this process appends from now on is later than all that it may have read
                clock.observe(db.execute(_LATEST).get)
            except apsw.InterruptError as error:
                raise deadline.error("the query") from error
            finally:
                db.set_progress_handler(None)
        return answer

    def _replace(self, deadline: Deadline) -> None:
        """Build the projection anew, or wait for whoever does."""
        damaged = self.generations.current()
        while self.generations.current() == damaged:
            try:
                rebuild(self.journal, deadline.check)
            except ProjectorBusy:
                deadline.check()
                time.sleep(_LONGEST)

    @contextmanager
    def peeking(self) -> Iterator[apsw.Connection | None]:
        """Lend the connection as it is, without applying anything; None if there is none yet."""
        with self._turn:
            yield None if self.generations.current() is None else self._reader()

    def peek(self, query: Callable[[apsw.Connection | None], Answer]) -> Answer:
        """Ask in one snapshot of what is there; the connection is None if there is nothing yet.

        Raises:
            ProjectionError: the projection cannot be read.
        """
        with self.peeking() as db:
            if db is None:
                return query(None)
            try:
                with snapshot(db):
                    return query(db)
            except apsw.Error as error:
                raise self._unreadable(error) from error

    def wait_for(self, position: Position, timeout: float) -> None:
        """Return when the record at `position` is applied.

        Raises:
            NotProjected: it is not within `timeout` seconds.
        """
        until = time.monotonic() + timeout
        pause = _SHORTEST
        while not self.has(position):
            if time.monotonic() >= until:
                raise NotProjected(
                    f"the projection has not reached {position} within {timeout} s;"
                    " see `projector status`"
                )
            with self._turn:
                caught_up = self._catch_up()
            if not caught_up:
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST)

    def has(self, position: Position) -> bool:
        """Say whether the record at `position` is applied, without applying anything.

        Raises:
            ProjectionError: the projection cannot be read.
        """
        query = (
            "SELECT 1 FROM segments JOIN lanes ON lanes.id = lane"
            " WHERE lanes.uuid = ? AND number = ? AND offset >= ?"
        )
        at = (position.lane, position.segment, position.offset)
        with self.peeking() as db:
            try:
                return db is not None and db.execute(query, at).fetchone() is not None
            except apsw.Error as error:
                raise self._unreadable(error) from error

    def _refresh(self, deadline: Deadline, seconds: float) -> bool:
        """Apply what is new, or wait a moment for the projector that does; say if all is in."""
        refs = list_segments(self.journal.lanes)
        ends: dict[Place, int] = {}
        patience = Deadline(seconds)
        pause = _SHORTEST
        while True:
            there, trouble = self._look(refs, ends)
            if there:
                return True
            try:
                if self._catch_up(deadline.check):
                    return True
                if there is None:
                    deadline.check()
            except QueryTimeout:
                if there is None:
                    raise
                return False
            if patience.is_over():
                if trouble is not None:
                    raise trouble
                if there is not None:
                    return False
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST)

    def _look(
        self, refs: list[SegmentRef], ends: dict[Place, int]
    ) -> tuple[bool | None, ProjectionError | None]:
        """Say whether the watermark has reached `ends`; None where there is none to read.

        An unreadable projection is an error only if nobody comes to replace it.
        """
        try:
            if self.generations.current() is None:
                return None, None
            marks = self._marks()
        except ProjectionError as error:
            return None, error
        if not ends:
            ends |= finished_ends(marks, refs)
        return reached(marks, ends), None

    def _marks(self) -> dict[Place, Mark]:
        try:
            return load_marks(self._reader())
        except apsw.Error as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: apsw.Error) -> ProjectionError:
        return failure("read", self.generations.path(self._generation), error)

    def _catch_up(self, on_commit: Callable[[Progress | None], None] | None = None) -> bool:
        """Be the projector for a moment, if nobody else is, and nobody builds."""
        generations(self.journal.path)  # its folder may have been moved away
        if not self.projector_lock.take():
            return False
        try:
            catch_up_once(self.journal, on_commit)
        except ProjectorBusy:
            return False
        finally:
            self.projector_lock.release()
        return True

    def _reader(self) -> apsw.Connection:
        """Return the connection, opened anew if another generation came into use."""
        while True:
            number = self.generations.current()
            # a file that was deleted and made anew has the old one's name, and not its identity
            file = None if number is None else _identity(self.generations.path(number))
            if self._db is not None and number == self._generation and file == self._file:
                return self._db
            self._close_reader()
            if number is None:
                raise ProjectionError(
                    f"{self.generations.folder} has no projection in use any more;"
                    " run `projector rebuild`"
                )
            try:
                self._db = open_reader(self.generations.path(number), self.journal.uuid)
            except ProjectionError:
                if self.generations.current() == number:
                    raise
                continue  # it was replaced between the two looks
            self._generation, self._file = number, file
            clock.observe(self._db.execute(_LATEST).get)

    def _close_reader(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None

    def close(self) -> None:
        """Let go of the connection; again does nothing, and the next query opens it again."""
        with self._turn:
            self._close_reader()


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another of its name; None if there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
