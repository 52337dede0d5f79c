"""What reads all messages is counted on a thread of its own: a page shows what is known."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from threading import Lock, Thread
from typing import TYPE_CHECKING, Protocol, TypeVar

from journal.errors import JournalError
from projector.db.schema import APPLIED
from projector.errors import ProjectionError
from projector.views.browsing.block import all_blocks, changed_blocks, last_event
from projector.views.browsing.census import census, count_block
from projector.views.browsing.message_window import find
from projector.views.usage import session_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import apsw

    from projector.views.browsing.census import BlockCounts, Census
    from projector.views.sessions import SessionBrief
    from projector.views.usage import UsageRow

_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

_GOOD = 5.0
"""Seconds for which the counts are good, even if something was applied meanwhile."""
_SHARE = 20
"""Counts that took a second are good for so many: less than 5 % of a core is spent."""
_WHOLE = 21_600.0
"""Seconds after which all is counted again: a message may count in another block than before,
if a fork repeats it."""
_MOST_PAUSE = 0.05
"""Longest pause in seconds after a block, so that pages need not wait."""
_LONG = 4_000
"""Messages of a session whose usage is not added up while a page waits."""
_MOMENT, _LOOK = 0.05, 0.005
"""Seconds after their beginning for which a page waits for the first counts, and between looks."""


class Peek(Protocol):
    """Queries one snapshot of what is applied."""

    def __call__(self, query: Callable[[apsw.Connection], Answer]) -> Answer:
        """Return the answer of the query."""


class Ended(ProjectionError):  # noqa: N818 - reads as a state
    """The server ends."""


@dataclass(frozen=True, slots=True)
class State:
    """What a projection is, as far as counts depend on it.

    Attributes:
        file: of its generation: rowids are other ones in another generation.
        applied: when something was applied last.
        last: rowid of the event that was applied last.
        requests: number of requests to forget.
    """

    file: str
    applied: int | None
    last: int
    requests: int


@dataclass(frozen=True, slots=True)
class Counted:
    """The counts, and of what.

    Attributes:
        census: the counts.
        state: of the projection when they were begun.
        whole: when all were counted, by `time.monotonic`.
        good: until when they are not asked for again.
    """

    census: Census
    state: State
    whole: float
    good: float


class Counting:
    """Counts, and counts again what has changed. Safe for threads."""

    def __init__(self, peek: Peek) -> None:
        self._peek = peek
        self._lock = Lock()
        self._known: Counted | None = None
        self._begun = 0.0
        self._works = self._is_closed = False
        self._prepare: tuple[Callable[[Census], object], ...] = ()

    def prepare(self, make: Callable[[Census], object]) -> None:
        """Let a function be called with each census before it is known, to make what takes long."""
        self._prepare = (*self._prepare, make)

    def census(self) -> Census | None:
        """Return the counts, perhaps older ones while new ones are made; None if there are none.

        Of a small journal they are there after a moment, for which a caller waits.
        """
        with self._lock:
            known = self._known
            is_due = known is None or time.monotonic() > known.good
            if is_due and not self._works:
                self._works = True
                self._begun = time.monotonic()
                Thread(target=self._work, args=(known,), daemon=True).start()
            end = self._begun + _MOMENT
        while known is None and time.monotonic() < end:
            time.sleep(_LOOK)
            with self._lock:
                known = self._known
        return None if known is None else known.census

    def used(self, db: apsw.Connection, session: SessionBrief) -> UsageRow | None:
        """Return what a session used and cost; None if it used nothing, or is being counted.

        Of a long session it is what was counted last, as it would take seconds.
        """
        if not session.usage:
            return None
        if not is_long(session):
            return session_usage(db, session.session)
        number = find(db, session.session).number
        with self._lock:
            known = self._known
        return None if known is None else known.census.session(number)

    def close(self) -> None:
        """End what is counted at this moment."""
        self._is_closed = True

    def _work(self, known: Counted | None) -> None:
        try:
            found = self._counted(known)
            for make in self._prepare:
                make(found.census)
            with self._lock:
                self._known = found
        except (ProjectionError, JournalError) as error:  # the page itself shows it
            _log.info("not counted: %s", error)
        finally:
            with self._lock:
                self._works = False

    def _counted(self, known: Counted | None) -> Counted:
        begun = time.monotonic()
        state = self._ask(_state)
        blocks: Collection[int] = self._ask(all_blocks)
        counts: dict[int, BlockCounts] = {}
        whole = begun
        if known is not None and _continues(known.state, state) and begun - known.whole < _WHOLE:
            whole = known.whole
            after = known.state.last
            changed = self._ask(lambda db: changed_blocks(db, after))
            counts |= {at: each for at, each in known.census.blocks.items() if at not in changed}
        took = 0.0
        for block in blocks:
            if block not in counts:
                took += self._count(counts, block)
        ended = time.monotonic()
        return Counted(census(counts), state, whole, ended + max(_GOOD, took * _SHARE))

    def _count(self, counts: dict[int, BlockCounts], block: int) -> float:
        """Count a block, and pause as long as it took, at most a moment; return the seconds."""
        begun = time.monotonic()
        counts[block] = self._ask(lambda db: count_block(db, block))
        took = time.monotonic() - begun
        time.sleep(min(took, _MOST_PAUSE))
        return took

    def _ask(self, query: Callable[[apsw.Connection], Answer]) -> Answer:
        if self._is_closed:
            raise Ended("the viewer ends")
        return self._peek(query)


def is_long(session: SessionBrief) -> bool:
    """Return whether the usage of a session is not added up while a page waits."""
    return session.messages + session.replays >= _LONG


def _state(db: apsw.Connection) -> State:
    return State(
        db.db_filename("main"),
        db.execute("SELECT value FROM _meta WHERE key = ?", (APPLIED,)).get,
        last_event(db),
        int(db.execute("SELECT count(*) FROM _requests").get),
    )


def _continues(old: State, new: State) -> bool:
    """Return whether only events were added since a state."""
    return (old.file, old.requests) == (new.file, new.requests) and new.last >= old.last
