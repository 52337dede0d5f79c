"""A segment open for appending, and its header."""

from __future__ import annotations

import contextlib
import os
import platform
from typing import TYPE_CHECKING

from journal.format.record import FORMAT, Header, encode_header
from journal.fs import disk
from journal.fs.lock import has_identity, identity
from journal.process.boot import boot_id
from journal.process.ids import uuid7
from journal.segments.segment import read_header, segment_name, segment_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class SegmentFile:
    """A segment open for appending; only the process that holds the lane has one.

    Attributes:
        number: the segment's number.
        size: bytes written and complete.
        uuid: the segment's uuid; empty if its header cannot be read.
    """

    __slots__ = ("_fd", "_identity", "_name", "_pid", "_writing", "number", "path", "size", "uuid")

    def __init__(self, path: Path, number: int, size: int, fd: int, uuid: str) -> None:
        self.path = path
        self.number = number
        self.size = size
        self.uuid = uuid
        self._fd = fd
        self._name = str(path)
        self._pid = os.getpid()
        self._writing = b""
        self._identity = identity(os.fstat(fd))

    @classmethod
    def create(cls, lane: Path, number: int) -> SegmentFile:
        """Make a lane's n-th segment, empty.

        Raises:
            OSError: the file system refuses, or the segment exists.
        """
        path = lane / segment_name(number)
        fd = disk.in_use.create(path)
        try:
            disk.in_use.fchmod(fd, 0o600)  # a strict umask may have cleared bits
            return cls(path, number, 0, fd, uuid7())
        except BaseException:
            os.close(fd)
            with contextlib.suppress(OSError):  # the next lessee of the lane removes it
                disk.in_use.unlink(path)
            raise

    @classmethod
    def reopen(cls, lane: Path, number: int, size: int) -> SegmentFile:
        """Open a segment for appending that ends in a complete record.

        Raises:
            OSError: the file system refuses.
        """
        path = lane / segment_name(number)
        fd = disk.in_use.open_append(path)
        try:
            header = read_header(path)
            return cls(path, number, size, fd, header.segment if header else "")
        except BaseException:
            os.close(fd)
            raise

    def header_line(self, lane: str, folder: int, seq: int, started: int) -> bytes:
        """Return the first line of the segment, which this process begins.

        Args:
            lane: uuid of the lane.
            folder: number of the lane's folder; 0 if no writer may continue there under this uuid.
            seq: sequence number of the segment's first event.
            started: when it is begun, microseconds since 1970.
        """
        header = Header(
            format=FORMAT,
            segment=self.uuid,
            lane=lane,
            folder=folder,
            seq=seq,
            host=platform.node(),
            boot=boot_id(),
            pid=os.getpid(),
            started=started,
            inode=self._identity[1] if folder else 0,  # it distinguishes the file from a copy
        )
        return encode_header(header)

    def write(self, data: bytes) -> None:
        """Append whole records in a single system call.

        Raises:
            OSError: the file system refused; part of `data` may be in the file, so
                nothing may be written behind it.
        """
        self._writing = data
        done = disk.in_use.write(self._fd, data)
        if done < len(data):
            disk.write_rest(self._fd, data, done)
        self.size += len(data)
        self._writing = b""

    def cut(self) -> int:
        """Remove the unfinished line that a write left which failed or was interrupted.

        The whole records before it stay: readers may have read them. A header alone is removed, so
        that the file is empty.

        Returns:
            The bytes that the file has now.

        Raises:
            OSError: the file system refuses; the line is still there.
        """
        length, data = self.length(), self._writing
        written = length - self.size
        # in a forked child a thread of the parent may be in the middle of the write
        if not 0 < written < len(data) or self._pid != os.getpid():
            return length
        whole = data.rfind(b"\n", 0, written) + 1
        if not self.size and data.find(b"\n", 0, whole) == whole - 1:
            whole = 0
        if whole < written:
            disk.in_use.cut(self._fd, self.size + whole)
        return self.size + whole

    def remove(self) -> None:
        """Remove the file, which is empty, if it is still at its path; a forked child does not.

        Raises:
            OSError: the file system refuses.
        """
        if self._pid == os.getpid() and self.is_there():
            disk.in_use.unlink(self.path)

    def length(self) -> int:
        """Return the bytes that the file has, complete or not.

        Raises:
            OSError: the file system refuses.
        """
        return os.fstat(self._fd).st_size

    def sync(self) -> None:
        """Make what was written durable.

        Raises:
            OSError: the disk refused; what it holds is unknown from here on.
        """
        disk.in_use.fdatasync(self._fd)

    def is_there(self) -> bool:
        """Return whether the file is still at the path where it was opened.

        Raises:
            OSError: the file system refuses.
        """
        return has_identity(self._name, self._identity)

    def is_superseded(self) -> bool:
        """Return whether an eraser has replaced the file by one with the same records.

        That one is durable: it was synced before it got the name. Where segments were joined, it
        has the name of one before this.

        Raises:
            OSError: the file system refuses.
        """
        lane = self.path.parent
        for number in reversed(segment_numbers(lane)):
            if number <= self.number:
                # an eraser may remove the file of a joined segment meanwhile
                with contextlib.suppress(FileNotFoundError):
                    there = read_header(lane / segment_name(number))
                    if there is not None and self.uuid in there.supersedes:
                        return True
        return False

    def close(self) -> None:
        """Close the file; closing again does nothing.

        Raises:
            OSError: some file systems report only now that they lost what was not synced.
        """
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def close_all(files: Iterable[SegmentFile]) -> OSError | None:
    """Close each of the files; return the first error."""
    first = None
    for file in files:
        try:
            file.close()
        except OSError as error:
            first = first or error
    return first
