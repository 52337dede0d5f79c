"""A handle on a journal and its projection: append, and read what was appended."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from journal.errors import ClosedError, EventError
from journal.format.event import check_key
from journal.writer import Journal
from projector.arguments import check_callable, check_seconds
from projector.errors import NotProjected, ProjectionDamaged, ProjectionError
from projector.projection import Projection
from projector.store.deciding.decisions import Decisions
from projector.store.seen import seen_by_now

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    import apsw

    from journal.format.position import Position
    from journal.lanes.group_commit import Fsync
    from journal.redact.scanner import Scanner
    from projector.reading.reader import Answer
    from projector.views.freshness import Freshness


class Handle:
    """A handle that appends, and sees what it has appended in its next read. Safe for threads.

    ::

        store.add([new_event("s1", "tool.used", {"tool": "ls"})])
        print(store.position, store.read(lambda db: db.execute("SELECT 1").get))
        print(store.read_all(lambda db: db.execute("SELECT 1").get))
        store.settle()
        store.wait_for(store.position, timeout=5.0)
        answer = store.decide(lambda db: ("nothing to do", []))
        store.close()

    After `close` every method raises ClosedError, reads too; `close` itself may be called again.

    Attributes:
        journal: what it appends with.
        projection: what it reads with.
        decisions: what it decides with.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fsync: Fsync,
        timeout: float,
        redact: bool | Sequence[Scanner] = False,
    ) -> None:
        check_seconds("timeout", timeout)
        self.journal = Journal.open(path, fsync=fsync, redact=redact)
        self.projection = Projection.open(path)
        self._timeout = timeout
        self._position: Position | None = None
        self._is_closed = False
        self.decisions = Decisions(
            self.journal, self.projection, timeout, self._note, is_durable=fsync == "always"
        )

    @property
    def position(self) -> Position | None:
        """Position of the last event that this handle appended; None if there is none."""
        return self._position

    def add(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Append events with one write(2): mappings with session, type, data, and perhaps id.

        Raises:
            EventError, ClockError, AppendError, SyncError, ClosedError: as `Journal.append_many`.
        """
        self._note(self.journal.append_many(events))

    def _note(self, positions: list[Position]) -> None:
        if positions:
            self._position = positions[-1]

    def _add(self, session: str, type: str, data: dict[str, Any], id: str | None = None) -> None:
        position = self.journal.append(session=session, id=id, type=type, data=data)
        self._position = position

    def read(
        self,
        query: Callable[[apsw.Connection], Answer],
        *,
        sessions: Collection[str] | None = None,
    ) -> tuple[Answer, Freshness]:
        """Query the projection; it includes at least all that this handle has appended.

        Args:
            query: asked with a connection that can only read, perhaps twice.
            sessions: those that it reads, namespaces among them, if it reads no others; it is
                quicker then beside many writers. None means all.

        Returns:
            The answer, and its freshness: true if it includes all that was in the journal at the
            call; else `behind` is what it lacks.

        Raises:
            NotProjected: a projector runs, and has not applied this handle's own events in time.
            QueryTimeout, ProjectionError, ReadError: as the methods of `Projection`.
            ClosedError: the store was closed.
        """
        bound = self.projection.after(self._position, self._timeout)
        return bound.whole(query, sessions=sessions)

    def read_all(
        self,
        query: Callable[[apsw.Connection], Answer],
        *,
        sessions: Collection[str] | None = None,
    ) -> Answer:
        """Query the projection; it includes all that any process had appended at the call.

        Args:
            query: asked as in `read`.
            sessions: those that it reads, as for `read`.

        Raises:
            NotProjected: a projector runs, and is too far behind for that.
            QueryTimeout, ProjectionError, ReadError, ClosedError: as `read`.
        """
        whole = self.projection.whole
        answer, fresh = whole(query, patience=self._timeout, sessions=sessions)
        if not fresh:
            raise NotProjected(f"the answer would lack events: {fresh.behind}")
        return answer

    def _seen(self, sessions: Iterable[str]) -> dict[str, dict[str, int]]:
        """Return for each session its last sequence number in each lane, by the lane's uuid.

        Raises:
            ReadError: a lane cannot be read.
        """
        names = list(sessions)
        for name in names:
            check_key("session", name)
        ends = self.journal.ends()

        def query(db: apsw.Connection | None) -> dict[str, dict[str, int]]:
            return {name: seen_by_now(db, name, ends) for name in names}

        try:
            return self.projection.peek(query)
        except (
            ProjectionError
        ):  # it is not known which lanes have no event of a session: name all lanes
            return query(None)

    def settle(self) -> None:
        """Return when this handle's own events are applied.

        Raises:
            NotProjected: a projector runs, and has not applied them in time.
            ProjectionError: the projection cannot be built or read.
            ClosedError: the store was closed.
        """
        self._check_open()
        own = self._position
        if own is not None:
            with suppress(ProjectionDamaged):  # the next query rebuilds it
                self.projection.wait_for(own, self._timeout)

    def wait_for(self, position: Position, timeout: float = 2.0) -> None:
        """Return when an event that any handle appended can be read.

        Raises:
            NotProjected: it cannot within `timeout` seconds.
            ProjectionError: the projection cannot be built or read.
            ClosedError: the store was closed.
        """
        self.projection.wait_for(position, timeout)

    def decide(
        self,
        question: Callable[[apsw.Connection], tuple[Answer, list[dict[str, Any]]]],
        *,
        sessions: Collection[str] | None = None,
    ) -> Answer:
        """Compare and append: decide with the events of all writers, one process at a time.

        Only decisions exclude each other. Ordinary appends take no lock: an event that is appended
        between the question and the append is not seen by the decision.

        Args:
            question: asked with the projection up to date, perhaps twice; returns the answer
                and the events to append.
            sessions: those that it reads, as for `read`.

        Raises:
            ArbiterBusy: one process was deciding all the time, or the arbiter's file was removed
                meanwhile (ArbiterLost).
            Reentered: called in the question of another decision; nothing was done.
            NotProjected: a projector runs and is too far behind to decide on what it shows.
            EventError: `question` is no function, or returns no answer and events; or as
                `Journal.append_many`.
            AppendError, SyncError, ClosedError: as `Journal.append_many`.
            QueryTimeout, ProjectionError, ReadError: as the methods of `Projection`.
        """
        check_callable("question", question, EventError)
        self._check_open()
        return self.decisions.decide(question, sessions)

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClosedError(f"this store in {self.journal.path} was closed; open another")

    def close(self) -> None:
        """Sync what the level promises and close everything; again does nothing.

        Raises:
            SyncError: the disk refused; everything is closed all the same.
            Reentered: called in a handler in the middle of another call; nothing was done.
        """
        try:
            self.journal.close()
        finally:
            self.projection.close()
        self._is_closed = True
