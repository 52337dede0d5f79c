"""What a board answers with: tasks, claims, comments, and what happened to a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from journal.format.timestamps import to_datetime

if TYPE_CHECKING:
    from datetime import datetime

State = Literal["open", "claimed", "blocked", "done"]
"""`open`: no worker has it. `claimed`: one has it, until its claim expires. `blocked`: a worker
gave it up until someone unblocks it. `done`: it was completed."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task of a board.

    Attributes:
        id: the id of the task, and of its session.
        title: one line.
        priority: a higher one is claimed first.
        state: see `State`.
        ready: whether a worker can claim it: it is open, or its claim has expired, and the tasks
            in `after` are done.
        after: ids of the tasks that must be done before.
        assignee: the only worker that can claim it; None for any.
        holder: the worker that has it, or completed it, or blocked it; None if there is none.
        token: fencing token of its last claim; 0 if it was never claimed.
        expires: when the claim ends, microseconds since 1970, heartbeats included; None if no
            worker has it.
        reason: why it is blocked, or was released; None otherwise.
        result: what was completed, if anything was said.
    """

    id: str
    title: str
    priority: int
    state: State
    ready: bool
    after: tuple[str, ...]
    assignee: str | None
    holder: str | None
    token: int
    expires: int | None
    reason: str | None
    result: Any


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a task.

    Attributes:
        id: the id of its message.
        author: who wrote it; None if that was not said.
        text: what it says.
        time: when, microseconds since 1970.
    """

    id: str
    author: str | None
    text: str
    time: int

    @property
    def time_utc(self) -> datetime:
        """`time` as a datetime in UTC."""
        return to_datetime(self.time)


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """What happened to a task.

    Attributes:
        number: 0 for the task itself, then 1, 2, ...
        event: `added`, `claimed`, `completed`, `blocked`, `unblocked`, `released` or `depends`.
        by: the worker; None if that was not said.
        token: the fencing token of the claim at that time.
        note: the reason, or what the task waits for since then.
        time: when, microseconds since 1970.
    """

    number: int
    event: str
    by: str | None
    token: int
    note: str | None
    time: int

    @property
    def time_utc(self) -> datetime:
        """`time` as a datetime in UTC."""
        return to_datetime(self.time)


@dataclass(frozen=True, slots=True)
class TaskDetails:
    """A task with all that was said about it.

    Attributes:
        task: the task.
        body: what is to be done; empty if only the title says it.
        comments: in order.
        history: what happened to it, in order.
    """

    task: Task
    body: str
    comments: tuple[Comment, ...]
    history: tuple[TaskEvent, ...]


@dataclass(frozen=True, slots=True)
class TaskClaim:
    """A claim of a worker on a task.

    Attributes:
        task: the id of the task.
        worker: the worker.
        token: fencing token, which grows with every claim of the task. A resource that a worker
            writes to must refuse a lower one than it has seen.
        expires: when others may claim the task unless a heartbeat comes before, microseconds since
            1970.
        seconds: how long the claim, and each heartbeat, is in force.
    """

    task: str
    worker: str
    token: int
    expires: int
    seconds: float

    @property
    def expires_utc(self) -> datetime:
        """`expires` as a datetime in UTC."""
        return to_datetime(self.expires)
