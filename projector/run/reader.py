"""The generation in use, brought up to date before it is read."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import apsw
import orjson

from journal.errors import ReadError
from journal.process import clock
from journal.process.fork import follow
from journal.process.turn import Turn
from journal.segments.reader import list_segments
from projector.db.generations import CURRENT, OnlyOne, find_generations, generations
from projector.db.quiet import quiet
from projector.db.schema import UNFOLDED, failure, snapshot, was_taken_away
from projector.db.still import open_somehow, stamp
from projector.errors import (
    BuildStopped,
    NotFound,
    ProjectionDamaged,
    ProjectionError,
    ProjectorBusy,
    QueryTimeout,
)
from projector.run.deadline import Deadline
from projector.run.goal import Goal, Own, has_applied
from projector.views.freshness import FRESH, Freshness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from journal.format.position import Position
    from journal.fs.directory import Directory
    from projector.db.still import Stamp
    from projector.run.watermark import Place

PATIENCE = 0.5
"""Seconds that a query waits for a running projector before it answers with what is there."""

_PAUSE = 0.02
"""Seconds between two looks at somebody else's build."""
_FOLDING = 5.0
"""Seconds for which effects of events are waited for that are not in force yet."""
_ASKING = 0.25
"""Part of a time limit that the question is left."""
_STEPS = 20_000
"""Steps of SQLite's machine between two looks at the clock: about a millisecond."""

