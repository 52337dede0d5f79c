"""The states of tasks, read from a snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.bounds import is_count
from projector.board.names import beat_key
from projector.board.reading import is_written
from projector.board.stored import CLAIMED, OPEN, valid
from projector.board.task import Task
from projector.errors import NotFound
from projector.store.claims import is_over

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from projector.board.names import Names
    from projector.board.unfinished import Unfinished
    from projector.store.deciding.unapplied import KeyValues

_BY_CHANGE = """
SELECT k.key, k.value FROM _keys k JOIN _sessions s ON s.id = k.session
WHERE s.session = ? AND k.value IS NOT NULL ORDER BY k.ord, k.key
"""


@dataclass(slots=True)
class Snapshot:
    """The tasks of a board at one moment.

    Args:
        values: the key-values at that moment.
        names: the namespaces of the board.
        unfinished: what is known of the tasks that are not done.
    """

    values: KeyValues
    names: Names
    unfinished: Unfinished
    _done: dict[str, bool] = field(default_factory=dict)

    def state(self, task: str) -> dict[str, Any] | None:
        """Return the state of a task as it is stored; None if the board has no such task."""
        # a crash can separate the two events of a completion: the first is the decision
        return valid(self.values.get(self.names.done, task)) or valid(
            self.values.get(self.names.tasks, task)
        )

    def found(self, task: str) -> dict[str, Any]:
        """Return the state of a task.

        Raises:
            NotFound: the board has no such task.
        """
        state = self.state(task)
        if state is None:
            board = self.names.tasks.partition("/")[2]
            raise NotFound(f"the board {board!r} has no task {task!r}")
        return state

    def is_written(self, task: str, id: str) -> bool:
        """Return whether the session of a task has a message about a change."""
        return self.values.has_message(task, id) or is_written(self.values.db, task, id)

    def finished(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the ids and states of tasks that are done, the first one first."""
        for task, value in self.values.db.execute(_BY_CHANGE, (self.names.done,)):
            state = valid(orjson.loads(value))
            if state is not None:
                yield task, state

    def is_done(self, task: str) -> bool:
        """Return whether a task is done."""
        if task not in self._done:
            self._done[task] = valid(self.values.get(self.names.done, task)) is not None
        return self._done[task]

    def is_ready(self, task: str, state: Mapping[str, Any]) -> bool:
        """Return whether a task can be claimed."""
        if state["state"] == CLAIMED:
            if self.term(task, state) is not None:
                return False
        elif state["state"] != OPEN:
            return False
        return all(map(self.is_done, state["after"]))

    def term(self, task: str, state: Mapping[str, Any]) -> int | None:
        """Return when the claim of a task ends, with its last heartbeat; None if it has ended."""
        end, is_in_force = self._end(task, state)
        return end if is_in_force else None

    def _end(self, task: str, state: Mapping[str, Any]) -> tuple[int, bool]:
        """Return when the last claim of a task ends or ended, and whether it is in force."""
        terms = [dict(state)]
        beat = self.values.get(self.names.beats, beat_key(task, state["token"]))
        if isinstance(beat, dict) and is_count(beat.get("expires")):
            terms.append(beat)
        return max(int(each["expires"]) for each in terms), not all(map(is_over, terms))

    def ready(self, worker: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the tasks that can be claimed, by a worker if one is named, the first one first.

        The highest priority is first; of one priority that which was not changed for longest.
        """
        for task, state in self.unfinished.by_priority(self.values):
            if self.is_for(worker, task, state):
                yield task, state

    def is_for(self, worker: str | None, task: str, state: Mapping[str, Any]) -> bool:
        """Return whether a task can be claimed, by a worker if one is named."""
        is_theirs = worker is None or state["assignee"] in (None, worker)
        return is_theirs and self.is_ready(task, state)

    def has_ready(self, worker: str) -> bool:
        """Return whether a worker can claim a task."""
        return next(self.ready(worker), None) is not None

    def view(self, task: str, state: Mapping[str, Any]) -> Task:
        """Return a task as readers get it."""
        claimed = state["state"] == CLAIMED
        return Task(
            id=task,
            title=state["title"],
            priority=state["priority"],
            state=state["state"],
            ready=self.is_ready(task, state),
            after=tuple(state["after"]),
            assignee=state["assignee"],
            holder=state.get("holder"),
            token=state["token"],
            expires=self._end(task, state)[0] if claimed else None,
            reason=state.get("reason"),
            result=state.get("result"),
        )

    def waits_for(self, tasks: Iterable[str], target: str) -> list[str] | None:
        """Return the chain of tasks from one of `tasks` to `target`; None if none waits for it."""
        paths = [[task] for task in tasks]
        seen: set[str] = set()
        while paths:
            path = paths.pop()
            last = path[-1]
            if last == target:
                return path
            if last not in seen:
                seen.add(last)
                state = self.state(last)
                paths += [[*path, each] for each in (state["after"] if state else ())]
        return None
