"""A lane: a folder that one process holds at a time, by a lock on its lock file."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.errors import LeaseError
from journal.format.record import FORMAT, MAX_SEQ
from journal.fs import disk
from journal.fs.lock import has_identity, identity, lock
from journal.process.boot import boot_id
from journal.process.fork import no_fork
from journal.process.ids import uuid7
from journal.segments.segment import (
    ROLL_SIZE,
    Tail,
    read_end,
    read_tail,
    segment_name,
    segment_numbers,
)

if TYPE_CHECKING:
    from pathlib import Path

    from journal.format.record import Header

LOCK = "lock"
_LOOKS = 10
"""Listings of a lane's segments, each because one of them was gone, before that is an error."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where a new lessee continues.

    Attributes:
        lane: uuid of the lane.
        seq: sequence number of the next event.
        time: time of the last event, microseconds.
        order: the highest order of an event; later ones must have higher ones.
        folder: number of the lane's folder; 0 if it has none.
        number: number of the highest segment, 0 if there is none.
        size: its size in bytes if it may be continued, else None: start the next one.
    """

    lane: str
    seq: int
    time: int
    order: int
    folder: int
    number: int
    size: int | None


class Lane:
    """A leased lane. The kernel frees the lease when the process dies, however it dies."""

    __slots__ = ("_fd", "_identity", "_lock", "path")

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._lock = str(path / LOCK)
        self._fd = fd
        self._identity = identity(os.fstat(fd))

    def is_there(self) -> bool:
        """Return whether the lock file of the lease is still at its path.

        Raises:
            OSError: the file system refuses.
        """
        return has_identity(self._lock, self._identity)

    def release(self) -> None:
        """End the lease; again does nothing.

        The descriptor is closed and never unlocked: after a fork the lock is shared, and
        unlocking in the child would free the parent's lane.
        """
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):  # nothing was written by it, and it is closed
                os.close(fd)

    def continuation(self) -> Continuation:
        """Find where the lane's last lessee stopped.

        Raises:
            LeaseError: the lane's segments cannot be read.
        """
        try:
            return find_continuation(self.path)
        except OSError as error:
            raise LeaseError(
                f"cannot read the segments of lane {self.path}: {error.strerror or error}"
            ) from error


def try_lease(path: Path) -> Lane | None:
    """Lease one lane; None if another process holds it.

    Raises:
        OSError: the lane cannot be used, or the file system has no locks.
    """
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    with no_fork.turn:
        fd = lock(disk.in_use.open_lock(path / LOCK))
    if fd is None:
        return None
    try:
        return Lane(path, fd)
    except BaseException:
        os.close(fd)
        raise


def find_continuation(path: Path) -> Continuation:
    """Find where the last lessee of a lane stopped.

    Raises:
        OSError: the lane's segments cannot be read.
    """
    for _ in range(_LOOKS):
        # compaction may remove the file of a joined segment between two looks
        with contextlib.suppress(FileNotFoundError):
            return _find_continuation(path)
    return _find_continuation(path)


def _find_continuation(path: Path) -> Continuation:
    numbers = segment_numbers(path)
    highest = numbers[-1] if numbers else 0
    folder = int(path.name) if path.name.isascii() and path.name.isdigit() else 0
    for number in reversed(numbers):
        tail = read_tail(path / segment_name(number))
        if tail is None:
            continue
        earlier = numbers[: numbers.index(number)]
        seq, order = _behind_overlap(path, earlier, tail)
        # a writer of version 1 orders by its clock, whatever the orders before it
        if (
            tail.header is not None
            and tail.header.format < FORMAT
            and (end := read_end(path, earlier))
        ):
            order = max(order, end.order)
        inode = os.lstat(path / segment_name(number)).st_ino
        if tail.header is None or not _continues(tail.header, folder, inode, seq):
            return Continuation(uuid7(), 1, tail.time, order, folder, highest, None)
        may_grow = number == highest and tail.whole and tail.size < ROLL_SIZE and seq == tail.seq
        size = tail.size if may_grow else None
        return Continuation(tail.header.lane, seq, tail.time, order, folder, highest, size)
    return Continuation(uuid7(), 1, 0, 0, folder, highest, None)


def _continues(header: Header, folder: int, inode: int, seq: int) -> bool:
    """Return whether a lessee continues under the lane's uuid; else it begins a new lane.

    A number must never be assigned twice under one uuid. A folder that was copied, moved or
    restored from a backup has its original's uuid; after a power loss, other processes may have
    read numbers that are lost. A segment that an eraser rewrote has no inode: a copy of it could
    not be distinguished from it.
    """
    return (
        header.format == FORMAT
        and header.folder == folder
        and header.boot == boot_id()
        and header.inode == inode
        and seq <= MAX_SEQ
    )


def _behind_overlap(path: Path, earlier: list[int], tail: Tail) -> tuple[int, int]:
    """Return the next number and the highest order, also after a failed sync.

    A segment that writes records again may stop before the last of them: the segments that it
    overlaps with have higher numbers, and none of them may be assigned twice.
    """
    seq, order, header = tail.seq, tail.order, tail.header
    for number in reversed(earlier):
        before = read_tail(path / segment_name(number))
        if before is None:
            continue
        if header is not None and before.header is not None and before.header.lane != header.lane:
            return seq, max(order, before.order)
        seq, order = max(seq, before.seq), max(order, before.order)
        # a segment of which only the header is left may have been meant for the same records
        bare = before.header is not None and before.seq == before.header.seq
        if header is not None and before.seq <= header.seq and not bare:
            break
        header = before.header
    return seq, order