_LATEST = "SELECT value FROM _meta WHERE key = 'latest'"

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
        self.generations = find_generations(journal.path)
        self.projector_lock = OnlyOne(self.generations.lock)
        self._turn = Turn()
        self._known: dict[Place, tuple[int, int]] = {}
        self._db: apsw.Connection | None = None
        self._generation = 0
        self._file: tuple[int, int] | None = None
        self._stamp: Stamp | None = None
        follow(self)

    def after_fork_in_child(self) -> None:
        """Leave the connection to the parent; the next query opens another."""
        self._turn, self._db = Turn(), None

    def _taken(self) -> AbstractContextManager[None]:
        """Have the connection for this thread alone.

        Raises:
            Reentered: this thread has it.
        """
        return self._turn.taken(f"this handle on the projection of {self.journal.path}")

    def read(
        self,
        query: Callable[[apsw.Connection], Answer],
        timeout: float | None = None,
        patience: float = PATIENCE,
        own: Own | None = None,
    ) -> tuple[Answer, Freshness]:
        """Bring the projection up to date, then ask it, in one snapshot.

        What a snapshot knows is looked up in that snapshot: at any moment a generation may come
        into use that was read from the lanes earlier. A database that turns out to be damaged is
        built anew, and asked again.

        Args:
            query: asked with the connection, perhaps twice.
            timeout: seconds that all of it may take.
            patience: seconds to wait for a running projector before the answer is of what is
                there.
            own: what the answer must know in any case.

        Returns:
            The answer, and whether it knows everything that stood in the journal at the call; if
            not, what it does not know.

        Raises:
            NotProjected: a projector runs, and has not applied `own` in time.
            QueryTimeout: it would have taken longer.
            ProjectionError: the projection cannot be built or read.
            ReadError: a lane cannot be read.
        """
        deadline = Deadline(timeout)
        # what is applied up to then is answered with: the question needs its own part of the time
        early = deadline.before(_ASKING)
        with self._taken(), quiet:
            goal = Goal(list_segments(self.journal.lanes), patience, own, early, self._known)
            answered = self._ask(query, deadline, goal)
            while answered is None:
                try:
                    self._refresh(early, goal)
                except ProjectionError as error:
                    if not goal.begin_again(error):
                        raise
                    goal.pause()
                deadline.extend(_ASKING)
                answered = self._ask(query, deadline, goal)
        return answered

    def _ask(
        self, query: Callable[[apsw.Connection], Answer], deadline: Deadline, goal: Goal
    ) -> tuple[Answer, Freshness] | None:
        """Ask in one snapshot, and say if that knew everything; None if it knows too little."""
        goal.trouble = None
        try:
            if self.generations.current() is None:
                return None
            db = self._reader()
            with snapshot(db):
                fresh = FRESH
                if not goal.is_reached(db):
                    if not goal.is_enough(db):
                        return None
                    fresh = Freshness(goal.behind(db))
                # what this process appends from now on is later than all that it may read
                clock.of(self.journal.path).observe(db.execute(_LATEST).get)
                answer = _answer(db, query, deadline, fresh)
            # a file that nobody was kept from changing may have been changed while it was read
            return (answer, fresh) if self._is_still() else None
        except apsw.Error as error:
            goal.trouble = self._unreadable(error)
            goal.trouble.__cause__ = error
        except (UnicodeDecodeError, orjson.JSONDecodeError) as error:
            # what stands in a row is no text, or no JSON: nothing that was put there
            path = self.generations.path(self._generation)
            goal.trouble = ProjectionDamaged(f"{path} is damaged: {error}; run `projector rebuild`")
            goal.trouble.__cause__ = error
        except ProjectionError as error:
            goal.trouble = error
        return None

    def _refresh(self, deadline: Deadline, goal: Goal) -> None:
        """Apply what is new, or wait a moment for the projector that does.

        Raises:
            QueryTimeout: there is nothing yet to answer from, and the time is up.
            ProjectionError: the projection cannot be read, and nobody comes to replace it.
        """
        if goal.trouble is not None and goal.hindrance is not None:
            raise goal.trouble
        if isinstance(goal.trouble, ProjectionDamaged):
            goal.replace()
            _log.warning("building the projection anew: %s", goal.trouble)
            self._replace(deadline)
            return
        try:
            if self._catch_up(deadline.is_over):
                deadline.check()
                goal.look_again(list_segments(self.journal.lanes))
                return
            if not self._is_there():
                deadline.check()
        except BuildStopped:
            deadline.check()
            raise
        except (QueryTimeout, ProjectionError, ReadError) as error:
            # a full disk, or a read-only one: what is there is answered from
            if not self._is_there() or was_taken_away(error):
                raise
            goal.give_up(error)
            return
        if goal.trouble is not None and goal.is_over:
            raise goal.trouble
        goal.pause()

    def _is_there(self) -> bool:
        return self.generations.current() is not None

    def _replace(self, deadline: Deadline) -> None:
        """Build the projection anew, or wait for whoever does."""
        from projector.run.build import build_anew  # noqa: PLC0415 - most queries do not need it

        damaged = self.generations.in_use()
        while self.generations.in_use() == damaged:
            try:
                build_anew(self.journal, deadline.is_over)
            except BuildStopped:
                deadline.check()
                raise
            except ProjectorBusy:
                deadline.check()
                time.sleep(_PAUSE)

    @contextmanager
    def peeking(self) -> Iterator[apsw.Connection | None]:
        """Lend the connection as it is, without applying anything; None if there is none yet."""
        with self._taken(), quiet:
            yield None if self.generations.current() is None else self._reader()

    def look(self, query: Callable[[apsw.Connection | None], Answer]) -> Answer:
        """Ask in one snapshot of what is there; the connection is None if there is nothing yet.

        Raises:
            ProjectionError: the projection cannot be read.
        """
        with self.peeking() as db:
            if db is None:
                return query(None)
            try:
                with snapshot(db), quiet.calling(db):
                    return query(db)
            except apsw.Error as error:
                raise self._unreadable(error) from error

    def peek(self, query: Callable[[apsw.Connection | None], Answer]) -> Answer:
        """Ask as `look`, but only where everything that applied events change is in force.

        Raises:
            ProjectionError: the projection cannot be read, or is being folded for long.
        """

        def ask(db: apsw.Connection | None) -> tuple[Answer] | None:
            is_folded = db is None or db.execute(UNFOLDED).fetchone() is None
            return (query(db),) if is_folded else None

        waiting = Deadline(_FOLDING)
        while (answer := self.look(ask)) is None:
            if waiting.is_over():
                raise ProjectionError(
                    "what was deleted or replaced is not taken out of the projection yet;"
                    " see `projector status`"
                )
            if not self._catch_up_within(waiting.is_over):
                time.sleep(_PAUSE)
        return answer[0]

    def _catch_up_within(self, is_late: Callable[[], bool]) -> bool:
        """Apply what is new, as long as there is time; say if it was done."""
        with self._taken(), quiet:
            try:
                return self._catch_up(is_late)
            except BuildStopped:  # the time was not enough for a first build
                return False

    def wait_for(self, position: Position, timeout: float) -> None:
        """Return when the record at `position` is applied.

        Raises:
            NotProjected: it is not within `timeout` seconds.
        """
        own = Own(position, timeout)
        goal = Goal([], timeout, own, Deadline(None))
        while not self._has(position, goal):
            if goal.is_over:
                raise own.error()
            try:
                caught_up = self._catch_up_within(goal.is_late)
            except ProjectionError as error:
                if not goal.begin_again(error):
                    raise
                caught_up = False
            if not caught_up:
                goal.pause()

    def _has(self, position: Position, goal: Goal) -> bool:
        try:
            return self.has(position)
        except ProjectionError as error:
            if not goal.begin_again(error):
                raise
            return False

    def has(self, position: Position) -> bool:
        """Say whether the record at `position` is applied, without applying anything.

        Raises:
            ProjectionError: the projection cannot be read.
        """
        with self.peeking() as db:
            try:
                return db is not None and has_applied(db, position)
            except apsw.Error as error:
                raise self._unreadable(error) from error

    def _unreadable(self, error: apsw.Error) -> ProjectionError:
        return failure("read", self.generations.path(self._generation), error)

    def _catch_up(self, stop: Callable[[], bool]) -> bool:
        """Be the projector for a moment, if nobody else is, and nobody builds."""
        from projector.run.build import catch_up_once  # noqa: PLC0415 - most queries do not need it

        generations(self.journal.path)  # its folder may have been moved away
        if not self.projector_lock.take():
            return False
        try:
            catch_up_once(self.journal, None, stop)
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
            same = number == self._generation and file == self._file and self._is_still()
            if self._db is not None and same:
                return self._db
            self._close_reader()
            if number is None:
                raise ProjectionError(
                    f"{self.generations.folder} has no projection in use any more;"
                    " run `projector rebuild`"
                ) from FileNotFoundError(CURRENT)
            try:
                path = self.generations.path(number)
                self._db, self._stamp = open_somehow(path, self.journal.uuid)
            except ProjectionError:
                if self.generations.current() == number:
                    raise
                continue  # it was replaced between the two looks
            self._generation, self._file = number, file
            clock.of(self.journal.path).observe(self._db.execute(_LATEST).get)

    def _is_still(self) -> bool:
        """Say whether the database is as it was when it was opened as one that never changes."""
        path = self.generations.path(self._generation)
        return self._stamp is None or stamp(path) == self._stamp

    def _close_reader(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None

    def close(self) -> None:
        """Let go of the connection; again does nothing, and the next query opens it again."""
        with self._taken(), quiet:
            self._close_reader()


def _answer(
    db: apsw.Connection,
    query: Callable[[apsw.Connection], Answer],
    deadline: Deadline,
    fresh: Freshness,
) -> Answer:
    """Ask in the snapshot that `db` holds, as long as there is time."""

    def is_over() -> bool:
        quiet.rest(db)
        return deadline.is_over()

    db.set_progress_handler(is_over, _STEPS)
    try:
        with quiet.calling(db):
            answer = query(db)
    except apsw.InterruptError as error:
        raise deadline.error("the query") from error
    except NotFound as error:
        if fresh.behind is None:
            raise
        again = NotFound(f"{error}; {fresh.behind}")
        again.behind = fresh.behind
        raise again from error
    finally:
        db.set_progress_handler(None)
    return answer


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another of its name; None if there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
