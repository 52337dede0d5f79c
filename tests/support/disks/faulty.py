"""A disk that counts its calls, and fails when a test says so."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from journal.fs import disk
from journal.fs.disk import Disk
from tests.support.journals import is_segment

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def _nothing() -> None:
    pass


class FaultyDisk(Disk):
    """Replaces the disk in use. Nothing is really synced.

    Attributes:
        syncs: number of syncs of segments.
        folders: the folders that were synced, in order.
        refusals: syncs of segments that are to fail.
        in_sync: called in the middle of each sync of a segment.
        in_write: called in the middle of each write to a segment, before its bytes are written.
    """

    def __init__(self) -> None:
        self.syncs = 0
        self.folders: list[Path] = []
        self._synced: dict[int, int] = {}
        self._unnamed: dict[Path, set[int]] = {}
        self._refused: set[int] = set()
        self.refusals = 0
        self.in_sync: Callable[[], None] = _nothing
        self.in_write: Callable[[], None] = _nothing

    def create(self, path: Path) -> int:
        """Make a file, whose name is durable once its folder is synced."""
        fd = super().create(path)
        self._unnamed.setdefault(path.parent, set()).add(os.fstat(fd).st_ino)
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write; in the middle of it, call the test's `in_write`."""
        if is_segment(fd):
            self.in_write()
        return super().write(fd, data)

    def fdatasync(self, fd: int) -> None:
        """Sync a segment, or raise an error while refusals are left."""
        assert is_segment(fd)
        self.syncs += 1
        status = os.fstat(fd)
        self.in_sync()
        if self.refusals:
            self.refusals -= 1
            self._refused.add(status.st_ino)
            raise OSError(errno.EIO, "Input/output error")
        # after an error the kernel may have dropped the pages, and a later sync succeeds all the
        # same
        if status.st_ino not in self._refused:
            self._synced[status.st_ino] = status.st_size

    def fsync(self, fd: int) -> None:
        """Record a folder that is synced."""
        path = Path(f"/proc/self/fd/{fd}").readlink()
        if path.is_dir():
            self.folders.append(path)
            self._unnamed.pop(path, None)

    def durable_bytes(self, path: Path) -> int:
        """Return how many bytes of a file survive a power loss, and 0 if its name does not."""
        inode = path.stat().st_ino
        unnamed = inode in self._unnamed.get(path.parent, ())
        return 0 if unnamed else self._synced.get(inode, 0)


def once(disk_in_use: FaultyDisk, hook: str, action: Callable[[], None]) -> None:
    """Set `in_sync` or `in_write` of a disk to an action for the next call only."""

    def act() -> None:
        setattr(disk_in_use, hook, _nothing)
        action()

    setattr(disk_in_use, hook, act)


def faulty_disk(monkeypatch: pytest.MonkeyPatch) -> FaultyDisk:
    """Use a disk whose syncs a test can let fail."""
    faulty = FaultyDisk()
    monkeypatch.setattr(disk, "in_use", faulty)
    return faulty
