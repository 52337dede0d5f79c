"""What a forked child lets go of: one registry of everything that it must not share.

A lock by flock(2) belongs to parent and child together until both have closed it, a lock of a
thread that is not in the child is never released there, and two processes must not write to one
segment. So whatever holds such a thing follows forks: its `after_fork_in_child` runs in every
child, also in one that has nothing to do with the journal.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Follower(Protocol):
    """Holds what must not be shared with a child."""

    def after_fork_in_child(self) -> None:
        """Let go of it without waiting: other threads are gone, with the locks that they held."""


_followers: weakref.WeakSet[Follower] = weakref.WeakSet()
_depth = 0


def follow(follower: Follower) -> None:
    """Have `after_fork_in_child` called in every child that is forked while the object lives."""
    _followers.add(follower)


def depth() -> int:
    """Return how many forks lie between this process and the one that began it.

    What is remembered with another depth than this belongs to an ancestor.
    """
    return _depth


def _let_go() -> None:
    global _depth  # noqa: PLW0603 - one number a process
    _depth += 1
    for follower in list(_followers):
        follower.after_fork_in_child()


os.register_at_fork(after_in_child=_let_go)
