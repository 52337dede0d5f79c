"""What a segment of ours should have, given what others have of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from journal.format.record import Header
from journal.format.scan import UNFINISHED, Damage, scan
from journal.segments.segment import behind

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal[
    "same",  # nothing to do: it begins with what others have
    "shorter",  # it ends before what others have
    "damaged",  # bytes of it are no valid record, or records are missing in its middle
    "fork",  # it has records in the place of others
    "unsound",  # what others have is damaged, too
]


@dataclass(frozen=True, slots=True)
class Compared:
    """How a segment of ours differs from what others have of it.

    Attributes:
        kind: what it is.
        content: what it should have, where `kind` is `shorter` or `damaged`; else empty.
        kept: bytes at the end of that which are only here.
    """

    kind: Kind
    content: bytes = b""
    kept: int = 0


def compare(here: bytes, there: bytes) -> Compared:
    """Compare a segment with its beginning as others have it; nothing that is only here is lost.

    Args:
        here: all bytes of our file.
        there: the first bytes of the segment, as they were sent: whole lines.
    """
    size = min(len(here), len(there))
    if here[:size] == there[:size]:
        return Compared("same") if len(here) >= len(there) else Compared("shorter", there)
    if not _is_sound(there):
        return Compared("unsound")
    sound, reasons = _lines(here)
    known = {line + b"\n" for line in there.split(b"\n")}
    following = _next(there)

    def is_new(line: bytes) -> bool:
        return line not in known and _first(line) >= following

    def is_at_its_place(start: int, end: int) -> bool:
        line = here[start:end]
        return line == there[start:end] if start < len(there) else is_new(line)

    if all(is_at_its_place(*each) for each in sound):
        # whatever differs is no record here: what is behind the others' end stays where it is
        rest = here[len(there) :]
        is_cut = reasons == {UNFINISHED} and not rest
        return Compared("shorter" if is_cut else "damaged", there + rest, len(rest))
    others = [here[start:end] for start, end in sound if here[start:end] not in known]
    if not all(map(is_new, others)):
        return Compared("fork")
    rest = b"".join(others)
    return Compared("damaged", there + rest, len(rest))


def _lines(content: bytes) -> tuple[list[tuple[int, int]], set[str]]:
    """Return where each valid line begins and ends, and why the others are none."""
    sound: list[tuple[int, int]] = []
    reasons: set[str] = set()
    start = 0
    for found in scan(content, 0):
        if isinstance(found, Damage):
            start = found.offset + found.length
            reasons.add(found.reason)
        else:
            sound.append((start, found.end))
            start = found.end
    return sound, reasons


def _is_sound(content: bytes) -> bool:
    return not any(isinstance(found, Damage) for found in scan(content, 0))


def _next(content: bytes) -> int:
    """Return the sequence number behind all records."""
    return max(_numbers(content), default=0)


def _first(line: bytes) -> int:
    """Return the first sequence number of a line; 0 of a header, which is at no other place."""
    for found in scan(line, 0):
        if not isinstance(found, Damage) and not isinstance(found.record, Header):
            return found.record.seq
    return 0


def _numbers(content: bytes) -> Iterable[int]:
    for found in scan(content, 0):
        if not isinstance(found, Damage):
            yield behind(found.record)[0]
