"""Find the records in a segment's bytes, whatever happened to them.

Lines are split on newline bytes only. A line that does not verify is searched for records that
do: a write spliced into another, a lost newline or a run of NULs costs only the bytes it hit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.record import START, DamagedRecord, Header, Record, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

UNFINISHED = "unfinished record"
"""The reason of a torn tail: its writer ended, or the disk was full, before its newline."""

_TRIES = 32
"""Ends tried for one start, so that hostile bytes cannot make the search quadratic."""


@dataclass(frozen=True, slots=True)
class Found:
    """A valid record, or a segment's header, and the offset just behind it in bytes.

    `closed` says whether the newline that ends a record is there.
    """

    end: int
    record: Record | Header
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
        block: bytes that begin where a line begins. A last line without a newline is taken
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
            yield from _salvage(line, offset, 1, str(error))
        else:
            yield found
        offset = end
    if unfinished:
        try:
            found = Found(offset + len(unfinished), decode(unfinished), closed=False)
        except DamagedRecord:
            begun = unfinished.startswith(START[: len(unfinished)])
            reason = UNFINISHED if begun else "no newline, and not the beginning of a record"
            yield from _salvage(unfinished, offset, 0, reason)
        else:
            yield found


def _salvage(line: bytes, base: int, newline: int, reason: str) -> Iterator[Found | Damage]:
    """Yield the records inside a damaged line, and the stretches between them."""
    starts = list(_starts(line))
    damaged_from = 0
    for index, start in enumerate(starts):
        if start < damaged_from:
            continue
        ends = [len(line), *starts[index + 1 : index + 1 + _TRIES]]
        for end in ends:
            piece = line[start:end].rstrip(b"\0")
            try:
                record = decode(piece)
            except DamagedRecord:
                continue
            if start > damaged_from:
                yield Damage(base + damaged_from, start - damaged_from, reason)
            damaged_from = start + len(piece)
            closed = bool(newline) and damaged_from == len(line)
            yield Found(base + damaged_from + closed, record, closed)
            break
    if damaged_from < len(line) or not line:
        length = len(line) + newline - damaged_from
        yield Damage(base + damaged_from, length, reason if line else "empty line")


def _starts(line: bytes) -> Iterator[int]:
    at = line.find(START)
    while at >= 0:
        yield at
        at = line.find(START, at + 1)
