"""The end of a lane after a write that was cut short: its next lessee removes the rest of it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from journal.format.frame import MAX_RECORD, START, DamagedRecord
from journal.format.record import FORMAT, decode
from journal.fs import disk
from journal.process.boot import boot_id
from journal.segments.segment import open_segment, read_header, segment_name, segment_numbers

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 64 * 1024


def remove_torn(lane: Path) -> None:
    """Remove an empty last segment, or an unfinished line at its end, which is no event.

    Only for the holder of the lane's lock. The writer of such a line is dead, or got an error from
    its append, and readers never read the last line of a lane without its newline. After a
    restart of the machine the line stays: a power loss may have cut off an acknowledged event, and
    nothing else shows that. A whole record that lacks only its newline stays, too.

    Raises:
        OSError: the file system refuses; the lane can be continued in another segment.
    """
    numbers = segment_numbers(lane)
    if not numbers:
        return
    path = lane / segment_name(numbers[-1])
    with open_segment(path) as file:
        size = os.fstat(file.fileno()).st_size
        end = size - len(_unfinished(file.fileno(), size))
    if not size:
        if is_removable(lane, numbers[-1]):
            disk.in_use.unlink(path)
    elif end < size and _is_of_this_boot(path):
        fd = disk.in_use.open_append(path)
        try:
            disk.in_use.cut(fd, end)
        finally:
            os.close(fd)


def is_removable(lane: Path, number: int) -> bool:
    """Return whether nothing of the segment before an empty one changes when that is removed.

    After a power loss its last record may lack its newline: it counts while the segment is final.

    Raises:
        OSError: it cannot be read.
    """
    earlier = [before for before in segment_numbers(lane) if before < number]
    if not earlier:
        return True
    with open_segment(lane / segment_name(earlier[-1])) as file:
        size = os.fstat(file.fileno()).st_size
        return size > 0 and os.pread(file.fileno(), 1, size - 1) == b"\n"


def _unfinished(fd: int, size: int) -> bytes:
    """Return the beginning of a record behind the last newline; empty if there is no such line."""
    line = b""
    while len(line) < min(size, MAX_RECORD):
        start = max(0, size - len(line) - _BLOCK)
        before, newline, rest = os.pread(fd, size - len(line) - start, start).rpartition(b"\n")
        line = rest + line
        if newline:
            is_cut = line.startswith(START[: len(line)]) and not line.endswith(b"\0")
            return line if is_cut and not _is_whole(line) else b""
        line = before + line
    return b""


def _is_whole(line: bytes) -> bool:
    try:
        decode(line)
    except DamagedRecord:
        return False
    return True


def _is_of_this_boot(path: Path) -> bool:
    header = read_header(path)
    return (
        header is not None
        and header.format == FORMAT
        and header.boot == boot_id() != ""
        and header.inode == path.lstat().st_ino
    )


def tidy(lane: Path) -> None:
    """Do as `remove_torn` if the file system allows it; else the next lessee does."""
    with contextlib.suppress(OSError):
        remove_torn(lane)
