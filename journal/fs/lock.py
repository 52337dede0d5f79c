"""The lock on a file: its holder keeps it until it closes the file, or its process dies.

A forked child shares the lock, and would keep it for as long as it lives: it closes its copy of
the descriptor at once. It never unlocks: that would unlock its parent's, too.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from typing import TYPE_CHECKING

import portalocker

from journal.process.fork import no_fork, register

if TYPE_CHECKING:
    from pathlib import Path

_EXCLUSIVE = portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING

Identity = tuple[int, int]
"""Device and inode, which distinguish a file from a later one at the same path."""


class _Locked:
    """Descriptors that were locked, and the files that they were open on.

    A descriptor that was closed may be open again on another file, so the files are compared. No
    entry is removed when a lock is released: a fork in that moment would miss the lock.
    """

    def __init__(self) -> None:
        self._files: dict[int, Identity] = {}
        register(self)

    def add(self, fd: int, file: Identity) -> None:
        """Note a descriptor, before it is locked."""
        self._files[fd] = file

    def after_fork_in_child(self) -> None:
        """Close the descriptors that the child inherited."""
        files, self._files = self._files, {}
        for fd, file in files.items():
            with contextlib.suppress(OSError):  # it was closed before
                if identity(os.fstat(fd)) == file:
                    os.close(fd)


_locked = _Locked()


def lock(fd: int) -> int | None:
    """Lock an open file exclusively, without waiting.

    Open it within the same `with no_fork.turn:`. A child that is forked between the two would
    inherit a descriptor that is not noted, and keep the lock for as long as it lives.

    Args:
        fd: its descriptor, which is closed unless it is returned.

    Returns:
        The descriptor; None if another opening of the file is locked.

    Raises:
        OSError: its file system has no locks.
    """
    is_locked = False
    try:
        is_locked = _try_lock(fd, os.fstat(fd))
    finally:
        if not is_locked:
            os.close(fd)
    return fd if is_locked else None


def lock_again(fd: int) -> bool:
    """Lock a file again that `unlock` released; return whether that succeeded.

    Raises:
        OSError: its file system has no locks.
    """
    return _try_lock(fd, os.fstat(fd))


def unlock(fd: int) -> None:
    """Release the lock on a file, and keep the file open.

    Only in the process that locked it: a child shares the lock of its parent.

    Raises:
        OSError: its file system refuses.
    """
    try:
        portalocker.unlock(fd)
    except portalocker.exceptions.LockException as error:
        raise OSError(errno.ENOLCK, f"{error}; the lock was not released") from error


def is_locked(path: str) -> bool:
    """Return whether another opening of a file is locked, in a fifth of the time of a try.

    It is for a process that locks the file itself if it is not locked: for a moment, others find
    the file locked. It is also False where the file cannot be opened or has no locks: who tries to
    lock it meets the error.
    """
    with no_fork.turn:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
        finally:
            os.close(fd)
    return False


def lock_folder(path: Path) -> int | None:
    """Lock a folder exclusively, without waiting; return its descriptor, None if it is locked.

    Raises:
        OSError: it cannot be opened, or its file system has no locks on folders, as NFS.
    """
    with no_fork.turn:
        return lock(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))


def holder(path: Path) -> int:
    """Return the id of the process that holds the lock on a file; 0 if it is not known.

    It is not known of a process of another machine or container, and on systems other than Linux.
    """
    try:
        status = path.lstat()
        # as bytes: each process that begins to wait would load a codec first
        with open("/proc/locks", "rb") as file:  # noqa: PTH123
            locks = [line.split() for line in file]
    except OSError:
        return 0
    device, inode = status.st_dev, status.st_ino
    place = f"{os.major(device):02x}:{os.minor(device):02x}:{inode}".encode()
    pids = [int(each[4]) for each in locks if each[1:2] == [b"FLOCK"] and each[5:6] == [place]]
    return max(pids, default=0)


def _try_lock(fd: int, status: os.stat_result) -> bool:
    _locked.add(fd, identity(status))
    try:
        portalocker.lock(fd, _EXCLUSIVE)
    except portalocker.exceptions.AlreadyLocked:
        return False
    except portalocker.exceptions.LockException as error:
        raise OSError(
            errno.ENOLCK, f"{error}; the journal needs a file system with locks"
        ) from error
    return True


def is_at(fd: int, path: Path) -> bool:
    """Return whether a locked file still is the one at its path.

    If it was removed or replaced, another process can lock the new file at the path. In a forked
    child the descriptor is closed: the answer is False.

    Raises:
        OSError: the file system refuses.
    """
    try:
        held = os.fstat(fd)
    except OSError as error:
        if error.errno == errno.EBADF:
            return False
        raise
    return has_identity(str(path), identity(held))


def identity(status: os.stat_result) -> Identity:
    """Return the device and inode of a file, given its status."""
    return status.st_dev, status.st_ino


def has_identity(path: str, file: Identity) -> bool:
    """Return whether the file at `path` is still `file`: not deleted, moved or replaced.

    Raises:
        OSError: the file system refuses.
    """
    try:
        status = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - each durable append calls it
        return identity(status) == file
    except (FileNotFoundError, NotADirectoryError):
        return False
