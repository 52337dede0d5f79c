"""What events do to messages that stand as they were said: revisions, removals, new transcripts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import SWEEPING, TRANSCRIPT_REPLACED
from projector.apply.copies import copies_of, with_own
from projector.apply.portion import ROW
from projector.db.columns import to_columns
from projector.db.rows import COLUMNS, STORED, Stored, index, stored, unindex
from projector.db.schema import MESSAGE, TYPES
from projector.fold.messages import (
    IN_TRANSCRIPT,
    OUT,
    Item,
    changed_fields,
    effect,
    items,
    named,
    state_after,
)
from projector.fold.sessions import canonical, revise
from projector.fold.sweeps import joined, reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import apsw

    from projector.apply.arrival import Arrival
    from projector.apply.portion import Portion
    from projector.apply.state import State
    from projector.fold.sweeps import Copies, Order, Reach

EVERY = ""
"""Stands for every message of a session in the table `changes`; no message has this id."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one event did to one message: the state it brought it into, the fields it changed."""

    order: Order
    state: int | None
    fields: Mapping[str, Any] | None


def link(
    db: apsw.Connection, state: State, session: int, row: int, type: str, data: dict[str, Any]
) -> None:
    """Note which messages an event changes."""
    targets = named(type, data)
    if type in SWEEPING:
        targets.add(EVERY)
    if not targets:
        return
    rows = [(session, target, row) for target in targets]
    db.executemany("INSERT OR IGNORE INTO _changes(session, message, event) VALUES(?, ?, ?)", rows)
    state.changing.add(session)


def mark_changed(state: State, session: int, type: str, data: dict[str, Any]) -> None:
    """Mark the messages that an event changes, or no longer changes as it did."""
    if type in SWEEPING:
        state.dirty.transcripts.add(session)
        state.sweeps.pop(session, None)
    else:
        state.dirty.changed |= {(session, target) for target in named(type, data)}


def unlink(db: apsw.Connection, session: int, row: int) -> None:
    """Forget what an event changes which no longer stands."""
    db.execute("DELETE FROM _changes WHERE session = ? AND event = ?", (session, row))


def is_changed(db: apsw.Connection, state: State, message: Arrival) -> bool:
    """Say whether a message that arrives now may be other than it was said."""
    session, _, lane, seq, _, event = message
    swept = state.sweeps.get(session)
    if swept is None:
        query = (
            "SELECT e.ord, e.lane_row, e.seq, e.other_fields FROM _changes c"
            " JOIN _events e ON e.id = c.event WHERE c.session = ? AND c.message = ?"
        )
        swept = state.sweeps[session] = joined(
            reach(state.order(ord, lane, seq), orjson.loads(rest))
            for ord, lane, seq, rest in db.execute(query, (session, EVERY))
        )
    order = state.order(event.order, lane, seq)
    if swept.has(order, {order[1]: seq}):
        return True
    query = "SELECT 1 FROM _changes WHERE session = ? AND message = ?"
    return db.execute(query, (session, event.id)).fetchone() is not None


def refold_changed(db: apsw.Connection, state: State, portion: Portion) -> None:
    """Bring into force what was done to every marked message, as far as the portion goes."""
    dirty = state.dirty
    marked: defaultdict[int, set[str]] = defaultdict(set)
    for session, key in dirty.changed:
        marked[session].add(key)
    for session in sorted(dirty.transcripts | set(marked)):
        everything = session in dirty.transcripts
        dirty.places.add(session)
        keys = None if everything else marked[session]
        if _refold_session(db, state, session, keys, portion):
            dirty.transcripts.discard(session)
            dirty.reached.pop(session, None)
            dirty.changed.difference_update((session, key) for key in marked.get(session, ()))
        if portion.is_spent():
            return


def _refold_session(
    db: apsw.Connection, state: State, session: int, keys: set[str] | None, portion: Portion
) -> bool:
    """Fold marked messages anew, all of the session if `keys` is None; say if all are folded."""
    dirty = state.dirty
    history = _History(db, state, session)
    if keys is None:
        found = _every(db, session, dirty.reached.get(session, ""))
    else:
        found = _some(db, session, keys)
    for row in found:
        key, message = str(row[0]), stored(row[1:])
        order = state.order(message.ord, message.lane_row, message.seq)
        where = with_own(history.copies(key), order[1], message.seq)
        portion.spend(_refold(db, state, session, message, history.of(key, order, where)))
        dirty.changed.discard((session, str(row[0])))
        if keys is None:
            dirty.reached[session] = str(row[0])
        if portion.is_spent():
            return False
    return True


_FETCHED = 256
"""Messages read at a time: a session of any size is folded in memory that does not grow."""


