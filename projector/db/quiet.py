"""No thread is in the middle of SQLite when the process is forked.

SQLite's own mutexes, that of its memory among them, are shared by all connections of a process. A
child that is forked while another thread holds one waits for ever at its first look at any
database. So whoever works with a connection says so, and a fork waits, for a bounded time, until
each of them is done or at a place where it can rest.
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

from projector.db import connections

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 2.0
"""Seconds that a fork waits at the most: a single step of SQLite can take longer."""
_LOOK = 0.001
"""Seconds between two looks."""
_CALM = 10
"""Looks in a row at which a thread that runs its caller's code is in no step of SQLite: it waits
for something else, and may do so for long."""


class _Quiet:
    """Who works with a connection, and whether a fork is under way."""

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
        # first say it, then look: a fork that begins in between sees it
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

    def rest(self, db: apsw.Connection) -> None:
        """Wait while a fork is under way: no mutex but the connection's own is held here."""
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
        """Run a caller's code, which may wait for something else while it has the connection."""
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
        """Wait until no thread is in the middle of SQLite."""
        self._turn.acquire()
        self._forks += 1
        me = get_ident()
        self._over.clear()
        self._forking = me
        until = time.monotonic() + _PATIENCE
        calm = 0
        while (others := self._others(me)) and calm < _CALM and time.monotonic() < until:
            calm = calm + 1 if others <= self._calling.keys() and not self._is_busy() else 0
            time.sleep(_LOOK)

    def _others(self, me: int) -> set[int]:
        """Return the threads that are alive and in the middle of something."""
        found = self._working.keys() - self._resting.keys() - {me}
        # one that ended, or was interrupted between two steps here, left its number behind
        return found & sys._current_frames().keys() if found else found  # noqa: SLF001 - documented

    def _is_busy(self) -> bool:
        resting = list(self._resting.values())
        return any(_is_in_use(db) for db in connections.live() if db not in resting)

    def after_fork(self) -> None:
        """Let all go on, in the parent."""
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
    """Say whether a thread is in a step of SQLite with a connection."""
    try:
        db.in_transaction  # noqa: B018 - SQLite's mutex is tried for it
    except apsw.ThreadingViolationError:
        return True
    except apsw.ConnectionClosedError:
        return False
    return False


quiet = _Quiet()
"""`with quiet:` stands around all work with connections."""
os.register_at_fork(
    before=quiet.before_fork,
    after_in_parent=quiet.after_fork,
    after_in_child=quiet.after_fork_in_child,
)
