"""The handle on a board of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from journal.errors import EventError
from journal.format.event_types import MESSAGE_APPENDED
from journal.format.lossless import check_text
from journal.format.new_event import new_event
from journal.process.ids import uuid7
from projector.board import changes
from projector.board.checks import check_id, check_name, check_priority, check_title, listed
from projector.board.holding import Holding
from projector.board.listing import Lists
from projector.board.names import SOURCE, names_of
from projector.board.stored import BLOCKED, DONE, OPEN
from projector.errors import DependencyCycle
from projector.store.keys import check_storable
from projector.store.session_store import SessionStore

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from journal.lanes.group_commit import Fsync
    from journal.redact.scanner import Scanner
    from projector.board.states import Snapshot


class Board(Holding, Lists):
    """A board of tasks that workers claim; each task has one holder at a time. Safe for threads.

    ::

        with Board.open("~/agents") as board:
            first = board.add("Write the parser", body="As in docs/format.md.", priority=5)
            board.add("Test the parser", after=[first])
            claim = board.claim(worker="w1", seconds=60)  # None: nothing is ready
            if claim is not None:
                board.beat(claim)
                board.comment(claim.task, "Half of it is written.", author="w1")
                board.complete(claim, result={"commit": "1a2b3c"})
            print(board.ready(), board.tasks(state="done"), board.task(first).comments)

    A task is a session: its title, its body, its comments and what happened to it are messages,
    which searches find. `add`, `comment` and `beat` append and take no lock. `claim`, `complete`,
    `block`, `unblock`, `release` and `depend` are decisions (`SessionStore.decide`): they wait for
    each other, and for no append.

    A claim is in force for its seconds, and for as long after each heartbeat. When it has expired,
    another worker can claim the task. From then on the claim is stale: `complete`, `block` and
    `release` raise StaleClaim and write nothing.

    Attributes:
        name: the name of the board. A journal has any number of boards.
        store: the store that it writes to.
    """

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        name: str = "board",
        fsync: Fsync = "interval",
        timeout: float = 5.0,
        redact: bool | Sequence[Scanner] = False,
    ) -> Self:
        """Open a board in the journal at `path`, making that where there is none.

        It takes no lock that others wait for. `Board(store)` uses a store that is open; `close`
        closes that, too.

        Args:
            path: folder of the journal.
            name: the name of the board.
            fsync: as for `SessionStore.open`.
            timeout: as for `SessionStore.open`.
            redact: as for `SessionStore.open`.

        Raises:
            EventError: `name` is no name of a board.
            JournalOpenError, LeaseError, ProjectionError, RedactionError, ValueError: as
                `SessionStore.open`.
        """
        names_of(name)
        return cls(SessionStore.open(path, fsync=fsync, timeout=timeout, redact=redact), name=name)

    def add(
        self,
        title: str,
        *,
        body: str = "",
        priority: int = 0,
        after: Iterable[str] = (),
        assignee: str | None = None,
        id: str | None = None,
    ) -> str:
        """Add a task; return its id.

        The same call with the same `id` has no effect, whatever has happened to the task.

        Args:
            title: one line of at most 1,000 characters.
            body: what is to be done.
            priority: a higher one is claimed first.
            after: ids of tasks that must be done before.
            assignee: the only worker that can claim it; None for any.
            id: its id, and that of its session; made if there is none.

        Raises:
            EventError: an argument is invalid; nothing was written.
            NotFound: the board has no such task in `after`; nothing was written.
            DependencyCycle: `after` names the task itself; nothing was written.
            AppendError, SyncError, ClosedError: as `Journal.append`.
        """
        check_title(title)
        check_text("body", body)
        check_priority(priority)
        if assignee is not None:
            check_name("assignee", assignee)
        task = uuid7() if id is None else id
        check_id(task)
        needed = listed(after)
        if task in needed:
            raise DependencyCycle(f"task {task!r} would wait for itself; nothing was written")
        events = changes.added(
            self._names,
            task,
            title=title,
            body=body,
            priority=priority,
            after=needed,
            assignee=assignee,
        )
        for event in events:
            check_storable(event)
        if needed:
            self._read(lambda at: [at.found(each) for each in needed])
        self.store.add(events)
        return task

    def comment(
        self, task: str, text: str, *, author: str | None = None, id: str | None = None
    ) -> str:
        """Append a comment to a task; return its id. One append, and no lock.

        Raises:
            EventError: an argument is invalid; nothing was written.
            AppendError, SyncError, ClosedError: as `Journal.append`.
        """
        check_name("task", task)
        check_text("text", text)
        if not text.strip():
            raise EventError("text must not be empty")
        if author is not None:
            check_text("author", author)
        id = uuid7() if id is None else id
        said = {"event": "commented", "by": author}
        data = {"role": "user", "content": text, "source": SOURCE, "extra": {changes.EXTRA: said}}
        self.store.add([new_event(task, MESSAGE_APPENDED, data, id=id)])
        return id

    def unblock(self, task: str, *, by: str | None = None) -> bool:
        """Make a blocked task open again; return whether it was blocked.

        Raises:
            EventError: an argument is invalid; nothing was written.
            NotFound, ArbiterBusy, NotProjected: as `claim`.
        """
        check_name("task", task)
        if by is not None:
            check_text("by", by)

        def question(at: Snapshot) -> tuple[bool, list[dict[str, Any]]]:
            before = at.found(task)
            if before["state"] != BLOCKED:
                return False, []
            state = changes.ended(before, OPEN)
            return True, self._change(at, task, before, state, event="unblocked", by=by)

        return self._decide(question)

    def depend(self, task: str, after: Iterable[str], *, by: str | None = None) -> None:
        """Set the tasks that must be done before a task; none if `after` is empty.

        It matters for the next claim: a worker that has the task keeps it.

        Raises:
            DependencyCycle: one of them waits for the task; the message names the chain, and
                nothing was written.
            NotFound: the board has no such task; nothing was written.
            EventError, ArbiterBusy, NotProjected: as `unblock`.
        """
        check_name("task", task)
        needed = listed(after)
        if by is not None:
            check_text("by", by)

        def question(at: Snapshot) -> tuple[None, list[dict[str, Any]]]:
            before = at.found(task)
            for each in needed:
                at.found(each)
            if (chain := at.waits_for(needed, task)) is not None:
                shown_chain = " → ".join(map(repr, [task, *chain]))
                raise DependencyCycle(
                    f"task {task!r} would wait for itself ({shown_chain}); nothing was written"
                )
            if before["after"] == needed or before["state"] == DONE:
                return None, []
            state = {**before, "after": needed}
            note = ", ".join(needed) or "nothing"
            return None, self._change(at, task, before, state, event="depends", by=by, note=note)

        self._decide(question)

    def close(self) -> None:
        """Close the store; again does nothing.

        Raises:
            SyncError, Reentered: as `SessionStore.close`.
        """
        try:
            self.store.close()
        finally:
            self._unapplied.close()

    def __enter__(self) -> Self:
        self.store.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
