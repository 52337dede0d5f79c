"""Events whose key is taken: duplicates, and conflicts.

The event with the lowest (time, lane uuid, seq) stands; every other content under its key is kept
in `conflicts`. Each content carries the lowest order in which it was seen, so the outcome does
not depend on the order of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.fold import canonical
from projector.revisions import note_revision
from projector.rows import COLUMNS, Stored, fetch, index, spread, unindex, values
from projector.schema import MESSAGE, REVISION

if TYPE_CHECKING:
    import apsw

    from journal.event import Event
    from projector.state import State


_TYPED = "kind = ?, time = ?, lane = ?, seq = ?, place = ?, depth = ?"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record on its way into the projection, its names replaced by numbers."""

    session: int
    kind: int
    lane: int
    seq: int
    event: Event


def collide(db: apsw.Connection, state: State, new: Arrival) -> None:
    """Apply an event whose key is taken."""
    old = fetch(db, new.session, new.event.id)
    if old is None:  # its key stood when the batch was inserted, so it must stand now
        raise AssertionError(f"no event under {new.event.session!r}, {new.event.id!r}")
    content = canonical(new.event.data)
    comes_first = _order(state, new) < state.order(old.time, old.lane, old.seq)
    if old.kind == new.kind and canonical(old.data) == content:
        state.counters["duplicates"] += 1
        if comes_first:
            _move(db, state, new, old)
        return
    rival = _rival(db, new, content)
    if rival is not None:
        state.counters["duplicates"] += 1
        row, order = rival
        if _order(state, new) >= state.order(*order):
            return
        db.execute("DELETE FROM conflicts WHERE id = ?", (row,))
    else:
        state.counters["conflicts"] += 1
    if comes_first:
        _keep(db, new, _as_arrival(state, new, old))
        _replace(db, state, new, old)
    else:
        _keep(db, new, new)


def _order(state: State, arrival: Arrival) -> tuple[int, str, int]:
    return state.order(arrival.event.time, arrival.lane, arrival.seq)


def _rival(
    db: apsw.Connection, new: Arrival, content: bytes
) -> tuple[int, tuple[int, int, int]] | None:
    """Find the same content among the conflicts of the key: its row and order."""
    query = (
        "SELECT id, time, lane, seq FROM conflicts"
        " WHERE session = ? AND key = ? AND type = ? AND data = ?"
    )
    found = db.execute(query, (new.session, new.event.id, new.event.type, content.decode()))
    row = found.fetchone()
    return None if row is None else (row[0], row[1:])


def _as_arrival(state: State, new: Arrival, old: Stored) -> Arrival:
    type = next(name for name, kind in state.kinds.items() if kind == old.kind)
    event = new.event.__class__(new.event.id, type, new.event.session, old.time, old.data)
    return Arrival(new.session, old.kind, old.lane, old.seq, event)


def _keep(db: apsw.Connection, new: Arrival, loser: Arrival) -> None:
    """Keep what does not stand."""
    event = loser.event
    db.execute(
        "INSERT INTO conflicts(session, key, type, time, lane, seq, data)"
        " VALUES(?, ?, ?, ?, ?, ?, ?)",
        (
            new.session,
            event.id,
            event.type,
            event.time,
            loser.lane,
            loser.seq,
            canonical(event.data).decode(),
        ),
    )


def _move(db: apsw.Connection, state: State, new: Arrival, old: Stored) -> None:
    """Let an event stand where its earliest duplicate stands."""
    query = "UPDATE events SET time = ?, lane = ?, seq = ? WHERE id = ?"
    db.execute(query, (new.event.time, new.lane, new.seq, old.row))
    _touch(state, new.session, new.kind, new.event.id, old)


def _touch(state: State, session: int, kind: int, key: str, old: Stored) -> None:
    """Mark what depends on an event whose order or content changed."""
    if kind == MESSAGE:
        state.dirty.places.add(session)
        if session in state.revising:
            state.dirty.revised.add((session, key))
    elif kind == REVISION:
        target = old.data.get("message")
        if isinstance(target, str):
            state.dirty.revised.add((session, target))
    else:
        state.dirty.sessions.add(session)


def _replace(db: apsw.Connection, state: State, new: Arrival, old: Stored) -> None:
    """Put an event in the place of one that no longer stands."""
    event = new.event
    if old.kind == MESSAGE:
        unindex(db, old.row, old.in_force)
        state.counters["messages"] -= 1
        state.dirty.places.add(new.session)
    if old.kind == REVISION:
        db.execute("DELETE FROM revisions WHERE session = ? AND event = ?", (new.session, old.row))
    _touch(state, new.session, old.kind, event.id, old)
    state.counters["unknown"] += state.is_known(old.kind) - state.is_known(new.kind)
    is_message = new.kind == MESSAGE
    place = (event.time, 0) if is_message else (None, None)
    query = f"UPDATE events SET {_TYPED}, {COLUMNS}, original = NULL WHERE id = ?"  # noqa: S608 - constants
    columns = values(spread(new.kind, event.data))
    db.execute(query, (new.kind, event.time, new.lane, new.seq, *place, *columns, old.row))
    if is_message:
        index(db, old.row, event.data)
        state.counters["messages"] += 1
    if new.kind == REVISION:
        note_revision(db, state, new.session, old.row, event)
    replaced = fetch(db, new.session, event.id)
    if replaced is not None:
        _touch(state, new.session, new.kind, event.id, replaced)
