"""Events under a key that has an event already: duplicates and conflicts.

The event with the lowest (order, lane uuid, seq) is in force; every other content under its key
(type, data and what was redacted) is kept in `_other_contents`. One that is the same event as the
one in force counts as a duplicate, any other as a conflict. Whether it is the same follows from
these two alone: when another event comes into force, all contents are compared with it again.

Each content has the lowest order of its records, so the result does not depend on the order of
arrival. A content that is a record of its own anywhere counts as such, also where a
`transcript.replaced` holds it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import orjson

from journal.format.event import Event, is_same
from journal.format.event_types import TRANSCRIPT_REPLACED
from journal.format.fields.line import line_of
from projector.apply.copies import Spot, add_copies
from projector.apply.lines import put_in, remove_line, take_out
from projector.apply.refold import mark, register, unregister
from projector.apply.state import Arrival
from projector.db.kinds import MESSAGE, TYPES
from projector.db.rows import (
    COLUMNS,
    Stored,
    fetch,
    from_redacted,
    spread,
    to_redacted,
)
from projector.fold.messages import IN_TRANSCRIPT, OUT
from projector.fold.sessions import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from projector.apply.state import State


_TYPED = (
    "kind = ?, time = ?, ord = ?, lane_row = ?, seq = ?, transcript_index = ?, state = ?,"
    " order_time = ?, order_depth = ?"
)


class _Content(NamedTuple):
    """The content of an event, as it is stored: equal contents have equal texts."""

    type: str
    data: str
    redacted: str | None

    @property
    def crc(self) -> int:
        """What finds it in the index: a key can have tens of thousands of contents."""
        return crc32(self.data.encode())


def _content(event: Event) -> _Content:
    return _Content(event.type, canonical(event.data).decode(), from_redacted(event.redacted))


class _Other(NamedTuple):
    """A row of `_other_contents`."""

    row: int
    transcript_index: int
    is_same: bool
    ord: int
    lane_row: int
    seq: int

    def add_to_counters(self, state: State, session: int, times: int) -> None:
        """Count it so many times; a message that a transcript holds is no duplicate record."""
        if not self.is_same:
            state.count("conflicts", session, times)
        elif not self.transcript_index:
            state.count("duplicates", session, times)


def resolve_conflicts(db: apsw.Connection, state: State, arrivals: Iterable[Arrival]) -> None:
    """Apply events under keys that have an event already."""
    replaced: dict[tuple[int, str], Event] = {}
    for new in arrivals:
        if _resolve(db, state, new):
            replaced[new.session, new.event.id] = new.event
    # once for each batch: of many contents in descending order, each replaces another
    for (session, _), event in replaced.items():
        _compare_again(db, state, session, event)


def _resolve(db: apsw.Connection, state: State, new: Arrival) -> bool:
    """Apply one event under a key that has an event already; return whether it is in force now."""
    old = fetch(db, new.session, new.event.id)
    if old is None:  # the insert of the batch met it
        raise AssertionError(f"no event under {new.event.session!r}, {new.event.id!r}")
    before = _as_arrival(state, new, old)
    content, in_force = _content(new.event), _content(before.event)
    comes_first = _comes_first(state, (new, content), (before, in_force))
    spots = Spot(old.lane_row, old.seq, old.ord), Spot(new.lane_row, new.seq, new.event.order)
    if add_copies(db, new.session, new.event.id, spots) and state.changing[new.session]:
        # a sweep that has seen this copy reaches the event, also if it has not seen the other
        _mark(state, new.session, old.kind, new.event.id, old.data)
    if content == in_force:
        is_record = not (new.transcript_index or old.transcript_index)
        state.count("duplicates", new.session, is_record)
        _merge(db, state, new, old, comes_first=comes_first)
        return False
    other = _find(db, new, content)
    if other is not None:
        is_record = not (new.transcript_index or other.transcript_index)
        state.count("duplicates", new.session, is_record)
        other = _held_or_not(db, state, new, other)
        if _order(state, new) >= state.order(other.ord, other.lane_row, other.seq):
            return False
        new = new._replace(transcript_index=other.transcript_index)
        other.add_to_counters(state, new.session, -1)
        db.execute("DELETE FROM _other_contents WHERE id = ?", (other.row,))
    if comes_first:
        # what is the same as the new one is determined when the batch is applied
        _add(db, state, before, in_force, is_same=False)
        _replace(db, state, new, old)
    else:
        _add(db, state, new, content, is_same=is_same(before.event, new.event))
    return comes_first


def _comes_first(
    state: State, new: tuple[Arrival, _Content], old: tuple[Arrival, _Content]
) -> bool:
    order, before = _order(state, new[0]), _order(state, old[0])
    if order != before:
        return order < before
    # a record is before the messages within it; of two records with one number the content decides,
    # and not which of them was applied first
    return _rank(new[1]) < _rank(old[1])


def _rank(content: _Content) -> tuple[bool, str, str, str]:
    type, data, redacted = content
    return type != TRANSCRIPT_REPLACED, type, data, redacted or ""


def _order(state: State, arrival: Arrival) -> tuple[int, str, int]:
    return state.order(arrival.event.order, arrival.lane_row, arrival.seq)


def _find(db: apsw.Connection, new: Arrival, content: _Content) -> _Other | None:
    """Find a content among those that are not in force."""
    query = (
        "SELECT id, transcript_index, same, ord, lane_row, seq FROM _other_contents"
        " WHERE session = ? AND event_id = ? AND crc = ?"
        " AND type = ? AND data = ? AND redacted IS ?"
    )
    row = db.execute(query, (new.session, new.event.id, content.crc, *content)).fetchone()
    return None if row is None else _Other(*row)


def _held_or_not(db: apsw.Connection, state: State, new: Arrival, other: _Other) -> _Other:
    """Give a content the lower of two indexes: it is a record of its own if one of them is."""
    if new.transcript_index >= other.transcript_index:
        return other
    other.add_to_counters(state, new.session, -1)
    other = other._replace(transcript_index=new.transcript_index)
    other.add_to_counters(state, new.session, 1)
    query = "UPDATE _other_contents SET transcript_index = ? WHERE id = ?"
    db.execute(query, (other.transcript_index, other.row))
    return other


def _as_arrival(state: State, new: Arrival, old: Stored) -> Arrival:
    type, redacted = state.types[old.kind], to_redacted(old.redacted)
    event = Event(new.event.session, new.event.id, type, old.time, old.ord, old.data, redacted)
    return Arrival(new.session, old.kind, old.lane_row, old.seq, old.transcript_index, event)


def _add(
    db: apsw.Connection, state: State, arrival: Arrival, content: _Content, *, is_same: bool
) -> None:
    """Keep a content that is not in force."""
    session, _, lane_row, seq, held, event = arrival
    db.execute(
        "INSERT INTO _other_contents(session, event_id, time, ord, lane_row, seq,"
        " transcript_index, type, data, redacted, same, crc)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(session, event.id, event.time, event.order, lane_row, seq, held),
            *(*content, is_same, content.crc),
        ),
    )
    other = _Other(0, held, is_same, event.order, lane_row, seq)
    other.add_to_counters(state, session, 1)


def _compare_again(db: apsw.Connection, state: State, session: int, in_force: Event) -> None:
    """Compare the other contents of a key with the event that has come into force."""
    query = (
        "SELECT id, transcript_index, same, ord, lane_row, seq, type, data, redacted"
        " FROM _other_contents WHERE session = ? AND event_id = ?"
    )
    if in_force.redacted is None:  # it is the same as no other one in which nothing was redacted
        query += " AND (same OR redacted IS NOT NULL)"
    rows: list[tuple[Any, ...]] = db.execute(query, (session, in_force.id)).fetchall()
    for *columns, type, data, text in rows:
        other, redacted = _Other(*columns), to_redacted(text)
        event = Event("", in_force.id, type, 0, 0, orjson.loads(data), redacted)
        found = is_same(in_force, event)
        if found != other.is_same:
            other.add_to_counters(state, session, -1)
            other._replace(is_same=found).add_to_counters(state, session, 1)
            db.execute("UPDATE _other_contents SET same = ? WHERE id = ?", (found, other.row))


def _merge(
    db: apsw.Connection, state: State, new: Arrival, old: Stored, *, comes_first: bool
) -> None:
    """Give an event the order of its earliest duplicate."""
    if not comes_first and new.transcript_index >= old.transcript_index:
        return
    index = min(new.transcript_index, old.transcript_index)
    event = new.event
    at = (
        (event.time, event.order, new.lane_row, new.seq)
        if comes_first
        else (old.time, old.ord, old.lane_row, old.seq)
    )
    query = (
        "UPDATE _events SET time = ?, ord = ?, lane_row = ?, seq = ?, transcript_index = ?"
        " WHERE id = ?"
    )
    db.execute(query, (*at, index, old.row))
    state.count("events", new.session, bool(old.transcript_index) - bool(index))
    if new.kind == MESSAGE and new.session > 0:
        state.note_outgoing((old.row,))  # its date and its machine may be others now
    _mark(state, new.session, new.kind, new.event.id, old.data)


def _mark(state: State, session: int, kind: int, id: str, data: dict[str, Any]) -> None:
    """Mark what depends on an event whose order or content changed."""
    if state.sharing[session]:
        state.dirty.replays.add(session)
    if kind == MESSAGE:
        state.dirty.order.add(session)
        state.dirty.messages.add((session, id))
    else:
        mark(state, session, kind, data)


def _replace(db: apsw.Connection, state: State, new: Arrival, old: Stored) -> None:
    """Put an event into the row of a later one."""
    event = new.event
    if old.kind == MESSAGE:
        take_out(db, state, new.session, old)
        state.count("messages", new.session, -(old.state == IN_TRANSCRIPT))
        state.dirty.order.add(new.session)
    else:
        unregister(db, state, new.session, old.row, old.kind, old.data)
    state.count("unknown", new.session, (old.kind in TYPES) - (new.kind in TYPES))
    held = bool(old.transcript_index) - bool(new.transcript_index)
    state.count("events", new.session, held)
    is_message = new.kind == MESSAGE
    place = (event.order, 0) if is_message else (None, None)
    initial = OUT if new.transcript_index else IN_TRANSCRIPT
    query = f"UPDATE _events SET {_TYPED}, {COLUMNS}, original = NULL, redacted = ? WHERE id = ?"
    columns = spread(event.type, event.data)
    at = (event.time, event.order, new.lane_row, new.seq, new.transcript_index)
    redacted = from_redacted(event.redacted)
    db.execute(query, (new.kind, *at, initial, *place, *columns, redacted, old.row))
    before = line_of(event.id, old.in_force) if old.kind == MESSAGE else None
    if not is_message:
        if before is not None:
            remove_line(db, state, before, old.row)
        register(db, state, old.row, new)
        return
    put_in(db, state, new.session, (old.row, event.id, initial, event.data), before)
    state.count("messages", new.session, initial < OUT)
    _mark(state, new.session, new.kind, event.id, event.data)
