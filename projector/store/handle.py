"""A handle on a journal and its projection: append, and read what was appended."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from importlib import import_module
from threading import get_ident
from typing import TYPE_CHECKING, Any, Self

from journal.arbiter import arbitrating
from journal.errors import ClosedError, EventError, Reentered, shown
from journal.format.event import check_key
from journal.format.new_event import check_iterable
from journal.process.fork import no_fork
from journal.writer import Journal
from projector.arguments import check_callable, check_seconds
from projector.errors import NotProjected, ProjectionDamaged, ProjectionError
from projector.projection import Projection
from projector.store.seen import seen_by_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import apsw

    from journal.arbiter import Arbiter
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
        self._has_decided = False

    @property
    def position(self) -> Position | None:
        """Position of the last event that this handle appended; None if there is none."""
        return self._position

    def add(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Append events with one write(2): mappings with session, type, data, and perhaps id.

        Raises:
            EventError, ClockError, AppendError, SyncError, ClosedError: as `Journal.append_many`.
        """
        positions = self.journal.append_many(events)
        if positions:
            self._position = positions[-1]

    def _add(self, session: str, type: str, data: dict[str, Any], id: str | None = None) -> None:
        position = self.journal.append(session=session, id=id, type=type, data=data)
        self._position = position

    def read(self, query: Callable[[apsw.Connection], Answer]) -> tuple[Answer, Freshness]:
        """Query the projection; it includes at least all that this handle has appended.

        Returns:
            The answer, and its freshness: true if it includes all that was in the journal at the
            call; else `behind` is what it lacks.

        Raises:
            NotProjected: a projector runs, and has not applied this handle's own events in time.
            QueryTimeout, ProjectionError, ReadError: as the methods of `Projection`.
            ClosedError: the store was closed.
        """
        return self.projection.after(self._position, self._timeout).read(query)

    def read_all(self, query: Callable[[apsw.Connection], Answer]) -> Answer:
        """Query the projection; it includes all that any process had appended at the call.

        Raises:
            NotProjected: a projector runs, and is too far behind for that.
            QueryTimeout, ProjectionError, ReadError, ClosedError: as `read`.
        """
        answer, fresh = self.projection.read(query, patience=self._timeout)
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
    ) -> Answer:
        """Compare and append: decide with the events of all writers, one process at a time.

        Only decisions exclude each other. Ordinary appends take no lock: an event that is appended
        between the question and the append is not seen by the decision.

        Args:
            question: asked with the projection up to date, perhaps twice; returns the answer
                and the events to append.

        Raises:
            ArbiterBusy: other processes were deciding all the time, or the arbiter's file was
                removed meanwhile (ArbiterLost).
            Reentered: called in the question of another decision; nothing was done.
            NotProjected: a projector runs and is too far behind to decide on what it shows.
            EventError: `question` is no function, or returns no answer and events; or as
                `Journal.append_many`.
            AppendError, SyncError, ClosedError: as `Journal.append_many`.
            QueryTimeout, ProjectionError, ReadError: as the methods of `Projection`.
        """
        check_callable("question", question, EventError)
        self._check_open()
        with _deciding(self.journal.path), self._arbitrating() as arbiter:
            decided, fresh = self.projection.read(question, patience=self._timeout)
            if not fresh:
                raise NotProjected(f"nothing was decided: {fresh.behind}; see `projector status`")
            answer, events = _pair(decided)
            if events:
                with arbiter.appending():
                    self.add(events)
        return answer

    def _arbitrating(self) -> AbstractContextManager[Arbiter]:
        """Return the lock for decisions, to be acquired."""
        if not self._has_decided:
            self._prepare()
            self._has_decided = True
        return arbitrating(self.journal.path, self._timeout)

    def _prepare(self) -> None:
        """Import, open and build what a first decision needs: others must not wait for that.

        It takes no lock of the projector if there is a projection: all that begin to decide would
        wait for it, and so would the one that decides.
        """
        # a store that decides nothing does not need them
        with no_fork.turn:
            import_module("journal.lanes.edit_order")
            import_module("projector.run.lock_holder")
        with suppress(ProjectionError):  # the decision meets it, too, and mends it or fails
            if not self.projection.peek(lambda db: db is not None):
                self.projection.catch_up(patience=0.0)

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


@contextmanager
def _deciding(journal: Path) -> Iterator[None]:
    """Refuse a decision in the question of another one: it would wait for itself.

    Raises:
        Reentered: this thread decides in the same journal.
    """
    # a forked child has not the lock of its parent
    decider = os.getpid(), get_ident(), str(journal)
    if decider in _deciders:
        raise Reentered(
            f"this thread is in the middle of a decision in {journal}, and the next one cannot"
            " begin before it ends; nothing was done. Append what belongs to both in one decision,"
            " or decide when the call has returned"
        )
    try:
        _deciders.add(decider)
        yield
    finally:
        _deciders.discard(decider)


_deciders: set[tuple[int, int, str]] = set()
"""Who is in the middle of a decision: process, thread and the journal's folder."""


def _pair(decided: tuple[Answer, list[dict[str, Any]]]) -> tuple[Answer, list[dict[str, Any]]]:
    """Return what a question returned, after a check that it is an answer and events."""
    if not isinstance(decided, tuple) or len(decided) != 2:  # noqa: PLR2004 - a pair
        raise EventError(
            f"question must return the answer and a list of events, not {shown(decided)};"
            " nothing was written"
        )
    check_iterable("events", decided[1])
    return decided
