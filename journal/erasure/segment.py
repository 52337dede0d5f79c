"""One segment that is read for an erasure, and replaced."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.erasure.files.swap import Version, swap, version_of
from journal.erasure.rewrite import Kept, Rewriting, new_header
from journal.errors import EraseError, EventError, ReadError, reason
from journal.format.record import FORMAT
from journal.format.scan import UNFINISHED
from journal.process.ids import uuid7
from journal.segments.blocks import read_at, read_between
from journal.segments.reader import SegmentWalk
from journal.segments.segment import open_segment, read_header, segment_name, segment_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from journal.erasure.lock import EraserLock
    from journal.erasure.rewrite import Decision
    from journal.format.record import Header
    from journal.format.scan import Damage
    from journal.segments.listing import SegmentRef


@dataclass(frozen=True, slots=True)
class Read:
    """A segment as it was read, and its rewriting.

    Attributes:
        ref: its place.
        lane: uuid of its lane.
        version: inode, size and time of change of the file that was read.
        header: its header; None if that is damaged.
        header_end: offset behind the header, 0 without one.
        end: offset behind what was read.
        rewriting: its new content.
    """

    ref: SegmentRef
    lane: str
    version: Version
    header: Header | None
    header_end: int
    end: int
    rewriting: Rewriting

    @property
    def is_unfinished(self) -> bool:
        """Whether it ended, when it was listed, in a line without a newline, which was not read."""
        return self.end < self.ref.size and not self.is_newer

    @property
    def is_newer(self) -> bool:
        """Whether only a newer program can read it: it was read in part, and is kept."""
        return self.header is not None and self.header.format > FORMAT

    @property
    def is_changed(self) -> bool:
        """Whether it must be replaced."""
        return self.rewriting.is_changed and not self.is_newer


def read_for_erasure(
    ref: SegmentRef, decision: Decision, *, joins: bool, erases_damage: bool
) -> Read:
    """Read a segment, and compute its new content; the arguments are those of `Rewriting`.

    A growing segment is read up to its last finished line.

    Raises:
        ReadError: it cannot be read.
        EraseError: no record can hold a redacted event: marks can be longer than secrets.
    """
    rewriting = Rewriting(decision, joins=joins, erases_damage=erases_damage)
    headers: list[tuple[Header, int]] = []

    def begun(header: Header, end: int) -> None:
        headers.append((header, end))
        rewriting.header(header)

    try:
        with open_segment(ref.path) as file:
            version = version_of(os.fstat(file.fileno()))

            def damaged(_: SegmentRef, damage: Damage) -> None:
                if ref.final and is_refused(file, ref, damage, walk.lane):
                    rewriting.take_refused(damage)
                else:
                    rewriting.take_damage(damage, _newlines(file, damage))

            walk = SegmentWalk(ref, damaged, begun)
            for record in walk.read():
                if headers and headers[0][0].format > FORMAT:
                    break
                rewriting.record(record, walk.lane, walk.start, walk.end, closed=walk.closed)
    except OSError as error:
        raise ReadError(f"cannot read {ref.path}: {error.strerror or error}") from error
    except EventError as error:
        raise EraseError(
            f"cannot rewrite {ref.path}: {error}; forget the event (`journal forget --message`)"
        ) from error
    rewriting.finish()
    header, end = headers[0] if headers else (None, 0)
    return Read(ref, walk.lane, version, header, end, walk.end, rewriting)


_SEQ = re.compile(rb'\{"crc":"[0-9a-f]{8}","seq":([0-9]{1,19}),')
"""The beginning of a line, up to and with its sequence number."""
_LONGEST = 64
"""Bytes that hold it."""


def is_refused(file: FileIO, ref: SegmentRef, damage: Damage, lane: str) -> bool:
    """Return whether the unfinished line at the end of a final segment is certainly no event.

    If the next segment of the same lane begins with its number or a lower one, its writer gave the
    number to another event: the append of this one had failed, or was repeated there.

    Args:
        file: the segment, opened for reading.
        ref: its place.
        damage: a stretch of it that is no valid record.
        lane: uuid of its lane.

    Raises:
        OSError, ReadError: a segment cannot be read.
    """
    found = damage.reason == UNFINISHED and _SEQ.match(read_at(file, damage.offset, _LONGEST))
    if not found:
        return False
    following = next((n for n in segment_numbers(ref.folder) if n > ref.number), None)
    if following is None:
        return False
    header = read_header(ref.folder / segment_name(following))
    return header is not None and header.lane == lane and header.seq <= int(found[1])


def _newlines(file: FileIO, damage: Damage) -> int:
    blocks = read_between(file, damage.offset, damage.offset + damage.length)
    return sum(block.count(b"\n") for block in blocks)


def replace(read: Read, lock: EraserLock) -> bool:
    """Replace a segment by its new content; return False if it is not the one that was read.

    Raises:
        EraserBusy: the eraser's lock was lost.
        EraseError: the file system refused; the old segment is still there.
    """
    path = read.ref.path
    try:
        with open_segment(path) as old:
            if version_of(os.fstat(old.fileno())) != read.version:
                return False
            return swap(
                path, _content(old, read), lock, lambda: version_of(path.lstat()) == read.version
            )
    except (OSError, ReadError) as error:
        raise EraseError(
            f"cannot rewrite {path}: {reason(error)}; what is forgotten is still in it. Repeat it"
            " when the cause is removed"
        ) from error


def _content(old: FileIO, read: Read) -> Iterator[bytes]:
    """Yield the new segment, a block at a time."""
    if read.header_end:
        yield new_header(read_at(old, 0, read.header_end), uuid7())
    for piece in read.rewriting.pieces:
        if isinstance(piece, Kept):
            yield from read_between(old, piece.start, piece.end)
        else:
            yield piece
