"""The watermark: how much of each segment the projection has applied."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass
from time import time_ns
from typing import TYPE_CHECKING, Any
from zlib import crc32

from journal.errors import ReadError
from journal.format.frame import MAX_RECORD
from journal.segments.blocks import read_at, unread
from journal.segments.unchanged import is_enough

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import FileIO

    import apsw

    from journal.segments.listing import SegmentRef
    from projector.run.open_segments import OpenSegments, Place

FINGERPRINTED = 256
"""Bytes that differ between two segments: they hold a checksum, an id or a time."""

_FEW = 100
"""Segments whose marks are read one by one: more are read together."""

_INODE = 2**63 - 1
"""Bits of an inode that are kept: SQLite has no numbers above."""

_LOOKED_AT = 4096
"""Bytes read at a time to find where the last record ends."""


@dataclass(slots=True)
class Mark:
    """How far one segment is applied.

    Attributes:
        uuid: the segment's uuid, empty while its header has not been read.
        lane: number of its lane in this projection.
        offset: bytes applied.
        check: checksum of the bytes before `offset`, to detect another segment at the same place.
        is_restored: whether it was restored to another folder: then it may lack records of its
            lane that come before its own.
        numbers: how many sequence numbers the records before `offset` have, erased ones included.
        known: how many of the first of them were applied already, before the segment was replaced
            by one that supersedes it.
        inode: of the file that had nothing behind `offset`; 0 if it is not known.
        changed: the time of its last change, nanoseconds, if a later change would have another one;
            else 0.
    """

    uuid: str
    lane: int
    offset: int
    check: int
    is_restored: bool = False
    numbers: int = 0
    known: int = 0
    inode: int = 0
    changed: int = 0

    def is_of(self, ref: SegmentRef) -> bool:
        """Return whether a segment is as it was when it had been applied, so need not be read."""
        inode, changed = ref.version
        return self.changed == changed > 0 and self.inode == inode & _INODE

    def note(self, inode: int, changed: int, passed: int) -> bool:
        """Note a file that has nothing behind `offset`; return whether it is noted.

        It is not noted right after a change: another one in the same tick of the kernel's clock
        would leave the file's time as it is. The wall clock does not show how long ago that was: it
        may be another one than that of the file system.

        Args:
            inode: of the file.
            changed: the time of its last change, nanoseconds; 0 if there is something behind.
            passed: a time of change of another file that was seen before, nanoseconds.
        """
        # a time in the future: the clock may have gone back, and come to these times again
        is_noted = 0 < changed < passed <= time_ns() and is_enough(passed - changed, changed)
        self.inode, self.changed = (inode & _INODE, changed) if is_noted else (0, 0)
        return is_noted


def place(ref: SegmentRef) -> Place:
    """Return the place of a segment."""
    return ref.lane, ref.number


_MARKS = (
    "SELECT lane_folder, number, uuid, lane_row, offset, prefix_crc, restored, numbers, known,"
    " inode, changed FROM _segments"
)


def load_marks(db: apsw.Connection) -> dict[Place, Mark]:
    """Read the watermark."""
    return dict(map(_mark, db.execute(_MARKS)))


def load_marks_of(db: apsw.Connection, refs: Sequence[SegmentRef]) -> dict[Place, Mark]:
    """Read how far some segments are applied, of many also how far the others are."""
    if len(refs) > _FEW:
        return load_marks(db)
    query = f"{_MARKS} WHERE lane_folder = ? AND number = ?"
    return dict(_mark(row) for ref in refs for row in db.execute(query, place(ref)))


def _mark(row: tuple[Any, ...]) -> tuple[Place, Mark]:
    folder, number, uuid, lane, offset, check, restored, *counted = row
    return (folder, number), Mark(uuid, lane, offset, check, bool(restored), *counted)


def load_applied(db: apsw.Connection) -> dict[int, int]:
    """Return the last applied sequence number of each lane, by the lane's row number."""
    return dict(db.execute("SELECT id, applied FROM _lanes"))


def save_mark(db: apsw.Connection, at: Place, mark: Mark) -> None:
    """Write one segment's mark into the current transaction."""
    db.execute(
        "INSERT OR REPLACE INTO _segments(lane_folder, number, uuid, lane_row, offset,"
        " prefix_crc, restored, numbers, known, inode, changed)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*at, *astuple(mark)),
    )


