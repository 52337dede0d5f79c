"""Close what is still open when the process ends."""

from __future__ import annotations

import atexit
import contextlib
import weakref
from typing import Protocol


class Closing(Protocol):
    """What can be closed, any number of times."""

    def close(self) -> None:
        """Close it."""


_open: weakref.WeakSet[Closing] = weakref.WeakSet()


def close_at_end(opened: Closing) -> None:
    """Close an object when the process ends, if it is still there."""
    _open.add(opened)


def _close_all() -> None:
    with contextlib.ExitStack() as stack:  # an error of one must not keep the others open
        for each in list(_open):
            stack.callback(each.close)


atexit.register(_close_all)
