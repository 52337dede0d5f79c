"""What a board shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.lossless import check_text
from projector.board.handle import BoardHandle
from projector.board.reading import comments_of, events_of, said_of
from projector.board.stored import BLOCKED, CLAIMED, DONE, OPEN
from projector.board.task import Task, TaskDetails
from projector.errors import QueryError
from projector.views.freshness import Listing

if TYPE_CHECKING:
    from projector.board.states import Snapshot
    from projector.board.task import Comment, State, TaskEvent


class Lists(BoardHandle):
    """Tasks as readers get them."""

    def ready(self, *, worker: str | None = None) -> Listing[Task]:
        """Return the tasks that can be claimed, by a worker if one is named, the first one first.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError: as `SessionStore.read`.
            ClosedError: the store was closed.
        """
        return Listing(*self._read(lambda at: [at.view(*each) for each in at.ready(worker)]))

    def tasks(self, *, state: State | None = None) -> Listing[Task]:
        """Return the tasks of the board, in a state if one is named, the longest unchanged first.

        The ones that are done are last.

        Raises:
            QueryError: there is no such state.
            NotProjected, QueryTimeout, ProjectionError, ReadError: as `SessionStore.read`.
            ClosedError: the store was closed.
        """
        if state not in (None, OPEN, CLAIMED, BLOCKED, DONE):
            raise QueryError(
                f"state must be open, claimed, blocked, done or None, not {state!r:.60}"
            )

        def query(at: Snapshot) -> list[Task]:
            found = [] if state == DONE else at.unfinished.by_change(at.values.db)
            found += at.finished() if state in (None, DONE) else ()
            return [at.view(*each) for each in found if state in (None, each[1]["state"])]

        return Listing(*self._read(query))

    def task(self, task: str) -> TaskDetails:
        """Return a task with its body, its comments, and what happened to it.

        Raises:
            QueryError: `task` is no text.
            NotFound: the board has no such task.
            NotProjected, QueryTimeout, ProjectionError, ReadError: as `SessionStore.read`.
            ClosedError: the store was closed.
        """
        check_text("task", task, QueryError)

        def query(at: Snapshot) -> TaskDetails:
            state = at.found(task)
            said = said_of(at.values.db, task)
            body, comments = comments_of(said)
            return TaskDetails(at.view(task, state), body, comments, events_of(said, state))

        return self._read(query)[0]

    def history(self, task: str) -> tuple[TaskEvent, ...]:
        """Return what happened to a task, in order.

        Raises:
            QueryError, NotFound, NotProjected, ProjectionError: as `task`.
        """
        return self.task(task).history

    def comments(self, task: str) -> tuple[Comment, ...]:
        """Return the comments on a task, in order.

        Raises:
            QueryError, NotFound, NotProjected, ProjectionError: as `task`.
        """
        return self.task(task).comments
