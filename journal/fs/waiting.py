"""Wait for the lock of a file that another process holds, up to a bound."""

from __future__ import annotations

import errno
import os
import time
from random import uniform
from typing import TYPE_CHECKING

from journal.errors import JournalOpenError
from journal.fs import disk
from journal.fs.lock import is_at, lock
from journal.fs.ownership import refusal
from journal.process.fork import no_fork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SHORTEST, _LONGEST = 0.001, 0.02
"""Seconds between two tries, chosen at random: waiting processes must not wake together."""


def lock_file(path: Path, timeout: float) -> int | None:
    """Lock a file, made where there is none, and wait for its present holder.

    Args:
        path: the file.
        timeout: seconds to wait.

    Returns:
        Its descriptor; None if another process held the lock all that time.

    Raises:
        JournalOpenError: the file cannot be opened or locked.
    """
    return wait_for(lambda: try_lock(path), timeout)


def wait_for(attempt: Callable[[], int | None], timeout: float) -> int | None:
    """Try until a lock is acquired; return its descriptor, None if the time is over before.

    Args:
        attempt: returns the descriptor, or None if another process holds the lock.
        timeout: seconds to wait.
    """
    until = time.monotonic() + timeout
    pause = _SHORTEST
    while (fd := attempt()) is None and time.monotonic() < until:
        time.sleep(uniform(pause / 2, pause))  # noqa: S311 - no secret
        pause = min(pause * 2, _LONGEST)
    return fd


def try_lock(path: Path) -> int | None:
    """Lock a file, made where there is none, without waiting.

    Returns:
        Its descriptor; None if another process holds the lock.

    Raises:
        JournalOpenError: the file cannot be opened or locked.
    """
    try:
        with no_fork.turn:
            fd = lock(disk.in_use.open_lock(path))
        if fd is None or is_at(fd, path):
            return fd
        os.close(fd)  # removed after it was opened: the next try makes a new file
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise JournalOpenError(f"{path.parent} is gone") from error
        raise JournalOpenError(f"cannot lock {path}: {refusal(path, error)}") from error
    return None
