"""Keep a fork from coming while another thread is inside SQLite.

All connections of a process share mutexes of SQLite, that of its memory among them. If a thread
holds one while another forks, the child waits for ever in its first call of SQLite. So code that
uses a connection runs within `with quiet:`, and a fork waits, for a bounded time, until each such
block has ended or is at a point where it can pause (`rest`).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING

import apsw

from journal.process.fork import no_fork
from projector.db import fork_safety

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 10.0
"""Seconds that a fork waits at most: a step of SQLite takes so long only where the disk hangs, and
on a busy machine two seconds were too few: the child waited for ever."""
_LOOK = 0.001
"""Seconds between two checks."""
_CALM = 10
"""Checks in a row after which a thread that runs its caller's code counts as outside SQLite: it may
wait for something else for long."""


class _Quiet:
    """The threads that use connections, and whether a fork has begun."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._working: dict[int, int] = {}
        self._resting: dict[int, apsw.Connection] = {}
        self._calling: dict[int, apsw.Connection] = {}
        self._turn = threading.RLock()
        self._forking = 0
        self._forks = 0
        self._over = threading.Event()
        self._over.set()

    def __enter__(self) -> None:
        me = get_ident()
        # first enter, then check: a fork that begins in between sees this thread
        self._working[me] = self._working.get(me, 0) + 1
        while self._forking not in {0, me} and self._working[me] == 1:
            del self._working[me]
            self._over.wait()
            self._working[me] = 1

    def __exit__(self, *_: object) -> None:
        me = get_ident()
        count = self._working.get(me, 1) - 1
        if count:
            self._working[me] = count
        else:
            self._working.pop(me, None)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Leave the block to wait for another thread or process, and enter it again.

        No statement of this thread may be open. A thread that waits within the block would keep a
        fork waiting, and the thread that it waits for cannot enter a block meanwhile.
        """
        me = get_ident()
        count = self._working.pop(me, 0)
        try:
            yield
        finally:
            if count:
                self.__enter__()
                self._working[me] = count

    def rest(self, db: apsw.Connection) -> None:
        """Pause while a fork is done; the caller holds only the mutex of its own connection."""
        if self._forking:
            me = get_ident()
            if self._forking != me:
                self._resting[me] = db
                try:
                    self._over.wait()
                finally:
                    self._resting.pop(me, None)

    @contextmanager
    def calling(self, db: apsw.Connection) -> Iterator[None]:
        """Run a caller's code with a connection; it may wait for something else meanwhile."""
        me = get_ident()
        before = self._calling.get(me)
        self._calling[me] = db
        try:
            yield
        finally:
            if before is None:
                self._calling.pop(me, None)
            else:
                self._calling[me] = before

    def before_fork(self) -> None:
        """Wait until no thread is in the middle of SQLite, or of what `no_fork` protects."""
        self._turn.acquire()
        self._forks += 1
        me = get_ident()
        self._over.clear()
        self._forking = me
        until = time.monotonic() + _PATIENCE
        calm = 0
        # check both in turn: a thread that has left one of them may have entered the other
        until = self._hold_fork(until)
        while (others := self._others(me)) and calm < _CALM and time.monotonic() < until:
            no_fork.turn.release()
            calm = calm + 1 if others <= self._calling.keys() and not self._is_busy() else 0
            time.sleep(_LOOK)
            until = self._hold_fork(until)

    @staticmethod
    def _hold_fork(until: float) -> float:
        """Acquire the turn of `no_fork`; return `until`, extended by the time of a long wait."""
        began = time.monotonic()
        no_fork.turn.acquire()
        waited = time.monotonic() - began
        # an import can take longer than a step of SQLite, and it follows that step
        return until + waited if waited > _LOOK else until

    def _others(self, me: int) -> set[int]:
        """Return the other threads that are alive and inside a block."""
        found = self._working.keys() - self._resting.keys() - {me}
        # a thread that ended, or was interrupted within these methods, left its number behind
        return found & sys._current_frames().keys() if found else found  # noqa: SLF001 - documented

    def _is_busy(self) -> bool:
        resting = list(self._resting.values())
        return any(_is_in_use(db) for db in fork_safety.live() if db not in resting)

    def after_fork(self) -> None:
        """Resume all threads, in the parent."""
        no_fork.turn.release()
        self._forks -= 1
        if not self._forks:
            self._forking = 0
            self._over.set()
        self._turn.release()

    def after_fork_in_child(self) -> None:
        """Forget the threads that are not in the child."""
        working, calling, me = self._working, self._calling, get_ident()
        self._begin()
        if me in working:
            self._working[me] = working[me]
        if me in calling:
            self._calling[me] = calling[me]


def _is_in_use(db: apsw.Connection) -> bool:
    """Return whether a thread is in a step of SQLite with a connection."""
    try:
        db.in_transaction  # noqa: B018 - SQLite's mutex is tried for it
    except apsw.ThreadingViolationError:
        return True
    except apsw.ConnectionClosedError:
        return False
    return False


quiet = _Quiet()
"""`with quiet:` is around all use of connections."""
os.register_at_fork(
    before=quiet.before_fork,
    after_in_parent=quiet.after_fork,
    after_in_child=quiet.after_fork_in_child,
)