def finished_ends(
    marks: dict[Place, Mark], refs: list[SegmentRef], segments: OpenSegments
) -> dict[Place, int]:
    """Return the offset at which the finished records of each segment end.

    Raises:
        ReadError: a segment cannot be read.
    """
    ends = {}
    for ref in refs:
        mark = marks.get(place(ref))
        offset = 0 if mark is None else mark.offset
        # what is applied is finished, and so is all of a final segment
        is_known = offset >= ref.size or ref.final
        ends[place(ref)] = ref.size if is_known else _finished_end(ref, offset, segments)
    return ends


def _finished_end(ref: SegmentRef, offset: int, segments: OpenSegments) -> int:
    """Return where the last finished record of a growing segment ends; `offset` if none does.

    It is searched from the end of the file: the records before it are not needed here.
    """
    end = ref.size
    with opened(ref, segments) as file:
        while end > offset and ref.size - end <= MAX_RECORD:
            start = max(offset, end - _LOOKED_AT)
            newline = read_at(file, start, end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    # more than a record without a newline: there may be a hole, which has no end to look for
    return offset if end == offset else offset + unread(ref, offset)[0]


@contextmanager
def opened(ref: SegmentRef, segments: OpenSegments) -> Iterator[FileIO]:
    """Yield a segment, opened for reading.

    Raises:
        ReadError: it cannot be opened.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(segments.reading(ref))
        except OSError as error:
            raise ReadError(f"cannot open {ref.path}: {error.strerror or error}") from error
        yield file


def replaced(
    marks: dict[Place, Mark], refs: list[SegmentRef], segments: OpenSegments
) -> list[SegmentRef]:
    """Return the segments whose bytes are not those that were applied: cut off, or another file.

    Only segments without unapplied bytes are compared: `ingest` compares the others.

    Raises:
        ReadError: a segment cannot be read.
    """
    found = []
    for ref in refs:
        mark = marks.get(place(ref))
        if mark is not None and mark.offset and mark.offset >= ref.size:
            try:
                with opened(ref, segments) as file:
                    if not is_unchanged(file, mark):
                        found.append(ref)
            except ReadError as error:
                if not isinstance(error.__cause__, FileNotFoundError):
                    raise
                # it was deleted: its events stay in the projection
    return found


def reached(marks: dict[Place, Mark], ends: dict[Place, int]) -> bool:
    """Return whether every segment is applied up to its end in `ends`."""
    return all(end == 0 or (at in marks and marks[at].offset >= end) for at, end in ends.items())


def fingerprint(file: FileIO, offset: int) -> int:
    """Return the checksum of the bytes just before `offset`: the last record, or its end.

    Raises:
        ReadError: the file cannot be read.
    """
    start = max(0, offset - FINGERPRINTED)
    return crc32(read_at(file, start, offset - start)) if offset else 0


def is_unchanged(file: FileIO, mark: Mark) -> bool:
    """Return whether a segment still begins with the bytes that were applied.

    Else it was cut off or replaced: to read on would begin in the middle of a record, and skip the
    records before it.

    Raises:
        ReadError: the file cannot be read.
    """
    return fingerprint(file, mark.offset) == mark.check


@dataclass(frozen=True, slots=True)
class Lag:
    """What the lanes hold and the projection has not applied: finished bytes, and records."""

    bytes: int
    records: int


def lag(marks: dict[Place, Mark], refs: list[SegmentRef]) -> Lag:
    """Count what is not applied.

    Raises:
        ReadError: a segment cannot be read.
    """
    size = records = 0
    for ref in refs:
        mark = marks.get(place(ref))
        offset = 0 if mark is None else mark.offset
        if offset < ref.size:
            finished, lines = unread(ref, offset)
            size += finished
            # the first line of a segment is its header
            records += lines - (1 if offset == 0 and lines else 0)
    return Lag(size, records)


@dataclass(frozen=True, slots=True)
class Progress:
    """What one run of catching up did: events read, bytes read, transactions committed."""

    events: int = 0
    bytes: int = 0
    commits: int = 0

    def and_one_more(self, events: int, size: int) -> Progress:
        """Return it with one more transaction."""
        return Progress(self.events + events, self.bytes + size, self.commits + 1)
