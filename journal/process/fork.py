"""One registry of the objects that a forked child must release.

A lock by flock(2) belongs to parent and child together until both have closed it, a lock of a
thread that is not in the child is never released there, and two processes must not write to one
segment. So each object that holds such a thing is registered: its `after_fork_in_child` runs in
every child, also in one that does not use the journal.
"""

from __future__ import annotations

# Before a fork, handlers run in the reverse order of their registration, and that of logging takes
# its lock. It must run after ours: ours waits for a late import in another thread, which may make a
# logger.
import logging  # noqa: F401
import os
import threading
import weakref
from typing import Protocol


class Forkable(Protocol):
    """An object that holds something which a child must not share."""

    def after_fork_in_child(self) -> None:
        """Release it without waiting: a lock of another thread is never released in the child."""


_registered: weakref.WeakSet[Forkable] = weakref.WeakSet()
_depth = 0


class _Gate:
    """Keeps this process from being forked for a few system calls.

    Attributes:
        turn: `with no_fork.turn:` no fork begins. A signal handler can acquire it again. Late
            imports happen within it: a child that is forked while another thread imports a module
            would wait for ever for that thread, which it does not have.
    """

    def __init__(self) -> None:
        self.turn = threading.RLock()

    def before_fork(self) -> None:
        """Wait until no thread keeps the process from being forked."""
        self.turn.acquire()

    def after_fork(self) -> None:
        """Allow forks again, in the parent."""
        self.turn.release()

    def after_fork_in_child(self) -> None:
        """Forget the parent's threads."""
        self.turn = threading.RLock()


no_fork = _Gate()


def register(forkable: Forkable) -> None:
    """Register an object: every child that is forked calls its `after_fork_in_child`."""
    _registered.add(forkable)


def depth() -> int:
    """Return how many forks lie between this process and the one that began it.

    An object that was made at another depth belongs to an ancestor.
    """
    return _depth


def _release_in_child() -> None:
    global _depth  # noqa: PLW0603 - one number a process
    _depth += 1
    no_fork.after_fork_in_child()
    errors: list[Exception] = []
    for forkable in list(_registered):
        try:
            forkable.after_fork_in_child()
        except Exception as error:  # noqa: BLE001 - an error of one must not keep the others from releasing
            errors.append(error)
    if errors:
        raise ExceptionGroup("a forked child keeps what belongs to its parent", errors)


os.register_at_fork(
    before=no_fork.before_fork, after_in_parent=no_fork.after_fork, after_in_child=_release_in_child
)
