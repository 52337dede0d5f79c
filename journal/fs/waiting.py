"""Wait for the lock of a file that another process holds, up to a bound."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from random import uniform
from typing import TYPE_CHECKING

from journal.errors import JournalOpenError
from journal.fs import disk
from journal.fs.lock import holder, is_at, lock_again
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


class Patience:
    """The end of a wait for one holder of a lock: a crowd whose turns go on is no error.

    Who gets the lock gives its file a new time. Only where that is as before, the holder is looked
    at, too: it may be a program that leaves the time alone. To read `/proc/locks` stops all locks
    of the machine for milliseconds, and a hundred that wait would stop the one that they wait for.

    Args:
        path: the file.
        timeout: seconds to wait while one process has the lock.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._begin()

    def _begin(self) -> None:
        self._began = time.monotonic()
        self._turn = self._last_turn()
        self._holder: int | None = None

    def _last_turn(self) -> tuple[int, int]:
        """Return what is another if another process has got the lock."""
        try:
            status = self._path.lstat()
        except OSError:  # who tries to lock it meets the error
            return 0, 0
        return status.st_ino, status.st_mtime_ns

    def is_over(self) -> bool:
        """Return whether one process has had the lock for all of the time."""
        waited = time.monotonic() - self._began
        is_late = waited >= self._timeout
        if not is_late and (waited < self._timeout / 2 or self._holder is not None):
            return False
        if self._last_turn() != self._turn:
            self._begin()
            return False
        # elsewhere than on Linux it is not known; who looks late has only the time of the file
        before, self._holder = self._holder, holder(self._path)
        if before not in (None, self._holder):
            self._begin()
            return False
        return is_late


def note_turn(fd: int) -> None:
    """Show those that wait for a lock that another process has got it.

    Args:
        fd: descriptor of the locked file.
    """
    with suppress(OSError):  # they look at the holder then
        os.utime(fd)
