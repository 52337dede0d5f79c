"""Answers that include everything, and wait for no process that projects."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

import apsw

from journal.errors import ReadError
from journal.process import clock
from projector.db.connections import snapshot
from projector.db.fork_safety import ForkedMeanwhile
from projector.reading.asking import ask, unwrapped
from projector.reading.deadline import Deadline
from projector.reading.in_use import LATEST
from projector.reading.private.beside import Beside
from projector.reading.reader import PATIENCE, SPEND, Answer, Reader
from projector.views.freshness import FRESH, Freshness

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from journal.fs.directory import Directory
    from projector.reading.goal import Goal, Own


class WholeReader(Reader):
    """A reader that applies in memory what the process that projects has not applied."""

    def __init__(self, journal: Directory) -> None:
        super().__init__(journal)
        self._beside = Beside(journal, self._in_use)

    def _close_files(self) -> None:
        self._beside.close()
        super()._close_files()

    @unwrapped
    def read_whole(
        self,
        query: Callable[[apsw.Connection], Answer],
        timeout: float | None = None,
        patience: float = PATIENCE,
        own: Own | None = None,
        sessions: Collection[str] | None = None,
        *,
        at_once: bool = False,
    ) -> tuple[Answer, Freshness]:
        """Query as `read`, and wait for no process that projects.

        What it has not applied is applied to a private copy, for this answer alone.

        Args:
            query: called with the connection, perhaps twice.
            timeout: seconds that all of it may take.
            patience: seconds to wait for a running projector where that is needed all the same.
            own: a position that the answer must include.
            sessions: those that the query reads: of others the answer may lack events. None means
                all.
            at_once: whether to apply nothing to the projection where a copy can answer.

        Raises:
            ClosedError, NotProjected, QueryTimeout, ProjectionError, ReadError: as `read`.
        """
        instead = partial(self._ask_beside, query, sessions)
        spend = 0.0 if at_once else SPEND
        return self._shown(query, Deadline(timeout), patience, own, instead, spend)

    def _ask_beside(
        self,
        query: Callable[[apsw.Connection], Answer],
        sessions: Collection[str] | None,
        goal: Goal,
        deadline: Deadline,
    ) -> tuple[Answer, Freshness] | None:
        """Query a private copy; return None if there can be none now, or it lacks something."""
        try:
            base = self._in_use.connection()
            held = nullcontext() if base is None else snapshot(base)
            with held, self._beside.copy(base, goal, sessions) as db:
                if db is None:
                    goal.spend = None
                    return None
                if not goal.has_own(db) or self._hiding.is_late(db):
                    return None
                clock.of(self.journal.path).observe(db.execute(LATEST).get)
                with snapshot(db):
                    return ask(db, query, self._in_use.path, deadline, FRESH), FRESH
        except (apsw.Error, ReadError, ForkedMeanwhile):
            # the caller waits for the process that projects, and meets the error if it lasts
            self._beside.close()
            return None
