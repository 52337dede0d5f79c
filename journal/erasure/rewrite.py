"""Computes a segment without its forgotten events. Pure: items in, pieces out.

A segment is not copied line by line: the new file consists of stretches of the old file, and of new
lines between them. So the memory of a rewrite depends only on its changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from journal.format.frame import frame
from journal.format.record import Erased, encode_erased, encode_event
from journal.format.scan import MISPLACED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from journal.format.event import Event
    from journal.format.record import Header, Record
    from journal.format.scan import Damage

DAMAGED = "damaged"
"""The reason of a run of erased events in place of bytes that were no valid record."""


class Decision(Protocol):
    """Decides which parts of an event are kept: `journal.erasure.requests.Forgotten`."""

    def apply(self, event: Event, lane: str, seq: int) -> tuple[Event | None, str]:
        """Return the event, its remaining parts, or None; and the id of the request."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A stretch of the old segment that stays, byte for byte: from `start` up to `end`."""

    start: int
    end: int


Piece = Kept | bytes
"""A stretch of the old segment, or bytes that replace one."""


@dataclass(slots=True)
class _Run:
    """A run of erased events that may still grow, and the stretch that it replaces."""

    erased: Erased
    start: int
    end: int
    closed: bool
    is_new: bool


class Rewriting:
    """Gets the items of one segment in order, and collects the pieces of the new one.

    Args:
        decision: decides which parts of each event are kept.
        joins: whether neighbours become one run. In a journal of version 1 each erased event has a
            line of its own: a writer of that version counts a line that it does not know as one
            number.
        erases_damage: whether bytes that are no valid record are erased, too. They cannot be
            checked, and may contain forgotten text.

    Attributes:
        pieces: the new segment behind its header; complete after `finish`.
        lines: events that were erased or reduced.
        bytes: bytes of their old lines, and of damage that is erased.
        damage: the stretches that are no valid record.
        is_changed: whether the new segment differs from the old one.
    """

    def __init__(self, decision: Decision, *, joins: bool, erases_damage: bool) -> None:
        self.pieces: list[Piece] = []
        self.lines = 0
        self.bytes = 0
        self.damage: list[Damage] = []
        self.is_changed = False
        self._decision = decision
        self._joins = joins
        self._erases_damage = erases_damage
        self._run: _Run | None = None
        self._next: int | None = None
        self._order = 0
        self._closed = True
        self._hole = False
        self._lost = 0

    def header(self, header: Header) -> None:
        """Handle the segment's header, which is not among the pieces."""
        self._next = header.seq

    def record(
        self, record: Record | Erased, lane: str, start: int, end: int, *, closed: bool
    ) -> None:
        """Handle a record or a run of erased events.

        Args:
            record: the next one.
            lane: uuid of its lane.
            start: offset of its first byte.
            end: offset behind it.
            closed: whether the newline that ends it is there.
        """
        self._fill(record)
        if isinstance(record, Erased):
            self._add_run(_Run(record, start, end, closed, is_new=False))
            self._note(record.seq + record.count, record.order, closed=closed)
            return
        event = record.event
        left, by = self._decision.apply(event, lane, record.seq)
        if left is None:
            erased = Erased(record.seq, 1, event.order, by)
            self._add_run(_Run(erased, start, end, closed, is_new=True))
        elif left is event or left == event:
            self._keep(start, end)
        else:
            line = encode_event(record.seq, left)
            self._put(line if closed else line[:-1])
        if left is not event and left != event:
            self.lines += 1
            self.bytes += end - start
            self.is_changed = True
        self._note(record.seq + 1, event.order, closed=closed)

    def take_damage(self, damage: Damage, newlines: int) -> None:
        """Handle a stretch of bytes that is no valid record.

        Args:
            damage: where it is.
            newlines: how many newlines it has: each may end a record that was damaged, whose number
                stays used.
        """
        if damage.reason != MISPLACED:
            self.damage.append(damage)
        if damage.reason == MISPLACED or not self._erases_damage:
            self._keep(damage.offset, damage.offset + damage.length)
            self._lost += newlines
            self._closed = newlines > 0
            return
        self.bytes += damage.length
        self._flush()
        if not self._closed:
            self.pieces.append(b"\n")  # the first newline ended the record before it
            newlines = max(0, newlines - 1)
        self._closed, self._hole, self.is_changed = True, True, True
        self._lost += newlines

    def take_refused(self, damage: Damage) -> None:
        """Handle an unfinished line at the end of the segment that is no event: it is left out."""
        self._flush()
        self.bytes += damage.length
        self.is_changed = True

    def finish(self) -> None:
        """Finish the last run of erased events."""
        if self._hole and self._lost and self._next is not None:
            self._add_lost(self._lost, self._order)
        self._flush()

    def _note(self, following: int, order: int, *, closed: bool) -> None:
        self._next = max(following, self._next or 0)
        self._order = max(order, self._order)
        self._closed, self._hole, self._lost = closed, False, 0

    def _fill(self, record: Record | Erased) -> None:
        """Put a run in place of the numbers that were in erased damage before a record."""
        if not self._hole or self._next is None or record.seq <= self._next:
            return
        order = record.order if isinstance(record, Erased) else record.event.order
        self._add_lost(record.seq - self._next, max(self._order, order - 1))

    def _add_lost(self, count: int, order: int) -> None:
        first = self._next or 0
        for run in (
            [Erased(first, count, order, DAMAGED)]
            if self._joins
            else [Erased(first + n, 1, order, DAMAGED) for n in range(count)]
        ):
            self._add_run(_Run(run, 0, 0, closed=True, is_new=True))

    def _add_run(self, new: _Run) -> None:
        old, self._run = self._run, new
        if old is None:
            return
        first, second = old.erased, new.erased
        if (
            self._joins
            and (old.is_new or new.is_new)
            and old.closed
            and first.by == second.by
            and second.seq == first.seq + first.count
        ):
            joined = replace(
                first, count=first.count + second.count, order=max(first.order, second.order)
            )
            self._run = _Run(joined, old.start, new.end, new.closed, is_new=True)
        else:
            self._write(old)

    def _flush(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            self._write(run)

    def _write(self, run: _Run) -> None:
        if run.is_new:
            line = encode_erased(run.erased)
            self.pieces.append(line if run.closed else line[:-1])
        else:
            self._extend(run.start, run.end)

    def _put(self, line: bytes) -> None:
        self._flush()
        self.pieces.append(line)

    def _keep(self, start: int, end: int) -> None:
        self._flush()
        self._extend(start, end)

    def _extend(self, start: int, end: int) -> None:
        last = self.pieces[-1] if self.pieces else None
        if isinstance(last, Kept) and last.end == start:
            self.pieces[-1] = Kept(last.start, end)
        else:
            self.pieces.append(Kept(start, end))


def new_header(line: bytes, uuid: str, joined: Iterable[str] = ()) -> bytes:
    """Return the header of a segment that supersedes another one.

    All other values stay, also those that this program does not know. The inode is removed, so that
    no writer continues under the lane's uuid, whose last numbers others may have read.

    Args:
        line: the old header, newline included.
        uuid: of the new segment.
        joined: uuids of the segments behind that one which it supersedes, too.
    """
    fields: dict[str, Any] = orjson.loads(line)
    for name in ("crc", "inode"):
        fields.pop(name, None)
    before = fields.get("supersedes")
    ancestors = before if isinstance(before, list) else []
    fields["supersedes"] = [fields["segment"], *ancestors, *joined]
    fields["segment"] = uuid
    new = frame(orjson.dumps(fields))
    return new if line.endswith(b"\n") else new[:-1]
