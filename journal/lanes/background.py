"""The thread that syncs a lane's appends shortly after they were made."""

from __future__ import annotations

import _thread
import threading
import weakref
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

GATHER = 0.1
"""Seconds that a sync waits for more appends: with the sync itself, below 200 ms."""
URGENT = 4 * 1024 * 1024
"""Unsynced bytes that end the wait at once."""
_SOON, _NOW = 0, 1
"""Whether a requested sync first waits for more appends."""


class BackgroundSync:
    """Starts its thread with the first request for a sync, and ends it with its owner.

    Args:
        sync: a method, which is held weakly; it returns False once there is nothing to sync any
            more.

    Attributes:
        is_asked: whether a requested sync has not begun.
    """

    def __init__(self, sync: Callable[[], bool]) -> None:
        self.is_asked = False
        self._sync = weakref.WeakMethod(sync)
        self._wake: SimpleQueue[int] = SimpleQueue()
        self._starting = threading.RLock()
        self._is_started = False

    def ask(self, size: int) -> bool:
        """Request a sync; return False if no thread can be started.

        Args:
            size: unsynced bytes.
        """
        if not self.is_asked:
            if not (self._is_started or self._start()):
                return False
            self.is_asked = True
            self._wake.put(_SOON)
        if size > URGENT:
            self._wake.put(_NOW)
        return True

    def end(self) -> None:
        """Wake the thread at once: it finds that its owner is closed."""
        self._wake.put(_NOW)

    def _start(self) -> bool:
        with self._starting:
            if self._is_started:
                return True
            # a handler that runs before the thread has started must not start another
            self._is_started = True
            try:
                # `threading.Thread.start` waits until the thread runs: on a busy machine that
                # makes the first append of a process take 20 ms
                _thread.start_new_thread(self._run, (monotonic(),))
            except BaseException as error:
                self._is_started = False
                if isinstance(error, RuntimeError):  # too many threads, or the interpreter ends
                    return False
                raise
        return True

    def _run(self, began: float) -> None:
        """Sync repeatedly; the first append was made at `began`, by `monotonic`."""
        is_open = True
        while is_open:
            # an append during the last sync may be as old as that sync: after it, a whole wait
            # and a second sync would come later than 200 ms
            as_old = not self._wake.empty()
            when = self._wake.get()
            until = (began if as_old else monotonic()) + GATHER
            while when != _NOW and (left := until - monotonic()) > 0:
                try:
                    when = self._wake.get(timeout=left)
                except Empty:
                    break
            while not self._wake.empty():  # this sync covers all of them
                self._wake.get()
            began = monotonic()
            self.is_asked = False  # first: an append from now on requests another one
            sync = self._sync()
            is_open = sync is not None and sync()
            del sync
