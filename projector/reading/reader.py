"""The generation in use, brought up to date before it is read."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import apsw

from journal.errors import ReadError
from journal.process import clock
from journal.segments.gone import is_gone
from journal.segments.listing import list_folders
from projector.db.connections import snapshot
from projector.db.fork_safety import ForkedMeanwhile
from projector.db.quiet import quiet
from projector.db.schema import UNFOLDED
from projector.errors import BuildStopped, ProjectionError
from projector.reading.asking import ask, lend, unwrapped
from projector.reading.deadline import Deadline
from projector.reading.goal import Goal, Own, always, has_applied
from projector.reading.handle import Handle
from projector.reading.hidden.check import HidingCheck
from projector.reading.hidden.shows_forgotten import ShowsForgotten
from projector.reading.hidden.temporary import TemporaryProjection
from projector.reading.in_use import LATEST
from projector.reading.refresher import Refresher
from projector.views.freshness import FRESH, Freshness

if TYPE_CHECKING:
    from journal.format.position import Position
    from journal.fs.directory import Directory

PATIENCE = 0.5
"""Seconds that a query waits for a running projector before it answers from what is applied."""

_PAUSE = 0.02
"""Seconds between two checks of what another projector has folded."""
_FOLDING = 5.0
"""Seconds to wait for effects of applied events that are not in force yet."""
_ASKING = 0.25
"""Part of a time limit that is left for the query itself."""
SPEND = 0.01
"""Seconds for which a query applies events that others have appended, where it need not wait."""
_GRACE = 1.0
"""Seconds after a time limit at which a transaction of the projector is rolled back."""

Answer = TypeVar("Answer")
Instead = Callable[[Goal, Deadline], tuple[Answer, Freshness] | None]
"""Answers a query where another process must be waited for; None if it cannot."""


class Reader(Handle):
    """Reads the generation in use, after it has applied the new events of the journal."""

    def __init__(self, journal: Directory) -> None:
        super().__init__(journal)
        self._refresher = Refresher(journal, self.generations, self._own)
        self._hiding = HidingCheck(journal, self._known.segments)
        self._temporary = TemporaryProjection(journal, type(self))

    def _close_files(self) -> None:
        super()._close_files()
        self._temporary.close()

    @unwrapped
    def read(
        self,
        query: Callable[[apsw.Connection], Answer],
        timeout: float | None = None,
        patience: float = PATIENCE,
        own: Own | None = None,
    ) -> tuple[Answer, Freshness]:
        """Bring the projection up to date, then query it in one snapshot.

        What a snapshot includes is read from that snapshot: at any moment a generation can be put
        into use that has read the lanes earlier. A damaged database is rebuilt, and the query is
        repeated. Any other error of the query is raised unchanged, at once.

        Args:
            query: called with the connection, perhaps twice.
            timeout: seconds that all of it may take.
            patience: seconds to wait for a running projector before the query is answered with
                what is applied.
            own: a position that the answer must include.

        Returns:
            The answer, and its freshness: whether it includes all that was in the journal at the
            call, and if not, what it lacks.

        Raises:
            ClosedError: it was closed; the other methods raise this, too.
            NotProjected: a projector runs, and has not applied `own` in time.
            QueryTimeout: it would have taken longer than `timeout`.
            ProjectionError: the projection cannot be built or read.
            ReadError: a lane cannot be read.
        """
        return self._shown(query, Deadline(timeout), patience, own)

    def _shown(
        self,
        query: Callable[[apsw.Connection], Answer],
        deadline: Deadline,
        patience: float,
        own: Own | None,
        instead: Instead[Answer] | None = None,
        spend: float | None = None,
    ) -> tuple[Answer, Freshness]:
        """Query as `read`, and as `_read`; nothing that is to be forgotten is shown."""
        try:
            answered = self._read(
                query, deadline, patience, own, self._hiding.may_answer, instead, spend
            )
        except ShowsForgotten as shows:
            with self._exclusive():
                return self._temporary.handle(shows).read(query, deadline.left(), patience, own)
        if answered[1] and self._temporary.is_open:
            with self._exclusive():
                self._temporary.close()
        return answered

    def refresh(
        self, timeout: float | None = None, patience: float = PATIENCE, own: Own | None = None
    ) -> Freshness:
        """Bring the projection up to date as `read` does, for a caller that shows nothing of it.

        It does not wait until what is requested to be forgotten is hidden.

        Raises:
            ClosedError, NotProjected, QueryTimeout, ProjectionError, ReadError: as `read`.
        """
        return self._read(lambda _: None, Deadline(timeout), patience, own)[1]

    def _read(
        self,
        query: Callable[[apsw.Connection], Answer],
        deadline: Deadline,
        patience: float,
        own: Own | None,
        may_answer: Callable[[apsw.Connection, Goal], bool] = always,
        instead: Instead[Answer] | None = None,
        spend: float | None = None,
    ) -> tuple[Answer, Freshness]:
        """Query as `read`.

        With `instead`, this process applies events for `spend` seconds only, and waits for no
        other: what `instead` returns is the answer then, unless that is None.

        Raises:
            ShowsForgotten: `may_answer` raised it.
        """
        # applying ends early: the query needs a part of the time
        early = deadline.before(_ASKING)
        abort = deadline.behind(_GRACE).is_over if deadline.is_limited else None
        with self._exclusive(), quiet:
            folders = list_folders(self.journal.lanes)
            goal = Goal(folders, patience, own, early, self._known, may_answer, spend)
            answered = self._ask(query, deadline, goal)
            if answered is None and instead is not None and spend == 0:
                answered = instead(goal, deadline)
            while answered is None:
                try:
                    if self._refresher.refresh(early, abort, goal):
                        deadline.extend(_ASKING)
                        answered = None if instead is None else instead(goal, deadline)
                        if answered is not None:
                            break
                        self._refresher.wait(early, goal)
                except ProjectionError as error:
                    if not goal.begin_again(error):
                        raise
                    goal.pause()
                deadline.extend(_ASKING)
                answered = self._ask(query, deadline, goal)
            if instead is not None and not answered[1]:
                # it was suspended while it waited, and is out of patience
                answered = instead(goal, deadline) or answered
        return answered

    def _ask(
        self, query: Callable[[apsw.Connection], Answer], deadline: Deadline, goal: Goal
    ) -> tuple[Answer, Freshness] | None:
        """Query one snapshot; return answer and freshness, None if it is not fresh enough."""
        goal.trouble = None
        try:
            db = self._in_use.connection()
            if db is None:
                return None
            with snapshot(db):
                fresh = self._freshness(db, goal)
                if fresh is None:
                    return None
                # events that this process appends from now on get a higher order than all that it
                # may read
                clock.of(self.journal.path).observe(db.execute(LATEST).get)
                answer = ask(db, query, self._in_use.path, deadline, fresh)
            # a file that was opened as unchanging may have been changed during the query
            return (answer, fresh) if self._in_use.is_still() else None
        except apsw.Error as error:
            goal.trouble = self._unreadable(error)
            goal.trouble.__cause__ = error
        except ForkedMeanwhile:
            pass  # the child repeats the query with its own connection
        except ProjectionError as error:
            goal.trouble = error
        return None

    def _freshness(self, db: apsw.Connection, goal: Goal) -> Freshness | None:
        """Return the freshness of the snapshot that `db` holds; None if it is not fresh enough."""
        try:
            if goal.is_reached(db) and not self._hiding.is_late(db):
                return FRESH
            return Freshness(goal.behind(db)) if goal.is_enough(db) else None
        except ReadError as error:
            if not is_gone(error):
                raise
            goal.look_again(list_folders(self.journal.lanes))
            return None

    @unwrapped
    def look(self, query: Callable[[apsw.Connection | None], Answer]) -> Answer:
        """Query one snapshot and apply nothing; `query` gets None if there is no projection.

        Raises:
            ProjectionError: the projection cannot be read.
        """
        with self.peeking() as db:
            if db is None:
                return query(None)
            try:
                with snapshot(db):
                    clock.of(self.journal.path).observe(db.execute(LATEST).get)
                    return lend(db, query, self._in_use.path)
            except apsw.Error as error:
                raise self._unreadable(error) from error

    def peek(self, query: Callable[[apsw.Connection | None], Answer]) -> Answer:
        """Query as `look`, but only when all effects of the applied events are in force.

        Raises:
            ProjectionError: the projection cannot be read, or was not folded in time.
        """

        def ask(db: apsw.Connection | None) -> tuple[Answer] | None:
            is_folded = db is None or db.execute(UNFOLDED).fetchone() is None
            return (query(db),) if is_folded else None

        waiting = Deadline(_FOLDING)
        while (answer := self.look(ask)) is None:
            if waiting.is_over():
                raise ProjectionError(
                    "what was deleted or replaced is not yet removed from the projection;"
                    " see `projector status`"
                )
            if not self._catch_up_within(waiting.is_over):
                time.sleep(_PAUSE)
        return answer[0]

    def _catch_up_within(self, is_late: Callable[[], bool]) -> bool:
        """Apply new events while there is time; return whether this process applied them."""
        with self._exclusive(), quiet:
            try:
                return self._own.catch_up(is_late)
            except BuildStopped:  # there was too little time for a first build
                return False

    def wait_for(self, position: Position, timeout: float) -> None:
        """Return when the record at `position` is applied.

        Raises:
            NotProjected: it is not within `timeout` seconds.
        """
        own = Own(position, timeout)
        goal = Goal([], timeout, own, Deadline(timeout))
        while not self._has(position, goal):
            if goal.is_over():
                raise own.error()
            try:
                caught_up = self._catch_up_within(goal.is_over)
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
        """Return whether the record at `position` is applied, without applying anything.

        Raises:
            ProjectionError: the projection cannot be read.
        """
        with self.peeking() as db:
            try:
                return db is not None and has_applied(db, position)
            except apsw.Error as error:
                raise self._unreadable(error) from error
