"""What a handle decides with: the lock, the question, and the append of the answer."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from journal.arbiter import arbitrating
from journal.errors import EventError, JournalError, ReadError, Reentered, shown
from journal.format.event_types import EDITS
from journal.format.new_event import check_iterable
from journal.fs.queue import nothing
from journal.process.fork import no_fork
from projector.errors import NotProjected, ProjectionError, ProjectorError
from projector.store.deciding.lines import Unclear
from projector.store.deciding.unapplied import KeyValues

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    import apsw

    from journal.arbiter import Arbiter
    from journal.format.position import Position
    from journal.writer import Journal
    from projector.projection import Projection
    from projector.store.deciding.unapplied import UnappliedKeys

Answer = TypeVar("Answer")
Events = list[dict[str, Any]]

_FAR = 400
"""Events behind the snapshot from which on they are applied: each decision looks at them."""
_MANY = 4
"""Others before it for which a process waits long enough to apply them meanwhile."""
_NEAR = 2
"""Others before it for which a process reads what its decision needs. If only the next one read,
the lock would often become free before it had finished."""
_TOO_FAR = 5 * _FAR
"""Events from which on they are applied in any case."""
_REST, _FIRST_REST, _LONGEST_REST = 0.1, 1.0, 8.0
"""Seconds between two attempts of a process to apply them: of one that did it, of one that has not
tried, and of one that found others at it."""


class Decisions:
    """The decisions of one handle on a journal.

    Args:
        journal: what answers are appended with.
        projection: what questions are asked.
        timeout: seconds to wait for the lock, and for a projector that runs.
        note: called with the positions of what was appended.
        is_durable: whether an answer that was returned must survive a power loss, and so must
            what it rests on: the projector syncs the lanes that it applies.
    """

    def __init__(
        self,
        journal: Journal,
        projection: Projection,
        timeout: float,
        note: Callable[[list[Position]], None],
        *,
        is_durable: bool,
    ) -> None:
        self._journal = journal
        self._projection = projection
        self._timeout = timeout
        self._note = note
        self._is_durable = is_durable
        self._is_prepared = self._is_open = False
        self._next = 0.0
        self._rest = _FIRST_REST

    def decide(
        self,
        question: Callable[[apsw.Connection], tuple[Answer, Events]],
        sessions: Collection[str] | None = None,
    ) -> Answer:
        """Decide as `SessionStore.decide`, with a projection that has applied everything."""
        if not self._is_prepared:
            self._is_prepared = True
            self._prepare()
        read = partial(self._projection.whole, lambda _: None, patience=0.0, sessions=sessions)
        warming = _Warming(read)

        def append(events: Events) -> list[Position]:
            edited = {event.get("session") for event in events if event.get("type") in EDITS}
            # of other sessions nothing was read, which an edit of them must come behind
            if sessions is not None and edited.issubset(sessions):
                return self._journal.append_behind_read(events)
            return self._journal.append_many(events)

        return self._decide(
            lambda: self._applied(question, sessions, at_once=warming.is_done),
            append,
            warming.work,
        )

    def decide_on(
        self, keys: UnappliedKeys, question: Callable[[KeyValues], tuple[Answer, Events]]
    ) -> Answer:
        """Decide as `decide`, on nothing but key-values and what the snapshot has had for long.

        Args:
            keys: the key-values that are not applied.
            question: asked with all of them, perhaps twice.
        """
        if self._is_durable:
            return self.decide(lambda db: question(KeyValues(db)))
        if not self._is_prepared and not self._is_open:
            self._is_open = True
            # the first look opens files, and others must not wait for that
            if self.look(keys, lambda _: None) is None:
                self._is_prepared = True
                self._prepare()
        waiting = _Waiting(self, keys, question)
        answer = self._decide(
            lambda: self.ask_on(keys, question), self._journal.append_behind_read, waiting.work
        )
        if not waiting.has_waited or keys.count > _TOO_FAR:
            self.apply(keys)
        return answer

    def apply(self, keys: UnappliedKeys) -> None:
        """Apply what is behind the snapshot, if it is much, and no other process does it."""
        if keys.count <= _FAR or monotonic() < self._next:
            return
        # no call depends on it: an error that stays is raised by the next read
        with suppress(ProjectorError, JournalError):
            self.look(keys, lambda _: None)
            if keys.count > _FAR:
                self._projection.catch_up(patience=0.0)
                self.look(keys, lambda _: None)
                # if it is as much as before, another process is at it, and has all open
                self._rest = _REST if keys.count < _FAR else min(2 * self._rest, _LONGEST_REST)
        self._next = monotonic() + self._rest

    def append_behind_read(self, events: Events) -> None:
        """Append, behind what `decide_on` and `ask_on` have read."""
        self._note(self._journal.append_behind_read(events))

    def _decide(
        self,
        ask: Callable[[], tuple[Answer, Events]],
        append: Callable[[Events], list[Position]],
        meanwhile: Callable[[int], None] = nothing,
    ) -> Answer:
        with _deciding(self._journal.path), self._arbitrating(meanwhile) as arbiter:
            answer, events = _pair(ask())
            if events:
                with arbiter.appending():
                    self._note(append(events))
        return answer

    def _applied(
        self,
        question: Callable[[apsw.Connection], Answer],
        sessions: Collection[str] | None = None,
        *,
        at_once: bool = False,
    ) -> Answer:
        answer, fresh = self._projection.whole(
            question, patience=self._timeout, sessions=sessions, at_once=at_once
        )
        if not fresh:
            raise NotProjected(f"nothing was decided: {fresh.behind}; see `projector status`")
        return answer

    def ask_on(self, keys: UnappliedKeys, question: Callable[[KeyValues], Answer]) -> Answer:
        """Return the answer to a question as of `decide_on`; no lock is acquired.

        It knows all that any process had appended at the call. If that is unclear, it is asked when
        all is applied.
        """
        found = self.look(keys, question)
        return self._applied(lambda db: question(KeyValues(db))) if found is None else found[0]

    def look(
        self, keys: UnappliedKeys, question: Callable[[KeyValues], Answer]
    ) -> tuple[Answer] | None:
        """Return the answer to a question as of `ask_on`; None if it is not clear yet."""
        raised: list[Exception] = []

        def ask(db: apsw.Connection | None) -> tuple[Answer] | None:
            if db is None:
                return None
            try:
                values = keys.read(db)
            except (Unclear, ReadError):  # who applies it meets the error, too, and raises it
                return None
            try:
                return (question(values),)
            except Unclear:
                keys.clear()
                return None
            except Exception as error:
                raised.append(error)
                raise

        try:
            return self._projection.peek(ask)
        except ProjectionError as error:
            if error in raised:
                raise
            return None  # the projection must be mended first

    def _arbitrating(self, meanwhile: Callable[[int], None]) -> AbstractContextManager[Arbiter]:
        """Return the lock for decisions, to be acquired."""
        return arbitrating(self._journal.path, self._timeout, meanwhile)

    def _prepare(self) -> None:
        """Import, open and build what a first decision needs: others must not wait for that.

        It takes no lock of the projector if there is a projection: all that begin to decide would
        wait for it, and so would the one that decides. If another process builds one, it is not
        waited for.
        """
        # a store that decides nothing does not need them
        with no_fork.turn:
            import_module("journal.lanes.edit_order")
            import_module("projector.run.lock_holder")
        with suppress(ProjectionError):  # the decision meets it, too, and mends it or fails
            if not self._projection.peek(lambda db: db is not None):
                self._projection.whole(lambda _: None, patience=0.0, sessions=())


class _Warming:
    """Reads what a decision needs, while the last ones before it decide. No decision rests on it.

    Attributes:
        is_done: whether it has.
    """

    def __init__(self, read: Callable[[], object]) -> None:
        self._read = read
        self.is_done = False

    def work(self, before: int) -> None:
        """Read it, once, if this process is soon the next one."""
        if before <= _NEAR and not self.is_done:
            self.is_done = True
            with suppress(ProjectorError, JournalError):  # an error that stays meets the decision
                self._read()


class _Waiting:
    """What a process does while others have the lock, so that it needs it for a shorter time.

    Attributes:
        has_waited: whether it had to wait.
    """

    def __init__(
        self, decisions: Decisions, keys: UnappliedKeys, question: Callable[[KeyValues], object]
    ) -> None:
        self._decisions = decisions
        self._keys = keys
        self._warming = _Warming(lambda: decisions.look(keys, question))
        self.has_waited = False

    def work(self, before: int) -> None:
        """Read what is new; with many others before, apply it if it is much."""
        is_first_time, self.has_waited = not self.has_waited, True
        if before >= _MANY and is_first_time:
            self._decisions.apply(self._keys)
        else:
            self._warming.work(before)


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


def _pair(decided: tuple[Answer, Events]) -> tuple[Answer, Events]:
    """Return what a question returned, after a check that it is an answer and events."""
    if not isinstance(decided, tuple) or len(decided) != 2:  # noqa: PLR2004 - a pair
        raise EventError(
            f"question must return the answer and a list of events, not {shown(decided)};"
            " nothing was written"
        )
    check_iterable("events", decided[1])
    return decided