def _every(db: apsw.Connection, session: int, behind: str) -> Iterator[tuple[Any, ...]]:
    """Yield the messages of a session whose ids sort behind one, by id."""
    query = (
        f"SELECT event_id, {STORED} FROM _events INDEXED BY sqlite_autoindex__events_1"
        f" WHERE session = ? AND kind = {MESSAGE} AND event_id > ?"
        f" ORDER BY event_id LIMIT {_FETCHED}"
    )
    while found := db.execute(query, (session, behind)).fetchall():
        yield from found
        behind = str(found[-1][0])


def _some(db: apsw.Connection, session: int, keys: set[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the messages of a session with these ids, by id."""
    query = (
        f"SELECT event_id, {STORED} FROM _events"
        f" WHERE session = ? AND kind = {MESSAGE} AND event_id = ?"
    )
    # a change of what is no message, or not yet: the message's arrival marks it again
    for key in sorted(keys):
        yield from db.execute(query, (session, key))


def _refold(
    db: apsw.Connection, state: State, session: int, message: Stored, changes: Sequence[Change]
) -> int:
    """Bring into force what was done to one message; return what it cost of the portion."""
    reached = state_after(
        OUT if message.transcript_index else IN_TRANSCRIPT,
        [(change.order, change.state) for change in changes if change.state is not None],
    )
    original = message.data
    fields = [(change.order, change.fields) for change in changes if change.fields]
    data = revise(original, fields)
    kept = canonical(original).decode() if fields else None
    columns = to_columns(data)
    if (columns, kept, reached) == (message.columns, message.original, message.state):
        return 0
    if message.state < OUT:
        unindex(db, message.row, session, state.tagged(session), message.in_force)
    if reached < OUT:
        index(db, message.row, session, state.tagged(session), data)
    state.counters["messages"] += (reached == IN_TRANSCRIPT) - (message.state == IN_TRANSCRIPT)
    query = f"UPDATE _events SET {COLUMNS}, original = ?, state = ? WHERE id = ?"
    db.execute(query, (*columns, kept, reached, message.row))
    return ROW + len(columns.content or "") + len(columns.other_fields or "")


class _History:
    """What was done to the messages of one session."""

    def __init__(self, db: apsw.Connection, state: State, session: int) -> None:
        self._db = db
        self._state = state
        self._session = session
        self._decoded: dict[int, dict[str, Any]] = {}
        self._items: dict[int, dict[str, Item]] = {}
        again = db.execute("SELECT 1 FROM _copies WHERE session = ? LIMIT 1", (session,))
        self._is_single = again.fetchone() is None
        self._sweeps = self._events(EVERY)
        self._reach = {row: reach(order, data) for row, (order, _, data) in self._sweeps.items()}
        self._reached = self._by_state()

    def copies(self, key: str) -> Copies:
        """Return where a message was appended, if that was more than once."""
        if self._is_single:
            return {}
        return copies_of(self._db, self._state, self._session, key)

    def of(self, key: str, order: Order, copies: Copies) -> list[Change]:
        """Return what was done to one message.

        Args:
            key: its id.
            order: its place in the order of events.
            copies: where it was appended.
        """
        naming = self._events(key)
        if not naming:  # else a session that was cleared often would cost messages times sweeps
            return [
                Change(order, state, None)
                for state, swept in self._reached.items()
                if swept.has(order, copies)
            ]
        found = []
        for row, (at, type, data) in (self._sweeps | naming).items():
            if row not in naming and not self._reach[row].has(order, copies):
                continue
            item = data if type != TRANSCRIPT_REPLACED else self._item(row, data, key)
            fields = changed_fields(type, item) if row in naming else None
            reached = effect(type, data, is_named=row in naming)
            found.append(Change(at, reached, fields))
        return found

    def _by_state(self) -> dict[int, Reach]:
        """Return what sweeps reach together, by the state into which they bring it."""
        found: defaultdict[int, list[Reach]] = defaultdict(list)
        for row, (_, type, data) in self._sweeps.items():
            state = effect(type, data, is_named=False)
            if state is not None:
                found[state].append(self._reach[row])
        return {state: joined(sweeps) for state, sweeps in found.items()}

    def _item(self, row: int, data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        # worked out once: a transcript of n messages is asked for each of them
        if row not in self._items:
            self._items[row] = items(data)
        return self._items[row].get(key, {})

    def _events(self, target: str) -> dict[int, tuple[Order, str, dict[str, Any]]]:
        query = (
            "SELECT e.id, e.kind, e.ord, e.lane_row, e.seq FROM _changes c"
            " JOIN _events e ON e.id = c.event WHERE c.session = ? AND c.message = ?"
            " ORDER BY e.event_id"
        )
        return {
            row: (self._state.order(ord, lane, seq), TYPES[kind], self._data(row))
            for row, kind, ord, lane, seq in self._db.execute(query, (self._session, target))
        }

    def _data(self, row: int) -> dict[str, Any]:
        """Return an event's data, decoded once: that of a new transcript may be large."""
        if row not in self._decoded:
            query = "SELECT other_fields FROM _events WHERE id = ?"
            self._decoded[row] = orjson.loads(self._db.execute(query, (row,)).get)
        return self._decoded[row]
