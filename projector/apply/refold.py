"""Sessions, usage and keys are folded again from their events after these changed.

An event that arrives is registered (`register`): it marks what depends on it in `State.dirty`, or
is added to it at once where that is cheap and exact. What is marked is folded again, whole, before
the transaction is committed (`refold`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import (
    KEY_DELETED,
    KEY_SET,
    SESSION_CREATED,
    SESSION_DELETED,
    SESSION_ENDED,
    SESSION_ENSURED,
    SESSION_REOPENED,
    SESSION_REVISED,
    SESSION_TITLED,
    SWEEPING,
    USAGE_ADDED,
    USAGE_SET,
)
from projector.apply.copies import copies_in, with_own
from projector.apply.facets import index_title
from projector.apply.lines import add_lines, remove_line
from projector.apply.message_changes import link, mark_changed, refold_changed, unlink
from projector.apply.portion import ROW
from projector.apply.replays import note_parent, refold_replays
from projector.db.kinds import KINDS, MESSAGE, TYPES
from projector.db.schema import is_foreign
from projector.fold.replays import usage_line
from projector.fold.sessions import (
    COLUMNS,
    FIELDS,
    MISSING,
    OrderedEvent,
    amounts,
    call_of,
    canonical,
    fold_keys,
    fold_session,
    fold_usage,
    since_deletion,
)
from projector.fold.sweeps import joined, reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import apsw

    from projector.apply.portion import Portion
    from projector.apply.state import Arrival, State
    from projector.fold.sweeps import Order

SESSION_TYPES = (
    SESSION_CREATED,
    SESSION_ENSURED,
    SESSION_REVISED,
    SESSION_TITLED,
    SESSION_ENDED,
    SESSION_REOPENED,
    SESSION_DELETED,
)
_USAGE_TYPES = (USAGE_ADDED, USAGE_SET, SESSION_DELETED)
_KEY_TYPES = (KEY_SET, KEY_DELETED, SESSION_DELETED)
"""Types of events from which a session, its usage and its keys are folded."""


def register(db: apsw.Connection, state: State, row: int, arrival: Arrival) -> None:
    """Register an event, which is no message, that has just been inserted as a row."""
    event, session = arrival.event, arrival.session
    if event.type == USAGE_ADDED:
        if (line := usage_line(event.data)) is not None:
            add_lines(db, state, [(line, row)])
        if not is_foreign(session):
            _add_usage(db, state, session, event.data)
    elif event.type in (KEY_SET, KEY_DELETED):
        _put_key(db, state, arrival)
    else:
        swept = state.sweeps.get(session)
        link(db, state, session, row, event.type, event.data)
        mark(state, session, arrival.kind, event.data)
        if swept is not None and event.type in SWEEPING:
            # joining all sweeps again for each new one would take quadratic time
            order = state.order(event.order, arrival.lane_row, arrival.seq)
            state.sweeps[session] = joined([swept, reach(order, event.data)])


def register_other(db: apsw.Connection, state: State, row: int, arrival: Arrival) -> None:
    """Register an event of any type but a message."""
    if arrival.kind in TYPES:
        register(db, state, row, arrival)
    else:
        state.count("unknown", arrival.session, 1)


def unregister(
    db: apsw.Connection, state: State, session: int, row: int, kind: int, data: Mapping[str, Any]
) -> None:
    """Undo `register` for an event that another one replaces under its key."""
    unlink(db, session, row)
    if kind == KINDS[USAGE_ADDED] and (line := usage_line(data)) is not None:
        remove_line(db, state, line, row)
    mark(state, session, kind, data)


def mark(state: State, session: int, kind: int, data: Mapping[str, Any]) -> None:
    """Mark what depends on an event, which is no message, whose order or content changed."""
    type = TYPES.get(kind)
    dirty = state.dirty
    if type is None:
        return
    mark_changed(state, session, type, data)
    if type in SESSION_TYPES:
        dirty.sessions.add(session)
    if type in _USAGE_TYPES:
        dirty.usage.add(session)
        if state.sharing[session]:
            dirty.replays.add(session)
    if type in _KEY_TYPES:
        dirty.keys.add(session)


def refold(db: apsw.Connection, state: State, portion: Portion) -> None:
    """Fold again what is marked, as much as the portion lets; the rest stays marked."""
    refold_changed(db, state, portion)
    _refold_sessions(db, state, portion)
    dirty = state.dirty
    if not (dirty.messages or dirty.transcripts or dirty.sessions):
        refold_replays(db, state, portion)
    _refold_usage(db, state, portion)
    _refold_keys(db, state, portion)


def _load_events(
    db: apsw.Connection, state: State, session: int, types: Sequence[str]
) -> list[OrderedEvent]:
    """Read a session's events of some types, none of them messages, sorted by id.

    Two events can have one order, where a lane gave a number twice: then the id decides, and not
    which of them arrived first.
    """
    marks = ", ".join("?" * len(types))
    copies = copies_in(db, state, session)
    found = db.execute(
        "SELECT event_id, kind, time, ord, lane_row, seq, other_fields FROM _events"
        f" WHERE session = ? AND kind <> {MESSAGE} AND kind IN ({marks})"
        " AND NOT EXISTS (SELECT 1 FROM _shared WHERE event = _events.id AND home IS NOT NULL)"
        " ORDER BY event_id",
        (session, *(KINDS[type] for type in types)),
    )
    return [
        OrderedEvent(
            order := state.order(ord, lane_row, seq),
            TYPES[kind],
            orjson.loads(data),
            time,
            with_own(copies.get(id, {}), order[1], seq),
        )
        for id, kind, time, ord, lane_row, seq, data in found
    ]


_SESSION_COLUMNS = (*COLUMNS, "ended", "end_reason", "extra", "known")
_PUT_SESSION = (
    f"UPDATE _sessions SET {', '.join(f'{n} = ?' for n in _SESSION_COLUMNS)} WHERE id = ?"
)


def _refold_sessions(db: apsw.Connection, state: State, portion: Portion) -> None:
    for session in _marked(state.dirty.sessions, portion):
        folded = fold_session(_load_events(db, state, session, SESSION_TYPES))
        fields = [folded.fields.get(name) for name in FIELDS]
        # NULL where there is no extra, as in the row of a session that was never folded
        values = [*fields, folded.ended, folded.end_reason, folded.extra or None, folded.known]
        row = [canonical(v).decode() if isinstance(v, dict) else v for v in values]
        query = "SELECT parent, title FROM _sessions WHERE id = ?"
        [(parent, title)] = db.execute(query, (session,))
        if parent != folded.fields.get("parent"):
            note_parent(db, state, session)
        if is_foreign(session):  # it is no session of this part, so it is not known
            now = folded.fields.get("parent"), folded.fields.get("title")
            db.execute("UPDATE _sessions SET parent = ?, title = ? WHERE id = ?", (*now, session))
            continue
        index_title(db, session, title, folded.fields.get("title"))
        db.execute(_PUT_SESSION, (*row, session))
        state.regiven.add(session)
    state.named.clear()


def _marked(sessions: set[int], portion: Portion) -> Iterator[int]:
    """Yield marked sessions, and take their marks off, until the portion is spent."""
    for session in sorted(sessions):
        if portion.is_spent():
            return
        yield session
        sessions.discard(session)
        portion.spend(ROW)


LARGEST_TOTAL = 2**63 - 1
"""The largest total in the column `total`, as SQLite has no larger integers. The digits of a larger
one are in `exact`: a total does not depend on the order in which it was added up."""

_PUT_USAGE = "INSERT OR REPLACE INTO _usage(session, name, total, exact) VALUES(?, ?, ?, ?)"


def _add_usage(db: apsw.Connection, state: State, session: int, data: Mapping[str, Any]) -> None:
    if session in state.dirty.usage:
        return
    if call_of(data) is None and _is_only_added(db, state, session):
        # a sum does not need its addends
        state.used.setdefault(session, Counter()).update(amounts(data))
    else:
        state.dirty.usage.add(session)


def _is_only_added(db: apsw.Connection, state: State, session: int) -> bool:
    """Return whether the totals of a session are plain sums."""
    found = state.only_adds.get(session)
    if found is None:
        query = f"SELECT 1 FROM _events WHERE session = ? AND kind <> {MESSAGE} AND kind IN (?, ?)"
        bound = (session, KINDS[USAGE_SET], KINDS[SESSION_DELETED])
        found = state.only_adds[session] = db.execute(query, bound).fetchone() is None
    return found


def _refold_usage(db: apsw.Connection, state: State, portion: Portion) -> None:
    for session, added in state.used.items():
        if portion.is_spent():
            state.dirty.usage.add(session)  # what it used is added up from its events later
        elif session not in state.dirty.usage:
            portion.spend(ROW)
            query = "SELECT name, coalesce(exact, total) FROM _usage WHERE session = ?"
            before = {name: int(total) for name, total in db.execute(query, (session,))}
            totals = {name: before.get(name, 0) + amount for name, amount in added.items()}
            _put_usage(db, session, totals)
    state.used.clear()
    for session in _marked(state.dirty.usage, portion):
        if is_foreign(session):
            continue
        events = _load_events(db, state, session, _USAGE_TYPES)
        db.execute("DELETE FROM _usage WHERE session = ?", (session,))
        _put_usage(db, session, fold_usage(since_deletion(events)))
    state.only_adds.clear()


def _put_usage(db: apsw.Connection, session: int, totals: Mapping[str, int]) -> None:
    # added up in Python: SQLite makes a float of a sum above 64 bits, which depends on the order
    rows = [
        (session, name, min(total, LARGEST_TOTAL), str(total) if total > LARGEST_TOTAL else None)
        for name, total in totals.items()
    ]
    db.executemany(_PUT_USAGE, rows)


_PUT_KEY = """
INSERT OR REPLACE INTO _keys(session, key, value, ord, lane_row, seq) VALUES(?, ?, ?, ?, ?, ?)
"""


def _put_key(db: apsw.Connection, state: State, arrival: Arrival) -> None:
    """Store a key's event that has just come in, if it is the last of the key."""
    session, event = arrival.session, arrival.event
    if state.changing[session]:  # a deletion of the session may be later
        state.dirty.keys.add(session)
        return
    order = state.order(event.order, arrival.lane_row, arrival.seq)
    folded = fold_keys([OrderedEvent(order, event.type, event.data, event.time, {})])
    for key, (order, value) in folded.items():
        query = "SELECT ord, lane_row, seq FROM _keys WHERE session = ? AND key = ?"
        old = db.execute(query, (session, key)).fetchone()
        if old is not None and state.order(*old) == order:
            state.dirty.keys.add(session)  # a lane gave the number twice: compare both events
        elif old is None or state.order(*old) < order:
            db.execute(_PUT_KEY, _key_row(state, session, key, order, value))


def _refold_keys(db: apsw.Connection, state: State, portion: Portion) -> None:
    for session in _marked(state.dirty.keys, portion):
        folded = fold_keys(since_deletion(_load_events(db, state, session, _KEY_TYPES)))
        db.execute("DELETE FROM _keys WHERE session = ?", (session,))
        rows = [_key_row(state, session, key, *last) for key, last in folded.items()]
        db.executemany(_PUT_KEY, rows)


def _key_row(
    state: State, session: int, key: str, order: Order, value: object
) -> tuple[int | str | None, ...]:
    ord, lane, seq = order
    encoded = None if value is MISSING else orjson.dumps(value).decode()
    return session, key, encoded, ord, state.lanes[lane], seq
