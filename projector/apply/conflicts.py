"""Events under a key that has an event already: duplicates and conflicts.

The event with the lowest (order, lane uuid, seq) is in force; every other content under its key is
kept in `_conflicts`. Each content has the lowest order of its records, so the result does not
depend on the order of arrival. A content that is a record of its own anywhere counts as such, also
where a `transcript.replaced` holds it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.event_types import TRANSCRIPT_REPLACED
from projector.apply.copies import Spot, add_copies
from projector.apply.refold import mark, register, unregister
from projector.apply.state import Arrival
from projector.db.kinds import MESSAGE, TYPES
from projector.db.rows import COLUMNS, Stored, fetch, index, spread, unindex
from projector.fold.messages import IN_TRANSCRIPT, OUT
from projector.fold.sessions import canonical

if TYPE_CHECKING:
    import apsw

    from projector.apply.state import State


_TYPED = (
    "kind = ?, time = ?, ord = ?, lane_row = ?, seq = ?, transcript_index = ?, state = ?,"
    " order_time = ?, order_depth = ?"
)


def resolve_conflict(db: apsw.Connection, state: State, new: Arrival) -> None:
    """Apply an event under a key that has an event already."""
    old = fetch(db, new.session, new.event.id)
    if old is None:  # the insert of the batch met it
        raise AssertionError(f"no event under {new.event.session!r}, {new.event.id!r}")
    content = canonical(new.event.data)
    comes_first = _comes_first(state, new, old, content)
    spots = Spot(old.lane_row, old.seq, old.ord), Spot(new.lane_row, new.seq, new.event.order)
    if add_copies(db, new.session, new.event.id, spots) and state.changing[new.session]:
        # a sweep that has seen this copy reaches the event, also if it has not seen the other
        _mark(state, new.session, old.kind, new.event.id, old.data)
    if old.kind == new.kind and canonical(old.data) == content:
        state.counters["duplicates"] += not (new.transcript_index or old.transcript_index)
        _merge(db, state, new, old, comes_first=comes_first)
        return
    rival = _rival(db, new, content)
    if rival is not None:
        row, within, order = rival
        state.counters["duplicates"] += not (new.transcript_index or within)
        if within > new.transcript_index:
            query = "UPDATE _conflicts SET transcript_index = ? WHERE id = ?"
            db.execute(query, (new.transcript_index, row))
        if _order(state, new) >= state.order(*order):
            return
        new = new._replace(transcript_index=min(within, new.transcript_index))
        db.execute("DELETE FROM _conflicts WHERE id = ?", (row,))
    else:
        state.counters["conflicts"] += 1
    if comes_first:
        _add_conflict(db, _as_arrival(state, new, old))
        _replace(db, state, new, old)
    else:
        _add_conflict(db, new)


def _comes_first(state: State, new: Arrival, old: Stored, content: bytes) -> bool:
    order, before = _order(state, new), state.order(old.ord, old.lane_row, old.seq)
    if order != before:
        return order < before
    # a record comes before the messages that it holds; of two records with one number the content
    # decides, and not which of them was applied first
    type = _as_arrival(state, new, old).event.type
    rank = new.event.type != TRANSCRIPT_REPLACED, new.event.type, content
    return rank < (type != TRANSCRIPT_REPLACED, type, canonical(old.data))


def _order(state: State, arrival: Arrival) -> tuple[int, str, int]:
    return state.order(arrival.event.order, arrival.lane_row, arrival.seq)


def _rival(
    db: apsw.Connection, new: Arrival, content: bytes
) -> tuple[int, int, tuple[int, int, int]] | None:
    """Find the same content among the conflicts: its row, transcript index and order."""
    query = (
        "SELECT id, transcript_index, ord, lane_row, seq FROM _conflicts"
        " WHERE session = ? AND event_id = ? AND type = ? AND data = ?"
    )
    found = db.execute(query, (new.session, new.event.id, new.event.type, content.decode()))
    row = found.fetchone()
    return None if row is None else (row[0], row[1], row[2:])


def _as_arrival(state: State, new: Arrival, old: Stored) -> Arrival:
    type = state.types[old.kind]
    event = new.event.__class__(new.event.session, new.event.id, type, old.time, old.ord, old.data)
    return Arrival(new.session, old.kind, old.lane_row, old.seq, old.transcript_index, event)


def _add_conflict(db: apsw.Connection, loser: Arrival) -> None:
    event = loser.event
    db.execute(
        "INSERT INTO _conflicts(session, event_id, type, time, ord, lane_row, seq,"
        " transcript_index, data) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            loser.session,
            event.id,
            event.type,
            event.time,
            event.order,
            loser.lane_row,
            loser.seq,
            loser.transcript_index,
            canonical(event.data).decode(),
        ),
    )


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
    state.counters["events"] += bool(old.transcript_index) - bool(index)
    _mark(state, new.session, new.kind, new.event.id, old.data)


def _mark(state: State, session: int, kind: int, id: str, data: dict[str, Any]) -> None:
    """Mark what depends on an event whose order or content changed."""
    if kind == MESSAGE:
        state.dirty.order.add(session)
        state.dirty.messages.add((session, id))
    else:
        mark(state, session, kind, data)


def _replace(db: apsw.Connection, state: State, new: Arrival, old: Stored) -> None:
    """Put an event into the row of one that comes after it."""
    event = new.event
    if old.kind == MESSAGE:
        if old.state < OUT:
            unindex(db, old.row, new.session, state.tagged[new.session], old.in_force)
        state.counters["messages"] -= old.state == IN_TRANSCRIPT
        state.dirty.order.add(new.session)
    else:
        unregister(db, state, new.session, old.row, old.kind, old.data)
    state.counters["unknown"] += (old.kind in TYPES) - (new.kind in TYPES)
    state.counters["events"] += bool(old.transcript_index) - bool(new.transcript_index)
    is_message = new.kind == MESSAGE
    place = (event.order, 0) if is_message else (None, None)
    initial = OUT if new.transcript_index else IN_TRANSCRIPT
    query = f"UPDATE _events SET {_TYPED}, {COLUMNS}, original = NULL WHERE id = ?"
    columns = spread(event.type, event.data)
    at = (event.time, event.order, new.lane_row, new.seq, new.transcript_index)
    db.execute(query, (new.kind, *at, initial, *place, *columns, old.row))
    if not is_message:
        register(db, state, old.row, new)
        return
    if initial < OUT:
        index(db, old.row, new.session, state.tagged[new.session], event.data)
        state.counters["messages"] += 1
    _mark(state, new.session, new.kind, event.id, event.data)
