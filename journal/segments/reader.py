"""Read lanes: which segments there are, and what stands in them."""

from __future__ import annotations

import heapq
import os
import stat
from dataclasses import dataclass
from errno import ENXIO
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.format.lossless import is_text
from journal.format.record import MAX_RECORD, START, Header, Record
from journal.format.scan import Damage, Found, salvage, scan
from journal.fs.ownership import check_folder
from journal.segments import segment
from journal.segments.segment import open_segment, segment_name, segment_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO
    from pathlib import Path

BLOCK = 1024 * 1024
"""Bytes read at a time."""
_MERGED = 16 * BLOCK
"""Bytes of all lanes that are read ahead where lanes are merged."""
_LEAST = 16 * 1024
"""Bytes of each of them, however many there are."""
_MANY = 1_000
"""Beginnings of records that no block without a newline has by accident."""


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """A segment as the directory shows it.

    Attributes:
        folder: the lane's folder.
        lane: its name.
        number: the segment's number in its lane.
        size: bytes of the file when it was listed.
        final: whether a later segment of the lane exists: it never changes again.
        version: inode, and time of the last change in nanoseconds: where both are as they
            were, it is the same file with the same bytes.
    """

    folder: Path
    lane: str
    number: int
    size: int
    final: bool
    version: tuple[int, int] = (0, 0)

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / segment_name(self.number)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a stretch of a segment holds, in order: valid records, headers and damage.

    Attributes:
        items: everything found.
        end: offset in bytes behind the last item; read on from there.
    """

    items: list[Found | Damage]
    end: int


def list_segments(lanes: Path) -> list[SegmentRef]:
    """List every segment of every lane, by lane and number.

    Raises:
        ReadError: a folder cannot be read; it is named.
    """
    return [ref for name in list_lanes(lanes) for ref in list_lane(lanes / name)]


def list_lanes(lanes: Path) -> list[str]:
    """List the names of the lanes' folders, numbers in their order.

    Raises:
        ReadError: the folder of the lanes cannot be read.
    """
    try:
        with os.scandir(lanes) as entries:
            folders = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise ReadError(f"cannot list the lanes in {lanes}: {error.strerror or error}") from error
    for name in folders:
        if not is_text(name):
            raise ReadError(
                f"the name of lane {lanes / name} is not UTF-8; its events are missing until it is"
                " renamed: give it a name of ASCII letters"
            )
    return sorted(folders, key=_lane_order)


def _lane_order(name: str) -> tuple[int, str]:
    return (int(name) if name.isascii() and name.isdigit() else 0, name)


def list_lane(lane: Path) -> list[SegmentRef]:
    """List the segments of one lane, by number.

    Raises:
        ReadError: its folder cannot be read.
    """
    numbered = []
    try:
        check_folder(lane)
        with os.scandir(lane) as entries:
            for entry in entries:
                number = segment_number(entry.name)
                if number is None:
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    version = status.st_ino, status.st_ctime_ns
                    numbered.append((number, status.st_size, version))
    except PermissionError as error:
        raise ReadError(
            f"cannot list lane {lane}: {error.strerror}; its events are missing until this user"
            " may read it: give it to this user (chown -R), or move it out of the journal"
        ) from error
    except OSError as error:
        raise ReadError(f"cannot list lane {lane}: {error.strerror or error}") from error
    numbered.sort()
    last = numbered[-1][0] if numbered else 0
    name = lane.name
    return [SegmentRef(lane, name, n, size, n < last, version) for n, size, version in numbered]


def read_chunk(file: FileIO, offset: int, *, final: bool, limit: int = BLOCK) -> Chunk:
    """Read on in a segment from `offset`, about `limit` bytes.

    An unfinished last line is left alone, since its writer may be about to finish it, unless
    the segment is `final`.

    Raises:
        ReadError: the file cannot be read.
    """
    reach = limit
    while True:
        block = read_at(file, offset, reach)
        at_end = len(block) < reach
        whole = len(block) if final and at_end else block.rfind(b"\n") + 1
        if whole or at_end:
            return Chunk(list(scan(block[:whole], offset)), offset + whole)
        if reach > MAX_RECORD:
            return _skip_hole(file, block, offset) or _skip_overlong(block, offset)
        reach = min(reach * 4, MAX_RECORD + 1)


def read_at(file: FileIO, offset: int, size: int) -> bytes:
    """Read `size` bytes at `offset`, fewer at the end of the file.

    Raises:
        ReadError: the file cannot be read.
    """
    try:
        block = os.pread(file.fileno(), size, offset)
        # a read may come back short before the end of the file
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
    """Pass over a hole in a sparse file, whatever size that has; None if there is none.

    The last byte in front of what follows is left: it tells whether that stands within a record.
    """
    end = _next_data(file, block, offset) - 1
    if end <= offset + len(block):
        return None
    return Chunk([Damage(offset, end - offset, "a hole in the file")], end)


def _next_data(file: FileIO, block: bytes, offset: int) -> int:
    """Return where the bytes behind a block go on; the file's end behind a last hole."""
    behind = offset + len(block)
    if block.count(0) < len(block):
        return behind
    try:
        return max(behind, os.lseek(file.fileno(), behind, os.SEEK_DATA))
    except OSError as error:
        # ENXIO: nothing but the hole; anything else: a file system that knows of no holes
        return max(behind, os.fstat(file.fileno()).st_size) if error.errno == ENXIO else behind


