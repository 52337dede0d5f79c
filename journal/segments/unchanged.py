"""Whether a folder still has the entries that were listed, without listing it again."""

from __future__ import annotations

from dataclasses import dataclass
from time import time_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

_SETTLED_NS = 20_000_000
"""Nanoseconds after which a folder's time of change differs from that of a later change: kernels
count in ticks of up to 10 ms, and two changes within one tick have the same time."""
_COARSE_NS = 2_500_000_000
"""The same on a file system that keeps whole seconds, or two of them."""


@dataclass(frozen=True, slots=True)
class FolderState:
    """What is known of a folder since it was listed.

    Two changes within one tick of the kernel give the folder the same times. So a listing is
    complete only if these times were seen well before it, or if the file system had given a later
    time to something else before it. The wall clock does not show that: it may be another one than
    that of the file system, and it may go back.

    Attributes:
        version: the folder's device, inode and times of change, read before it was listed.
        since: when these were seen first, by the monotonic clock, nanoseconds.
        is_final: whether the next change of an entry gives it another version.
    """

    version: tuple[int, ...] = ()
    since: int = 0
    is_final: bool = False

    def is_old(self, version: tuple[int, ...]) -> bool:
        """Return whether the folder, whose version is this now, must be listed again."""
        return not self.is_final or version != self.version

    def listed(
        self, version: tuple[int, ...], began: int, clock: FileSystemClock | None = None
    ) -> FolderState:
        """Return the state after the folder was listed again.

        Args:
            version: the folder's version, read before it was listed.
            began: when the listing began, by the monotonic clock, nanoseconds.
            clock: what was seen of the clock of its file system before it was listed.
        """
        since = self.since if version == self.version else began
        waited = began - since
        if clock is not None:
            waited = max(waited, clock.since(version))
        # a tool that copies sets the time of modification; the time of change is the kernel's
        return FolderState(version, since, is_enough(waited, version[-1]))


@dataclass(frozen=True, slots=True)
class FileSystemClock:
    """The latest time of change that was seen on a file system: its clock has passed it.

    Attributes:
        device: the device that the file system is on.
        passed: that time, nanoseconds.
    """

    device: int = 0
    passed: int = 0

    def seen(self, version: tuple[int, ...]) -> FileSystemClock:
        """Return it with the time of change of a folder; of another file system only that time."""
        if version[0] == self.device and version[-1] <= self.passed:
            return self
        return FileSystemClock(version[0], version[-1])

    def since(self, version: tuple[int, ...]) -> int:
        """Return how long the clock has gone on since a folder was changed, in nanoseconds.

        It is 0 if that is not known: if the folder is on another file system, or if the clock may
        have gone back, so that it comes to that time again.
        """
        is_known = version[0] == self.device and self.passed <= time_ns()
        return self.passed - version[-1] if is_known else 0


def is_enough(waited: int, changed: int) -> bool:
    """Return whether a change that comes now gets another time than the last one has.

    Args:
        waited: how long the clock of the file system has gone on since, nanoseconds.
        changed: the time of the last change, nanoseconds.
    """
    return waited > (_SETTLED_NS if changed % 1_000_000_000 else _COARSE_NS)


def folder_version(status: os.stat_result) -> tuple[int, ...]:
    """Return what changes when an entry of a folder is made, removed, renamed or replaced."""
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns
