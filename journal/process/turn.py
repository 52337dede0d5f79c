"""A lock for an object that threads share, which a handler of its own holder cannot acquire.

A signal handler, a finalizer or a weakref's callback runs in any thread, between any two of its
steps. If that thread is in the middle of a call, the handler must neither wait for the end of the
call nor change the object meanwhile.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal.errors import Reentered

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turn:
    """Two locks, always acquired in this order, and only by `with`, which no interrupt can split.

    Attributes:
        lock: one thread at a time. The same thread may acquire it again.
        busy: held behind `lock` during a call. Code that has `lock` and finds `busy` held runs in a
            handler of the thread that holds it.
    """

    __slots__ = ("busy", "lock")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.busy = threading.Lock()

    @contextmanager
    def held(self, what: str) -> Iterator[None]:
        """Wait until no other thread has the turn, and hold it.

        Args:
            what: name of the shared object, for the error.

        Raises:
            Reentered: this thread has it; nothing was done.
        """
        with self.lock:
            if self.busy.locked():
                raise reentered(what)
            with self.busy:
                yield


def reentered(what: str) -> Reentered:
    """Return the error for a handler that runs in the middle of a call of its own thread."""
    return Reentered(
        f"this thread is in the middle of a call of {what}: a signal handler, finalizer or callback"
        " that runs meanwhile cannot use it, and nothing was done. Do it when that call has"
        " returned, in another thread, or with another handle"
    )
