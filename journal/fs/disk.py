"""The operations that change files: all writes of the write side.

They all go through the one `Disk` in use, so that a test can put a recorder in its place: what a
power loss may leave behind is computed from the record (`tests/torture/steps/crash_states.py`).
Reading, locking and closing change nothing and are not among them.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from journal.fs.ownership import check_file

if TYPE_CHECKING:
    from pathlib import Path

_MODE = 0o600
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW
_APPEND = os.O_WRONLY | os.O_APPEND | _FLAGS


class Disk:
    """Passes each operation to the operating system unchanged.

    Every method raises OSError where the file system refuses.
    """

    __slots__ = ()

    def make_folder(self, path: Path) -> None:
        """Make one folder; the umask may clear bits of 0700."""
        path.mkdir(0o700)

    def create(self, path: Path) -> int:
        """Make a file that must not exist, and return its descriptor, for appending."""
        return os.open(path, _APPEND | os.O_CREAT | os.O_EXCL, _MODE)

    def open_append(self, path: Path) -> int:
        """Open a file that exists for appending."""
        return os.open(path, _APPEND | os.O_NONBLOCK)

    def open_lock(self, path: Path) -> int:
        """Open a lock file for reading and writing, making it where there is none."""
        return open_lock_file(path)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Append bytes in one system call; return how many were written."""
        return os.write(fd, data)

    def cut(self, fd: int, size: int) -> None:
        """Remove what a file has behind its first bytes; it needs no space on the disk."""
        os.ftruncate(fd, size)

    def fdatasync(self, fd: int) -> None:
        """Make a file's bytes, and the size that they need, durable."""
        os.fdatasync(fd)

    def fsync(self, fd: int) -> None:
        """Make a file, or the entries of a folder, durable."""
        os.fsync(fd)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name, which must not exist yet."""
        target.hardlink_to(source)

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file; it replaces a file that has the new name."""
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a file's name."""
        path.unlink()

    def chmod(self, path: Path, mode: int) -> None:
        """Set the permissions of a file or folder by its name."""
        path.chmod(mode)

    def fchmod(self, fd: int, mode: int) -> None:
        """Set the permissions of an open file."""
        os.fchmod(fd, mode)


in_use = Disk()
"""The disk of this process. It is read at each operation, so a test can replace it."""


def write_rest(fd: int, data: bytes | memoryview, done: int = 0) -> None:
    """Append what is left of `data` behind its first `done` bytes.

    Raises:
        OSError: the file system refused; the first bytes of `data` may be in the file.
    """
    # after a short write, the next write raises the error that caused it
    while done < len(data):
        done += in_use.write(fd, memoryview(data)[done:])


def open_lock_file(path: Path) -> int:
    """Open a lock file for reading and writing, making it, 0600, where there is none.

    Raises:
        Untrusted: the file was made by another user, or others may write to it.
        OSError: the file system refuses, or the path is no regular file.
    """
    # to open a device could do something; a pipe opens for reading and writing at once
    flags = os.O_RDWR | os.O_NONBLOCK | _FLAGS
    try:
        # with O_CREAT, open(2) locks the folder of a file that is there, too (Linux before 6.12)
        fd = os.open(path, flags)
    except FileNotFoundError:
        fd = os.open(path, flags | os.O_CREAT, _MODE)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise FileExistsError(errno.EEXIST, "the lock is no regular file")
        check_file(path, status)
        if stat.S_IMODE(status.st_mode) != _MODE:
            os.fchmod(fd, _MODE)  # a strict umask cleared bits: it could not be opened again
    except OSError:
        os.close(fd)
        raise
    return fd
