"""A segment: one JSONL file of a lane, and how it ends."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, replace
from io import FileIO
from typing import TYPE_CHECKING

from journal.format.frame import BODY, MAX_RECORD, DamagedRecord
from journal.format.record import FORMAT, HEADER_KEY, Erased, Header, Record, decode
from journal.format.scan import Damage, scan
from journal.fs.ownership import open_own

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RETIRED = "retired"
"""A file of this name in a lane's folder: no writer leases the lane any more."""
ROLL_SIZE = 32 * 1024 * 1024
"""Bytes at which a segment is final and its lane continues in the next one."""

LAST_NUMBER = 10**12 - 1
"""The highest number of a segment: a lane that has it gets no further segment."""

SUFFIX = ".jsonl"
_DIGITS = 12
_BLOCK = 64 * 1024
_HEADERS = (1024, _BLOCK, MAX_RECORD)
"""Bytes that hold a header: each erasure adds the uuid of a segment that it supersedes."""
_ERASED = b'"erased":'
"""Bytes that a run of erased events contains; in text their quotes would be escaped."""
_SEARCHED = ROLL_SIZE + 2 * MAX_RECORD
"""Bytes of a damaged segment that are searched for its end: more than a writer puts into one."""


def segment_name(number: int) -> str:
    """Return the file name of a lane's n-th segment."""
    return f"{number:06d}{SUFFIX}"


def segment_number(name: str) -> int | None:
    """Return the number in a segment's file name; None for any other name."""
    stem, dot, suffix = name.partition(".")
    if f"{dot}{suffix}" != SUFFIX or not stem.isascii() or not stem.isdigit():
        return None
    if len(stem) > _DIGITS:  # a database could not store a larger number
        return None
    number = int(stem)
    # `1.jsonl` beside `000001.jsonl` would be two files for one number
    return number if name == segment_name(number) else None


def is_segment_draft(name: str) -> bool:
    """Return whether a file in a lane's folder is the draft of a segment."""
    stem, dot, _ = name[1:].partition(f"{SUFFIX}.")
    return name.startswith(".") and bool(dot) and segment_number(f"{stem}{SUFFIX}") is not None


def segment_numbers(lane: Path) -> list[int]:
    """List the numbers of a lane's segments, lowest first."""
    return sorted(n for name in os.listdir(lane) if (n := segment_number(name)) is not None)


def open_segment(path: Path) -> FileIO:
    """Open a segment for reading, never through a link.

    Raises:
        Untrusted: it is no regular file of this user's own.
        OSError: the file system refuses.
    """
    file = FileIO(open_own(path), "rb")
    file.name = str(path)
    return file


def is_segment(path: Path) -> bool:
    """Return whether the path is a regular file: nothing else is read.

    Raises:
        OSError: the file system refuses.
    """
    return stat.S_ISREG(path.lstat().st_mode)


def read_lane_uuid(lane: Path, number: int) -> str:
    """Return the uuid of the lane that a segment belongs to.

    It is that of its own header, else of the nearest readable header before it in its folder, else
    `?` and the folder's name. A header behind it does not count: it may be written later, and must
    not change what was read before.

    Raises:
        OSError: a segment cannot be read.
    """
    for near in reversed(segment_numbers(lane)):
        if near <= number and (header := read_header(lane / segment_name(near))) is not None:
            return header.lane
    return f"?{lane.name}"


@dataclass(frozen=True, slots=True)
class Tail:
    """How a segment ends.

    Attributes:
        header: the segment's header; None if it is damaged.
        seq: the next sequence number.
        time: time of the last event, microseconds.
        order: the highest order of an event.
        size: bytes of the file.
        whole: whether it may be continued: the header and the last line verify, and no number
            in front of it is missing or duplicate, as far as a block reaches.
    """

    header: Header | None
    seq: int
    time: int
    order: int
    size: int
    whole: bool


@dataclass(frozen=True, slots=True)
class End:
    """The last finished record of a lane's folder: uuid of its lane, its number, highest order."""

    lane: str
    seq: int
    order: int


def read_end(lane: Path, numbers: Sequence[int]) -> End | None:
    """Read the last finished record of some segments of a folder; None if there is none.

    Bytes behind the last newline belong to an append that has not returned. A writer of version 1
    continues after segments of version 2, and has no orders: if it wrote the last segment, the
    highest order may be in a segment before.

    Raises:
        OSError: a segment cannot be read.
    """
    end = None
    for number in reversed(numbers):
        path = lane / segment_name(number)
        if not is_segment(path):
            continue
        with open_segment(path) as file:
            header = _read_header(file.fileno())
            last = _read_last(file.fileno())
        if header is not None and last is not None:
            seq, _, order = behind(last)
            found = End(header.lane, seq - 1, order)
        elif (tail := read_tail(path)) is not None:
            header = tail.header
            uuid = header.lane if header else read_lane_uuid(lane, number)
            found = End(uuid, tail.seq - 1, tail.order)
        else:
            continue
        end = found if end is None else replace(end, order=max(end.order, found.order))
        if header is None or header.format >= FORMAT:
            break
    return end


