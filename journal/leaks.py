"""Secrets that are in clear text in a journal: those that older rules, or no rules, let through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.fs.key_file import new_key
from journal.redact.redactor import Redactor
from journal.segments.reader import read_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from journal.format.scan import Damage
    from journal.fs.directory import Directory
    from journal.redact.scanner import Scanner
    from journal.segments.listing import SegmentRef
    from journal.segments.reader import Located


@dataclass(frozen=True, slots=True)
class Leak:
    """Secrets of one kind in one record.

    Attributes:
        session: the event's session.
        id: the event's id.
        type: the event's type.
        lane: uuid of the record's lane.
        seq: the record's sequence number in the lane.
        kind: what the secrets are.
        count: how many values hold one.
    """

    session: str
    id: str
    type: str
    lane: str
    seq: int
    kind: str
    count: int


def find_leaks(
    directory: Directory,
    scanners: Sequence[Scanner],
    on_damage: Callable[[SegmentRef, Damage], None],
) -> Iterator[Leak]:
    """Yield the secrets that scanners find in the records of a journal, in the order of events.

    Nothing is written. What was redacted already is not found.

    Args:
        directory: the journal.
        scanners: what finds secrets.
        on_damage: called with each stretch of bytes that holds no valid record.

    Raises:
        ReadError: a lane cannot be read.
    """
    # only kinds and counts are needed: a key for this search alone leaves the journal without one
    redactor = Redactor(scanners, new_key)
    for at in read_events(directory.lanes, on_damage):
        event = at.record.event
        _, redacted = redactor.redact(event.type, event.data)
        if redacted is not None:
            yield from leaks(at, redacted.counts)


def leaks(at: Located, counts: Mapping[str, int]) -> Iterator[Leak]:
    """Yield the secrets of a record, given how many there are of each kind."""
    event = at.record.event
    for kind, count in counts.items():
        yield Leak(
            session=event.session,
            id=event.id,
            type=event.type,
            lane=at.lane,
            seq=at.record.seq,
            kind=kind,
            count=count,
        )
