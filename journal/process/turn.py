"""A turn at what threads share, which knows whether this thread has it already.

A signal handler, a finalizer or a weakref's callback runs in whatever thread it meets, between any
two steps of it. If that thread is in the middle of a call, its handler must neither wait for the
call to end nor change things under it.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal.errors import Reentered

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turn:
    """Two locks, always taken in this order, and by `with` alone: no interrupt comes in between.

    Attributes:
        lock: one thread at a time. The same thread may take it again.
        busy: held behind `lock` during a call. Code that has `lock` and finds `busy` held runs in a
            handler of the thread that holds it.
    """

    __slots__ = ("busy", "lock")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.busy = threading.Lock()

    @contextmanager
    def taken(self, what: str) -> Iterator[None]:
        """Wait for the turn, and have it.

        Args:
            what: names the thing that is shared.

        Raises:
            Reentered: this thread has it; nothing was done.
        """
        with self.lock:
            if self.busy.locked():
                raise reentered(what)
            with self.busy:
                yield


def reentered(what: str) -> Reentered:
    """Return the error for a handler that meets its own thread in the middle of a call."""
    return Reentered(
        f"this thread is in the middle of a call of {what}: a signal handler, finalizer or callback"
        " that runs meanwhile cannot use it, and nothing was done. Do it when that call has"
        " returned, in another thread, or with another handle"
    )
