"""Find the records in the bytes of a segment, damaged or not.

Lines are split on newline bytes only. A line that does not verify is searched for records that
do: a write within another, a lost newline or a run of NULs damages only the affected bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from journal.format.frame import START, DamagedRecord, record_end
from journal.format.record import Erased, Header, Record, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

UNFINISHED = "unfinished record"
"""The reason of a torn tail: its writer ended, or the disk was full, before its newline."""

MISPLACED = "a header in the middle of a segment"
"""The reason of a header that is not the first line of its segment."""

_PATIENCE = 4
"""How often the bytes of a damaged line may be read again in the search for the ends of records."""
_TRIES = 8
"""Starts over which a record is searched for its end once that is used up: hostile bytes must not
make the search quadratic."""
_BEFORE = frozenset((b":", b"[", b","))
_BEHIND = frozenset((b",", b"}", b"]"))
"""The bytes on both sides of an object within another."""


class Found(NamedTuple):
    """A valid record, a segment's header or a run of erased events, and the offset behind it.

    `closed` is whether the newline that ends a record is there.
    """

    end: int
    record: Record | Header | Erased
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of bytes that is no valid record: offset and length in bytes, and why."""

    offset: int
    length: int
    reason: str


def scan(block: bytes, base: int) -> Iterator[Found | Damage]:
    """Yield everything in a block of whole lines, in order.

    Args:
        block: bytes that begin where a line begins. A last line without a newline is read
            as a line: give it only when nothing can follow.
        base: the block's offset in the segment, in bytes.
    """
    lines = block.split(b"\n")
    unfinished = lines.pop()
    offset = base
    for line in lines:
        end = offset + len(line) + 1
        try:
            found = Found(end, decode(line))
        except DamagedRecord as error:
            yield from salvage(line, offset, 1, str(error))
        else:
            yield found
        offset = end
    if unfinished:
        try:
            found = Found(offset + len(unfinished), decode(unfinished), closed=False)
        except DamagedRecord:
            yield from salvage(unfinished, offset, 0, _no_line(unfinished))
        else:
            yield found


def _no_line(unfinished: bytes) -> str:
    """Return why the rest behind the last newline is no record."""
    written = unfinished.rstrip(b"\0")  # a power loss may keep a size without its last bytes
    if written and written.startswith(START[: len(written)]):
        return UNFINISHED
    if not written:
        return "NUL bytes up to the end, as a power loss leaves them in what was not synced"
    return "no newline, and not the beginning of a record"


def salvage(line: bytes, base: int, newline: int, reason: str) -> Iterator[Found | Damage]:
    """Yield the records inside a damaged line, and the stretches between them.

    Args:
        line: the line without its newline.
        base: its offset in the segment, in bytes.
        newline: bytes of its newline, 0 where it has none.
        reason: why it is damaged.
    """
    starts = list(_starts(line))
    damaged_from = 0
    patience = _PATIENCE * len(line)
    for index, start in enumerate(starts):
        if start < damaged_from:
            continue
        near = starts[index + _TRIES] if index + _TRIES < len(starts) else len(line)
        reach = len(line) if patience > 0 else near
        patience -= reach - start
        found = _record_within(line, start, reach)
        if found is None:
            continue
        end, record = found
        if start > damaged_from:
            yield Damage(base + damaged_from, start - damaged_from, reason)
        damaged_from = end
        closed = bool(newline) and end == len(line)
        yield Found(base + end + closed, record, closed)
    if damaged_from < len(line) or not line:
        length = len(line) + newline - damaged_from
        yield Damage(base + damaged_from, length, reason if line else "empty line")


def _record_within(
    line: bytes, start: int, reach: int
) -> tuple[int, Record | Header | Erased] | None:
    """Return the record that begins at `start` and the offset behind it; None if there is none.

    It ends with the first brace, before `reach`, up to which its checksum holds. An object within
    another is no record, though its checksum may hold: it is part of some event's data.
    """
    end = record_end(line, start, reach)
    if end is None or (line[start - 1 : start] in _BEFORE and line[end : end + 1] in _BEHIND):
        return None
    try:
        return end, decode(line[start:end])
    except DamagedRecord:
        return None


def _starts(line: bytes) -> Iterator[int]:
    at = line.find(START)
    while at >= 0:
        yield at
        at = line.find(START, at + 1)
