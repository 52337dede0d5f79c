"""A segment: one JSONL file of a lane, and how its last writer left it."""

from __future__ import annotations

import os
import platform
import stat
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from journal import disk
from journal.ids import uuid7
from journal.record import (
    FORMAT,
    MAX_RECORD,
    DamagedRecord,
    Header,
    Record,
    decode,
    encode_header,
)
from journal.scan import Damage, scan

if TYPE_CHECKING:
    from collections.abc import Iterable

ROLL_SIZE = 32 * 1024 * 1024
"""Bytes at which a segment is final and its lane goes on in the next one."""

LAST_NUMBER = 10**12 - 1
"""The highest number of a segment: a lane in which it stands has no room for another."""

_SUFFIX = ".jsonl"
_DIGITS = 12
_BLOCK = 64 * 1024


def segment_name(number: int) -> str:
    """Return the file name of a lane's n-th segment."""
    return f"{number:06d}{_SUFFIX}"


def segment_number(name: str) -> int | None:
    """Return the number in a segment's file name; None for any other name."""
    stem, dot, suffix = name.partition(".")
    if f"{dot}{suffix}" != _SUFFIX or not stem.isascii() or not stem.isdigit():
        return None
    if len(stem) > _DIGITS:  # what stands in no database's integer is no position
        return None
    number = int(stem)
    # `1.jsonl` beside `000001.jsonl` would be two files for one number
    return number if name == segment_name(number) else None


def segment_numbers(lane: Path) -> list[int]:
    """List the numbers of a lane's segments, lowest first."""
    return sorted(n for name in os.listdir(lane) if (n := segment_number(name)) is not None)


def open_segment(path: Path) -> FileIO:
    """Open a segment for reading, never through a link.

    Raises:
        OSError: the file system refuses.
    """
    # a pipe in the place of a segment would keep the opener waiting for ever
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    return FileIO(os.open(path, flags), "rb")


def is_segment(path: Path) -> bool:
    """Say whether a regular file stands there: nothing else is read.

    Raises:
        OSError: the file system does not say.
    """
    return stat.S_ISREG(path.lstat().st_mode)


def header_line(lane: str, seq: int, started: int) -> bytes:
    """Return the first line of a segment that this process begins.

    Args:
        lane: uuid of the lane.
        seq: sequence number of the segment's first event.
        started: when it is begun, microseconds since 1970.
    """
    header = Header(
        format=FORMAT,
        segment=uuid7(),
        lane=lane,
        seq=seq,
        host=platform.node(),
        boot=_boot_id(),
        pid=os.getpid(),
        started=started,
    )
    return encode_header(header)