def _skip_overlong(block: bytes, offset: int) -> Chunk:
    """Pass over bytes without a newline that are too long for a record, but for records in them.

    One that begins in the block may end behind it: the next block begins in front of it, but so
    much further on than this one that bytes full of beginnings do not take for ever.
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
    # the byte in front of a record tells whether it stands within another
    end = max(start - 1, behind)
    if end > behind:
        items.append(Damage(last.offset, end - behind, reason))
    return Chunk(items, offset + end)


def read_segment(ref: SegmentRef, offset: int = 0, limit: int = BLOCK) -> Iterator[Found | Damage]:
    """Yield everything that stands in a segment from `offset` up to its end, `limit` bytes a time.

    The file is open only while it is read: of a thousand lanes that are merged, none is.

    Raises:
        ReadError: the file cannot be read.
    """
    while True:
        try:
            file = open_segment(ref.path)
        except OSError as error:
            raise ReadError(f"cannot open {ref.path}: {error.strerror or error}") from error
        with file:
            chunk = read_chunk(file, offset, final=ref.final, limit=limit)
        yield from chunk.items
        if chunk.end == offset:
            return
        offset = chunk.end


@dataclass(frozen=True, slots=True)
class Located:
    """A record with the uuid of its lane, the segment it stands in and the offset behind it."""

    lane: str
    record: Record
    ref: SegmentRef
    end: int


def read_events(lanes: Path, on_damage: Callable[[SegmentRef, Damage], None]) -> Iterator[Located]:
    """Yield all records of all lanes in the order of events: time, lane uuid, sequence number.

    Args:
        lanes: the folder of the lanes.
        on_damage: told of every stretch of bytes that is no valid record.

    Raises:
        ReadError: a file or folder cannot be read.
    """
    by_lane: dict[str, list[SegmentRef]] = {}
    for ref in list_segments(lanes):
        by_lane.setdefault(ref.lane, []).append(ref)
    # what is read of all lanes is in memory at the same time
    limit = max(_LEAST, min(BLOCK, _MERGED // max(1, len(by_lane))))
    streams = [_read_lane(refs, on_damage, limit) for refs in by_lane.values()]
    yield from heapq.merge(*streams, key=event_order)


def event_order(at: Located) -> tuple[int, str, int]:
    """Return the key that orders events."""
    return at.record.event.order, at.lane, at.record.seq


def _read_lane(
    refs: list[SegmentRef], on_damage: Callable[[SegmentRef, Damage], None], limit: int
) -> Iterator[Located]:
    for ref in refs:
        lane = None
        for item in read_segment(ref, limit=limit):
            if isinstance(item, Damage):
                on_damage(ref, item)
            elif isinstance(item.record, Header):
                lane = item.record.lane
            elif isinstance(item.record, Record):
                # a damaged header must not leave its events without their lane
                lane = lane or read_lane_uuid(ref)
                yield Located(lane, item.record, ref, item.end)


def read_lane_uuid(ref: SegmentRef) -> str:
    """Return the uuid of the lane of a segment without a header; empty if none is readable.

    Raises:
        ReadError: a segment cannot be read.
    """
    try:
        return segment.read_lane_uuid(ref.folder, ref.number) or ""
    except OSError as error:
        raise ReadError(
            f"cannot read the headers of {ref.folder}: {error.strerror or error}"
        ) from error


def unread(ref: SegmentRef, offset: int) -> tuple[int, int]:
    """Count what stands behind `offset` and is finished: bytes and lines.

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
