"""Read a segment in blocks, whatever bytes it contains."""

from __future__ import annotations

import os
from dataclasses import dataclass
from errno import ENXIO
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.format.frame import MAX_RECORD, START
from journal.format.scan import Damage, Found, salvage, scan
from journal.segments.segment import open_segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from journal.segments.listing import SegmentRef

BLOCK = 1024 * 1024
"""Bytes read at a time."""
_MANY = 1_000
"""More beginnings of records than a block without a newline has by chance."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The items of a stretch of a segment, in order: valid records, headers and damage.

    Attributes:
        items: everything found.
        end: offset in bytes behind the last item, where the next read begins.
        at_end: whether the file ended there, but for a line that is not finished.
    """

    items: list[Found | Damage]
    end: int
    at_end: bool = False


def read_chunk(file: FileIO, offset: int, *, final: bool, limit: int = BLOCK) -> Chunk:
    """Read a segment from `offset`, about `limit` bytes.

    An unfinished last line is not read unless the segment is `final`, because its writer may
    complete it.

    Raises:
        ReadError: the file cannot be read.
    """
    reach = limit
    while True:
        block = read_at(file, offset, reach)
        at_end = len(block) < reach
        whole = len(block) if final and at_end else block.rfind(b"\n") + 1
        if whole or at_end:
            return Chunk(list(scan(block[:whole], offset)), offset + whole, at_end)
        if reach > MAX_RECORD:
            return _skip_hole(file, block, offset) or _skip_overlong(block, offset)
        reach = min(reach * 4, MAX_RECORD + 1)


def read_between(file: FileIO, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes between two offsets, a block at a time.

    Raises:
        ReadError: the file ends before, or cannot be read.
    """
    while start < end:
        block = read_at(file, start, min(BLOCK, end - start))
        if not block:
            raise ReadError(f"{file.name} became shorter than {end:,} bytes while it was read")
        yield block
        start += len(block)


def read_at(file: FileIO, offset: int, size: int) -> bytes:
    """Read `size` bytes at `offset`, fewer at the end of the file.

    Raises:
        ReadError: the file cannot be read.
    """
    try:
        block = os.pread(file.fileno(), size, offset)
        # a read may return fewer bytes before the end of the file
        while len(block) < size and (
            more := os.pread(file.fileno(), size - len(block), offset + len(block))
        ):
            block += more
    except OSError as error:
        raise ReadError(
            f"cannot read {file.name} at {offset}: {error.strerror or error}"
        ) from error
    return block


def _skip_hole(file: FileIO, block: bytes, offset: int) -> Chunk | None:
    """Return a hole in a sparse file, of any size, as damage; None if there is none.

    The last byte before the next data is not part of it: it is needed to see whether that data is
    inside a record.
    """
    end = _next_data(file, block, offset) - 1
    if end <= offset + len(block):
        return None
    return Chunk([Damage(offset, end - offset, "a hole in the file")], end)


def _next_data(file: FileIO, block: bytes, offset: int) -> int:
    """Return the offset of the next data after a block; the end of the file after a last hole."""
    behind = offset + len(block)
    if block.count(0) < len(block):
        return behind
    try:
        return max(behind, os.lseek(file.fileno(), behind, os.SEEK_DATA))
    except OSError as error:
        # ENXIO: there is only the hole; anything else: a file system without support for holes
        return max(behind, os.fstat(file.fileno()).st_size) if error.errno == ENXIO else behind


def _skip_overlong(block: bytes, offset: int) -> Chunk:
    """Return bytes without a newline that are too long for a record as damage and records.

    A record that begins in the block may end after it, so the next block begins before that record.
    It also begins so far after this block that bytes with many beginnings are read only a few
    times.
    """
    reason = f"no newline in more than {MAX_RECORD:,} bytes"
    *items, last = salvage(block, offset, 0, reason)
    if isinstance(last, Found):
        return Chunk([*items, last], last.end)
    behind = last.offset - offset
    further = BLOCK if block.count(START) < _MANY else len(block) // 2
    start = block.find(START, max(behind, further))
    if start < 0:
        start = len(block) - len(START) + 1
    # the byte before a record shows whether it is inside another one
    end = max(start - 1, behind)
    if end > behind:
        items.append(Damage(last.offset, end - behind, reason))
    return Chunk(items, offset + end)


def unread(ref: SegmentRef, offset: int) -> tuple[int, int]:
    """Return how many bytes and lines are finished behind `offset`.

    An unfinished last line does not count unless the segment is final: its append has not
    returned.

    Raises:
        ReadError: the file cannot be read.
    """
    finished = lines = 0
    try:
        file = open_segment(ref.path)
    except OSError as error:
        raise ReadError(f"cannot open {ref.path}: {error.strerror or error}") from error
    with file:
        at = offset
        while block := read_at(file, at, BLOCK):
            newline = block.rfind(b"\n")
            lines += block.count(b"\n")
            if newline >= 0:
                finished = at + newline + 1 - offset
            at = _next_data(file, block, at)
    return (at - offset, lines) if ref.final else (finished, lines)
