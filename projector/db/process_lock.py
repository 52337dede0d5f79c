"""A lock that one process at a time holds; the kernel frees the lock of a process that died."""

from __future__ import annotations

import os
import platform
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import orjson

from journal.fs import disk
from journal.fs.lock import is_at, lock, lock_again, unlock
from journal.fs.ownership import open_own, read_own
from journal.process.fork import no_fork, register
from projector.errors import ProjectionError, ProjectorBusy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST = 4096
"""Bytes of a lock file that are read."""


class ProcessLock:
    """A lock file that one process at a time holds; that of a process that died is free."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._is_held = False
        register(self)

    def after_fork_in_child(self) -> None:
        """Hold nothing: the lock belongs to the parent, and its file was closed here."""
        self._fd, self._is_held = -1, False

    def __del__(self) -> None:
        """Close the file of a lock that was not released."""
        self.release()

    def acquire(self, timeout: float = 0.0) -> bool:
        """Acquire the lock; return whether this process holds it.

        Args:
            timeout: seconds to try again where another process holds it. `is_locked` in another
                process holds it for an instant.

        Raises:
            ProjectionError: the lock file cannot be used.
        """
        if self.is_held():
            return True
        if not self.is_open():
            self.release()
        until = time.monotonic() + timeout
        while (fd := self._try()) is None:
            if time.monotonic() >= until:
                return False
            time.sleep(0.01)
        self._fd, self._is_held = fd, True
        try:
            self._sign(fd)
        except OSError as error:
            self.release()
            raise ProjectionError(
                f"cannot write {self._path}: {error.strerror or error}"
            ) from error
        except BaseException:
            self.release()
            raise
        return True

    @contextmanager
    def held(self, timeout: float = 0.0) -> Iterator[None]:
        """Hold the lock; `timeout` as for `acquire`.

        Raises:
            ProjectorBusy: another process holds it.
            ProjectionError: the lock file cannot be used.
        """
        if not self.acquire(timeout):
            raise self.busy()
        try:
            yield
        finally:
            self.release()

    @staticmethod
    def _sign(fd: int) -> None:
        """Write to the lock file which process holds it."""
        who = {"pid": os.getpid(), "host": platform.node(), "since": time.time_ns() // 1000}
        os.ftruncate(fd, 0)
        os.pwrite(fd, orjson.dumps(who) + b"\n", 0)

    def _try(self) -> int | None:
        """Lock the file and return its descriptor; None if another process holds it."""
        try:
            if self._fd >= 0:
                return self._fd if lock_again(self._fd) else None
            with no_fork.turn:
                fd = lock(disk.open_lock_file(self._path))
            if fd is not None and not is_at(fd, self._path):
                os.close(fd)  # removed since it was opened: another process may hold the new file
                return None
        except OSError as error:
            raise ProjectionError(f"cannot lock {self._path}: {error.strerror or error}") from error
        return fd

    def is_held(self) -> bool:
        """Return whether this process holds the lock; if the file was removed, another may hold it.

        Raises:
            ProjectionError: the file system refuses.
        """
        return self._is_held and self.is_open()

    def is_open(self) -> bool:
        """Return whether the lock file is open, and still the file at its path.

        Raises:
            ProjectionError: the file system refuses.
        """
        try:
            return self._fd >= 0 and is_at(self._fd, self._path)
        except OSError as error:
            raise ProjectionError(
                f"cannot look at {self._path}: {error.strerror or error}"
            ) from error

    def check(self) -> None:
        """Raise an error unless this process holds the lock.

        Raises:
            ProjectorBusy: the lock file was removed or replaced, and another may be the one.
        """
        if not self.is_held():
            raise ProjectorBusy(
                f"{self._path} was removed or replaced while it was held: another process may be at"
                " work; try again"
            )

    def release(self) -> None:
        """Release the lock and close its file; again does nothing."""
        fd, self._fd, self._is_held = self._fd, -1, False
        if fd >= 0:
            os.close(fd)

    def unlock(self) -> None:
        """Release the lock and keep its file open for the next time; again does nothing."""
        if self._is_held:
            self._is_held = False
            try:
                unlock(self._fd)
            except OSError:
                # closing the file releases the lock; if it were kept, no other projector could run
                self.release()

    def is_locked(self) -> bool:
        """Return whether a process holds the lock, this one included."""
        if self._is_held:
            return True
        try:
            # opened for reading: the journal may be on a read-only medium
            with no_fork.turn:
                fd = lock(open_own(self._path))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ProjectionError(f"cannot lock {self._path}: {error.strerror or error}") from error
        if fd is None:
            return True
        os.close(fd)
        return False

    def busy(self) -> ProjectorBusy:
        """Return the error that names the process which holds the lock."""
        try:
            who = orjson.loads(read_own(self._path, _MOST))
            name = f"process {who['pid']} on {who['host']}"
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
            name = "another process"
        return ProjectorBusy(
            f"{name} holds {self._path}: a journal has one projector at a time, and one build"
        )
