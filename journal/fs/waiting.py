"""Wait for the lock of a file that another process holds, up to a bound."""

from __future__ import annotations

import errno
import os
import time
from random import uniform
from typing import TYPE_CHECKING

from journal.errors import JournalOpenError
from journal.fs import disk
from journal.fs.lock import is_at, lock_again
from journal.fs.ownership import refusal
from journal.process.fork import no_fork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SHORTEST, _LONGEST = 0.001, 0.02
"""Seconds between two tries, chosen at random: waiting processes must not wake together."""
_REOPENED = 16
"""Tries after which a file is opened again."""


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
    file = LockFile(path)
    try:
        return file.attempt()
    finally:
        file.close()


class LockFile:
    """A file that is tried to be locked again and again, and stays open between two tries."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._tries = 0

    def attempt(self) -> int | None:
        """Lock the file, made where there is none, without waiting.

        Returns:
            Its descriptor, which the caller closes; None if another process holds the lock.

        Raises:
            JournalOpenError: the file cannot be opened or locked.
        """
        self._tries += 1
        if self._tries % _REOPENED == 0:
            self.close()  # another file may be at the path
        try:
            return self._attempt()
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise JournalOpenError(f"{self._path.parent} is gone") from error
            reason = refusal(self._path, error)
            raise JournalOpenError(f"cannot lock {self._path}: {reason}") from error

    def _attempt(self) -> int | None:
        if self._fd < 0:
            # a child that is forked before the first try would inherit a descriptor not noted
            with no_fork.turn:
                self._fd = disk.in_use.open_lock(self._path)
                is_locked = lock_again(self._fd)
        else:
            is_locked = lock_again(self._fd)
        if not is_locked:
            return None
        if not is_at(self._fd, self._path):
            self.close()  # removed after it was opened: the next try makes a new file
            return None
        fd, self._fd = self._fd, -1
        return fd

    def close(self) -> None:
        """Close the file, unless its lock was acquired; again does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
