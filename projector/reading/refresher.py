"""What brings the projection up to date for a question: by itself, or as another process does."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.process.fork import no_fork
from journal.segments.listing import list_folders
from projector.db.quiet import quiet
from projector.db.sqlite_errors import was_removed
from projector.errors import (
    BuildStopped,
    ProjectionDamaged,
    ProjectionError,
    ProjectorBusy,
    QueryTimeout,
)
from projector.reading.deadline import REFRESHING, from_first_look

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.fs.directory import Directory
    from projector.db.generations import Generations
    from projector.reading.deadline import Deadline
    from projector.reading.goal import Goal
    from projector.reading.own_projector import OwnProjector

_PAUSE = 0.02
"""Seconds between two checks of another process's build."""

_log = logging.getLogger("projector")


class Refresher:
    """Applies the new events of the journal, or waits for the process that does."""

    def __init__(self, journal: Directory, generations: Generations, own: OwnProjector) -> None:
        self._journal = journal
        self._generations = generations
        self._own = own

    def refresh(self, deadline: Deadline, abort: Callable[[], bool] | None, goal: Goal) -> bool:
        """Apply new events; return whether some are left to another process, or to the next call.

        Raises:
            QueryTimeout: the time is over, and there is no projection yet.
            ProjectionError: the projection cannot be read, and no process replaces it.
        """
        goal.is_tried = True
        goal.check_progress()
        if goal.hindrance is not None:
            goal.pause()
        if isinstance(goal.trouble, ProjectionDamaged):
            self._replace(deadline, goal)
            return False
        try:
            if goal.is_missed:
                self._own.close()  # the tables in its memory, or its open files, may be wrong
            enough = from_first_look(goal.spend)
            if self._own.catch_up(deadline.is_over, abort, enough):
                if enough():
                    return True
                goal.is_missed = True
                deadline.check()
                goal.look_again(list_folders(self._journal.lanes))
                return False
            if not self._is_there():
                deadline.check()
        except BuildStopped:
            deadline.check()
            raise
        except (QueryTimeout, ProjectionError, ReadError) as error:
            # a full disk, or a read-only one: answer from what is applied
            if not self._is_there() or was_removed(error):
                raise _with_cure(error) from error.__cause__
            goal.give_up(error)
            return False
        return True

    def wait(self, deadline: Deadline, goal: Goal) -> None:
        """Wait a moment for the projector that runs.

        Raises:
            ProjectionError: the projection cannot be read, and the wait is over.
        """
        if goal.trouble is not None and goal.is_over():
            raise goal.trouble
        if deadline.is_over() and not self._own.lock.is_locked():
            # none runs: this process had too little time for a build
            goal.give_up(deadline.error(REFRESHING))
        else:
            goal.pause()

    def _is_there(self) -> bool:
        return self._generations.current() is not None

    def _replace(self, deadline: Deadline, goal: Goal) -> None:
        """Rebuild a damaged projection, or wait for the process that does."""
        goal.replace()
        _log.warning("rebuilding the projection: %s", goal.trouble)
        with no_fork.turn:
            from projector.run.build import build_replacement  # noqa: PLC0415 - most queries do not need it

        damaged = self._generations.in_use()
        while self._generations.in_use() == damaged:
            try:
                build_replacement(self._journal, deadline.is_over)
            except BuildStopped:
                deadline.check()
                raise
            except ProjectorBusy:
                deadline.check()
                with quiet.outside():
                    time.sleep(_PAUSE)
        if deadline.is_over():
            goal.give_up(deadline.error(REFRESHING))


def _with_cure(error: Exception) -> Exception:
    """Return the error with its remedy, for a query without any projection to read."""
    if type(error) is not ProjectionError or was_removed(error):
        return error
    return ProjectionError(
        f"{error}; there is no projection to answer from, and none can be made here: copy the"
        " journal to a place that can be written, or run `projector sync` before it is made"
        " read-only"
    )