def _boot_id() -> str:
    """Name the running of the machine; empty where the kernel does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def read_lane_uuid(lane: Path) -> str | None:
    """Return the lane's uuid from the newest readable header; None if there is none.

    Raises:
        OSError: a segment cannot be read.
    """
    for number in reversed(segment_numbers(lane)):
        path = lane / segment_name(number)
        if not is_segment(path):
            continue
        with open_segment(path) as file:
            header = _read_header(file.fileno())
        if header is not None:
            return header.lane
    return None


def identity(status: os.stat_result) -> tuple[int, int]:
    """Return what tells an open file from another one at the same path."""
    return status.st_dev, status.st_ino


def stands_at(path: str, file: tuple[int, int]) -> bool:
    """Say whether a file is the one at `path`: not deleted, moved or replaced.

    Raises:
        OSError: the file system does not say.
    """
    try:
        status = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - each durable append asks
        return identity(status) == file
    except (FileNotFoundError, NotADirectoryError):
        return False


class SegmentFile:
    """A segment open for appending; only the process that holds the lane has one.

    Attributes:
        number: the segment's number.
        size: bytes written and complete.
    """

    __slots__ = ("_fd", "_identity", "_name", "number", "path", "size")

    def __init__(self, path: Path, number: int, size: int, fd: int) -> None:
        self.path = path
        self.number = number
        self.size = size
        self._fd = fd
        self._name = str(path)
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
            disk.in_use.fchmod(fd, 0o600)  # a strict umask may have taken bits away
            return cls(path, number, 0, fd)
        except OSError:
            os.close(fd)
            raise

    @classmethod
    def reopen(cls, lane: Path, number: int, size: int) -> SegmentFile:
        """Go on in a segment that ends in a whole record.

        Raises:
            OSError: the file system refuses.
        """
        path = lane / segment_name(number)
        fd = disk.in_use.open_append(path)
        try:
            return cls(path, number, size, fd)
        except OSError:
            os.close(fd)
            raise

    def write(self, data: bytes) -> None:
        """Append whole records in a single system call.

        Raises:
            OSError: the file system refused; part of `data` may stand in the file, so
                nothing may be written behind it.
        """
        disk.write_whole(self._fd, data)
        self.size += len(data)

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
        """Say whether the file still stands where it was opened.

        Raises:
            OSError: the file system does not say.
        """
        return stands_at(self._name, self._identity)

    def close(self) -> None:
        """Close the file; closing again does nothing.

        Raises:
            OSError: some file systems tell only now that they lost what was not synced.
        """
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def close_all(files: Iterable[SegmentFile]) -> OSError | None:
    """Close files, each of them; return the first error, for whom it matters."""
    first = None
    for file in files:
        try:
            file.close()
        except OSError as error:
            first = first or error
    return first


@dataclass(frozen=True, slots=True)
class Tail:
    """How a segment ends.

    Attributes:
        header: the segment's header; None if it is damaged.
        seq: the sequence number that comes next.
        time: time of the last event, microseconds.
        size: bytes of the file.
        whole: whether it may be continued: the header and the last line verify.
    """

    header: Header | None
    seq: int
    time: int
    size: int
    whole: bool


def read_tail(path: Path) -> Tail | None:
    """Read how a segment ends; None if no record of it can be read, or it is no regular file.

    Raises:
        OSError: the file cannot be read.
    """
    if not is_segment(path):
        return None
    with open_segment(path) as file:
        size = os.fstat(file.fileno()).st_size
        header = _read_header(file.fileno())
        last = _decode(_last_line(file.fileno(), size))
        if header is not None and last is not None:
            return _tail(header, last, size, 0)
        file.seek(0)
        return _search_tail(header, file.read(), size)


def _read_header(fd: int) -> Header | None:
    first = _decode(os.pread(fd, _BLOCK, 0).partition(b"\n")[0])
    return first if isinstance(first, Header) and first.format == FORMAT else None


def _tail(header: Header | None, last: Record | Header, size: int, damaged: int) -> Tail:
    if isinstance(last, Header):
        return Tail(header, last.seq + damaged, last.started, size, not damaged)
    whole = header is not None and not damaged
    return Tail(header, last.seq + 1 + damaged, last.event.time, size, whole)


def _search_tail(header: Header | None, content: bytes, size: int) -> Tail | None:
    """Find the last record of a damaged segment the slow way."""
    last: Record | Header | None = None
    damaged, closed = 0, True
    for found in scan(content, 0):
        if isinstance(found, Damage):
            # a damaged line that ended in a newline was acknowledged: its number is used up
            newlines = content[found.offset : found.offset + found.length].count(b"\n")
            # but the first may end the line of the record in front, which has its number
            damaged += newlines - (not closed and newlines > 0)
            closed = closed or newlines > 0
        else:
            last, damaged, closed = found.record, 0, found.closed
            header = last if isinstance(last, Header) and header is None else header
    if last is None:
        return None
    tail = _tail(header, last, size, damaged)
    return Tail(tail.header, tail.seq, tail.time, size, whole=False)


def _last_line(fd: int, size: int) -> bytes:
    """Return the last line without its newline; empty if the file does not end in one."""
    if size == 0 or os.pread(fd, 1, size - 1) != b"\n":
        return b""
    reach = _BLOCK
    while True:
        start = max(0, size - reach)
        block = os.pread(fd, size - 1 - start, start)
        before, newline, line = block.rpartition(b"\n")
        if newline or start == 0 or reach > MAX_RECORD:
            return line
        del before
        reach *= 8


def _decode(line: bytes) -> Record | Header | None:
    try:
        return decode(line)
    except DamagedRecord:
        return None
