"""Events whose key is taken: duplicates, and conflicts.

The event with the lowest (order, lane uuid, seq) stands; every other content under its key is kept
in `conflicts`. Each content carries the lowest order in which it was seen, so the outcome does
not depend on the order of arrival. A content that is a record of its own in one place is none that
only a new transcript brought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.event_types import TRANSCRIPT_REPLACED
from projector.apply.arrival import Arrival
from projector.apply.copies import Spot, note_copies
from projector.apply.facts import take_back, take_in, touch
from projector.db.rows import COLUMNS, Stored, fetch, index, spread, unindex
from projector.db.schema import MESSAGE
from projector.fold.messages import IN_TRANSCRIPT, OUT
from projector.fold.sessions import canonical

if TYPE_CHECKING:
    import apsw

    from projector.apply.state import State


_TYPED = (
    "kind = ?, time = ?, ord = ?, lane_row = ?, seq = ?, transcript_index = ?, state = ?,"
    " order_time = ?, order_depth = ?"
)


def collide(db: apsw.Connection, state: State, new: Arrival) -> None:
    """Apply an event whose key is taken."""
    old = fetch(db, new.session, new.event.id)
    if old is None:  # its key stood when the batch was inserted, so it must stand now
        raise AssertionError(f"no event under {new.event.session!r}, {new.event.id!r}")
    content = canonical(new.event.data)
    comes_first = _comes_first(state, new, old, content)
    spots = Spot(old.lane_row, old.seq, old.ord), Spot(new.lane_row, new.seq, new.event.order)
    if note_copies(db, new.session, new.event.id, spots) and new.session in state.changing:
        # a sweep that has seen this copy reaches the key, though it has not seen the other
        _touch(state, new.session, old.kind, new.event.id, old.data)
    if old.kind == new.kind and canonical(old.data) == content:
        state.counters["duplicates"] += not (new.transcript_index or old.transcript_index)
        _join(db, state, new, old, comes_first=comes_first)
        return
    rival = _rival(db, new, content)
    if rival is not None:
        row, part, order = rival
        state.counters["duplicates"] += not (new.transcript_index or part)
        if part > new.transcript_index:
            query = "UPDATE _conflicts SET transcript_index = ? WHERE id = ?"
            db.execute(query, (new.transcript_index, row))
        if _order(state, new) >= state.order(*order):
            return
        new = new._replace(transcript_index=min(part, new.transcript_index))
        db.execute("DELETE FROM _conflicts WHERE id = ?", (row,))
    else:
        state.counters["conflicts"] += 1
    if comes_first:
        _keep(db, new, _as_arrival(state, new, old))
        _replace(db, state, new, old)
    else:
        _keep(db, new, new)


def _comes_first(state: State, new: Arrival, old: Stored, content: bytes) -> bool:
    order, before = _order(state, new), state.order(old.ord, old.lane_row, old.seq)
    if order != before:
        return order < before
    # a record comes before the messages that it brings; of two records that have one number what
    # they say decides, never who was applied first
    type = _as_arrival(state, new, old).event.type
    rank = new.event.type != TRANSCRIPT_REPLACED, new.event.type, content
    return rank < (type != TRANSCRIPT_REPLACED, type, canonical(old.data))


def _order(state: State, arrival: Arrival) -> tuple[int, str, int]:
    return state.order(arrival.event.order, arrival.lane_row, arrival.seq)


def _rival(
    db: apsw.Connection, new: Arrival, content: bytes
) -> tuple[int, int, tuple[int, int, int]] | None:
    """Find the same content among the conflicts of the key: its row, part and order."""
    query = (
        "SELECT id, transcript_index, ord, lane_row, seq FROM _conflicts"
        " WHERE session = ? AND event_id = ? AND type = ? AND data = ?"
    )
    found = db.execute(query, (new.session, new.event.id, new.event.type, content.decode()))
    row = found.fetchone()
    return None if row is None else (row[0], row[1], row[2:])


def _as_arrival(state: State, new: Arrival, old: Stored) -> Arrival:
    type = next(name for name, kind in state.kinds.items() if kind == old.kind)
    event = new.event.__class__(new.event.session, new.event.id, type, old.time, old.ord, old.data)
    return Arrival(new.session, old.kind, old.lane_row, old.seq, old.transcript_index, event)


def _keep(db: apsw.Connection, new: Arrival, loser: Arrival) -> None:
    """Keep what does not stand."""
    event = loser.event
    db.execute(
        "INSERT INTO _conflicts(session, event_id, type, time, ord, lane_row, seq,"
        " transcript_index, data) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.session,
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


def _join(
    db: apsw.Connection, state: State, new: Arrival, old: Stored, *, comes_first: bool
) -> None:
    """Let an event stand where its earliest duplicate stands."""
    if not comes_first and new.transcript_index >= old.transcript_index:
        return
    part = min(new.transcript_index, old.transcript_index)
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
    db.execute(query, (*at, part, old.row))
    state.counters["events"] += bool(old.transcript_index) - bool(part)
    _touch(state, new.session, new.kind, new.event.id, old.data)


def _touch(state: State, session: int, kind: int, key: str, data: dict[str, Any]) -> None:
    """Mark what depends on an event whose order or content changed."""
    if kind == MESSAGE:
        state.dirty.places.add(session)
        state.dirty.changed.add((session, key))
    else:
        touch(state, session, kind, data)


def _replace(db: apsw.Connection, state: State, new: Arrival, old: Stored) -> None:
    """Put an event in the place of one that no longer stands."""
    event = new.event
    if old.kind == MESSAGE:
        if old.state < OUT:
            unindex(db, old.row, new.session, state.tagged(new.session), old.in_force)
        state.counters["messages"] -= old.state == IN_TRANSCRIPT
        state.dirty.places.add(new.session)
    else:
        take_back(db, state, new.session, old.row, old.kind, old.data)
    state.counters["unknown"] += state.is_known(old.kind) - state.is_known(new.kind)
    state.counters["events"] += bool(old.transcript_index) - bool(new.transcript_index)
    is_message = new.kind == MESSAGE
    place = (event.order, 0) if is_message else (None, None)
    reached = OUT if new.transcript_index else IN_TRANSCRIPT
    query = f"UPDATE _events SET {_TYPED}, {COLUMNS}, original = NULL WHERE id = ?"
    columns = spread(event.type, event.data)
    at = (event.time, event.order, new.lane_row, new.seq, new.transcript_index)
    db.execute(query, (new.kind, *at, reached, *place, *columns, old.row))
    if not is_message:
        take_in(db, state, old.row, new)
        return
    if reached < OUT:
        index(db, old.row, new.session, state.tagged(new.session), event.data)
        state.counters["messages"] += 1
    _touch(state, new.session, new.kind, event.id, event.data)
