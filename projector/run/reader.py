"""The generation in use, brought up to date before it is read."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import apsw
import orjson

from journal.process import clock
from journal.process.fork import follow
from journal.process.turn import Turn
from journal.segments.listing import list_segments
from projector.db.connections import snapshot
from projector.db.generations import find_generations
from projector.db.quiet import quiet
from projector.db.schema import UNFOLDED
from projector.db.sqlite_errors import failure
from projector.errors import (
    BuildStopped,
    NotFound,
    ProjectionDamaged,
    ProjectionError,
)
from projector.run.deadline import STEPS, Deadline
from projector.run.goal import Goal, Known, Own, has_applied
from projector.run.in_use import LATEST, InUse
from projector.run.own_projector import OwnProjector
from projector.run.refresher import Refresher
from projector.views.freshness import FRESH, Freshness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from journal.format.position import Position
    from journal.fs.directory import Directory
    from projector.db.process_lock import ProcessLock

PATIENCE = 0.5
"""Seconds that a query waits for a running projector before it answers with what is there."""

_PAUSE = 0.02
"""Seconds between two looks at what another projector has folded."""
_FOLDING = 5.0
"""Seconds for which effects of events are waited for that are not in force yet."""
_ASKING = 0.25
"""Part of a time limit that the question is left."""
_GRACE = 1.0
"""Seconds behind a time limit at which a transaction of the projector is rolled back."""

Answer = TypeVar("Answer")


class Reader:
    """Reads the generation in use, and applies first what the journal has gained.

    Attributes:
        journal: the journal that is read.
        generations: its generations.
    """

    def __init__(self, journal: Directory) -> None:
        self.journal = journal
        self.generations = find_generations(journal.path)
        self._turn = Turn()
        self._known = Known()
        self._in_use = InUse(journal, self.generations)
        self._own = OwnProjector(journal, self._in_use, self._known.segments)
        self._refresher = Refresher(journal, self.generations, self._own)
        follow(self)

    def after_fork_in_child(self) -> None:
        """Forget which thread of the parent has the connection."""
        self._turn = Turn()

    @property
    def projector_lock(self) -> ProcessLock:
        """The lock that a running projector holds."""
        return self._own.lock

    def _taken(self) -> AbstractContextManager[None]:
        """Have the connection for this thread alone.

        Raises:
            Reentered: this thread has it.
        """
        return self._turn.held(f"this handle on the projection of {self.journal.path}")

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
        abort = None if timeout is None else deadline.behind(_GRACE).is_over
        with self._taken(), quiet:
            goal = Goal(list_segments(self.journal.lanes), patience, own, early, self._known)
            answered = self._ask(query, deadline, goal)
            while answered is None:
                try:
                    self._refresher.refresh(early, abort, goal)
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
            db = self._in_use.connection()
            if db is None:
                return None
            with snapshot(db):
                fresh = FRESH
                if not goal.is_reached(db):
                    if not goal.is_enough(db):
                        return None
                    fresh = Freshness(goal.behind(db))
                # what this process appends from now on is later than all that it may read
                clock.of(self.journal.path).observe(db.execute(LATEST).get)
                answer = _answer(db, query, deadline, fresh)
            # a file that nobody was kept from changing may have been changed while it was read
            return (answer, fresh) if self._in_use.is_still() else None
        except apsw.Error as error:
            goal.trouble = self._unreadable(error)
            goal.trouble.__cause__ = error
        except (UnicodeDecodeError, orjson.JSONDecodeError) as error:
            # what stands in a row is no text, or no JSON: nothing that was put there
            path = self._in_use.path
            goal.trouble = ProjectionDamaged(f"{path} is damaged: {error}; run `projector rebuild`")
            goal.trouble.__cause__ = error
        except ProjectionError as error:
            goal.trouble = error
        return None

    @contextmanager
    def peeking(self) -> Iterator[apsw.Connection | None]:
        """Lend the connection as it is, without applying anything; None if there is none yet."""
        with self._taken(), quiet:
            yield self._in_use.connection()

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
                return self._own.catch_up(is_late)
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
        return failure("read", self._in_use.path, error)

    def close(self) -> None:
        """Close the connections; again does nothing, and the next query opens them again."""
        with self._taken(), quiet:
            self._in_use.close()
            self._own.close()
            self._known.segments.close()


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

    db.set_progress_handler(is_over, STEPS)
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