def read_last(path: Path) -> tuple[int, int] | None:
    """Read the number and the order of a segment's last finished record.

    None if that line is damaged, or the segment has only a header.

    Raises:
        OSError: the file cannot be read.
    """
    with open_segment(path) as file:
        last = _read_last(file.fileno())
    if last is None or isinstance(last, Header):
        return None
    seq, _, order = behind(last)
    return seq - 1, order


def read_header(path: Path) -> Header | None:
    """Read a segment's header; None if it is damaged or of a newer format, or there is none.

    Raises:
        OSError: the file cannot be read.
    """
    if not is_segment(path):
        return None
    with open_segment(path) as file:
        return _read_header(file.fileno())


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
        first, last, numbers = _read_end(file.fileno(), size)
        # with a gap or an older record at the end, the last number may not be the highest
        if header is not None and first and last and behind(last)[0] == behind(first)[0] + numbers:
            return Tail(header, *behind(last), size, whole=True)
        if size > _SEARCHED:
            reason = f"it is damaged, and {size:,} bytes are too many to search for its end"
            raise OSError(errno.EFBIG, reason, str(path))
        file.seek(0)
        return _search_tail(header, file.read(), size)


def _read_header(fd: int) -> Header | None:
    for reach in _HEADERS:
        block = os.pread(fd, reach, 0)
        line, newline, _ = block.partition(b"\n")
        if newline or not block.startswith(HEADER_KEY, BODY):
            break
    first = _decode(line)
    return first if isinstance(first, Header) and first.format <= FORMAT else None


def behind(record: Record | Header | Erased) -> tuple[int, int, int]:
    """Return the next number, the time, and the order."""
    if isinstance(record, Header):
        return record.seq, 0, 0
    if isinstance(record, Erased):
        return record.seq + record.count, 0, record.order
    return record.seq + 1, record.event.time, record.event.order


def _search_tail(header: Header | None, content: bytes, size: int) -> Tail | None:
    """Find the end of a damaged segment by a scan of all its bytes."""
    seq = time = order = damaged = 0
    closed = True
    for found in scan(content, 0):
        if isinstance(found, Damage):
            # a damaged line that ended in a newline was acknowledged: its number is used up
            newlines = content[found.offset : found.offset + found.length].count(b"\n")
            # but the first may end the line of the record before it, which has its number
            damaged += newlines - (not closed and newlines > 0)
            closed = closed or newlines > 0
        else:
            record, closed = found.record, found.closed
            following, moment, ordered = behind(record)
            if following > seq:  # an older record again uses up no number, and frees none
                seq, damaged = following, 0
            time, order = max(time, moment), max(order, ordered)
            header = record if isinstance(record, Header) and header is None else header
    return Tail(header, seq + damaged, time, order, size, whole=False) if seq else None


_Line = Record | Header | Erased


def _read_end(fd: int, size: int) -> tuple[_Line | None, _Line | None, int]:
    """Read the last block of a segment, more of it where a block holds no two lines.

    Returns:
        The first record and the last of those that are complete in it, each None if it does not
        verify, and how many sequence numbers lie between the end of the first and of the last.
    """
    if size == 0 or os.pread(fd, 1, size - 1) != b"\n":
        return None, None, 0
    reach = _BLOCK
    while True:
        start = max(0, size - reach)
        block = os.pread(fd, size - 1 - start, start)
        # it may begin in the middle of a line
        begin = block.find(b"\n") + 1 if start else 0
        lines = block.count(b"\n", begin)
        if lines or not start:
            first = block[begin : block.find(b"\n", begin)] if lines else block
            numbers = _count(block[begin:]) if _ERASED in block else lines
            return _decode(first), _decode(block[block.rfind(b"\n") + 1 :]), numbers
        if reach > MAX_RECORD:  # no record is that long
            return None, None, 0
        reach *= 8


def _count(block: bytes) -> int:
    """Return how many numbers the lines behind the first one have; -1 if one is damaged."""
    numbers = 0
    for line in block.split(b"\n")[1:]:
        record = _decode(line)
        if record is None or isinstance(record, Header):
            return -1
        numbers += record.count if isinstance(record, Erased) else 1
    return numbers


def _read_last(fd: int) -> _Line | None:
    """Read the last line that ends in a newline; None if it does not verify."""
    size = os.fstat(fd).st_size
    reach = _BLOCK
    while True:
        start = max(0, size - reach)
        block = os.pread(fd, size - start, start)
        end = block.rfind(b"\n")
        begin = block.rfind(b"\n", 0, end) if end > 0 else -1
        if begin >= 0 or not start:
            return _decode(block[begin + 1 : end]) if end > 0 else None
        reach *= 8


def _decode(line: bytes) -> _Line | None:
    try:
        return decode(line)
    except DamagedRecord:
        return None
