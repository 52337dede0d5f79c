"""Revisions, removals and new transcripts, applied to the messages that they change."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import SWEEPING, TRANSCRIPT_REPLACED
from journal.format.fields.line import line_of
from projector.apply.copies import copies_of, with_own
from projector.apply.lines import put_in, take_out
from projector.apply.portion import ROW
from projector.db.columns import to_columns
from projector.db.kinds import MESSAGE, TYPES
from projector.db.rows import COLUMNS, STORED, Stored, stored
from projector.fold.messages import (
    IN_TRANSCRIPT,
    OUT,
    Item,
    changed_fields,
    effect,
    items,
    named,
    revised,
    state_after,
)
from projector.fold.sessions import canonical
from projector.fold.sweeps import joined, reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import apsw

    from projector.apply.portion import Portion
    from projector.apply.state import Arrival, State
    from projector.fold.sweeps import Copies, Order, Reach

EVERY = ""
"""The id for every message of a session in `_changes`; no message has it."""


@dataclass(frozen=True, slots=True)
class Change:
    """The effect of an event on one message: the state to which it moves it, and revised fields."""

    order: Order
    state: int | None
    fields: Mapping[str, Any] | None


def link(
    db: apsw.Connection, state: State, session: int, row: int, type: str, data: Mapping[str, Any]
) -> None:
    """Add the messages that an event changes to `_changes`."""
    targets = named(type, data)
    if type in SWEEPING:
        targets.add(EVERY)
    if not targets:
        return
    rows = [(session, target, row) for target in targets]
    db.executemany("INSERT OR IGNORE INTO _changes(session, message, event) VALUES(?, ?, ?)", rows)
    state.changing[session] = True


def mark_changed(state: State, session: int, type: str, data: Mapping[str, Any]) -> None:
    """Mark the messages that an event changes, or changed before it was replaced."""
    if type in SWEEPING:
        state.dirty.transcripts.add(session)
        state.sweeps.pop(session, None)
    else:
        state.dirty.messages |= {(session, target) for target in named(type, data)}


def unlink(db: apsw.Connection, session: int, row: int) -> None:
    """Remove an event that is not in force any more from `_changes`."""
    db.execute("DELETE FROM _changes WHERE session = ? AND event = ?", (session, row))


def is_changed(db: apsw.Connection, state: State, message: Arrival) -> bool:
    """Return whether events that are applied already change a message that arrives now."""
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
    """Apply the changes of every marked message again, as far as the portion goes."""
    dirty = state.dirty
    marked: defaultdict[int, set[str]] = defaultdict(set)
    for session, id in dirty.messages:
        marked[session].add(id)
    for session in sorted(dirty.transcripts | set(marked)):
        everything = session in dirty.transcripts
        dirty.order.add(session)
        ids = None if everything else marked[session]
        if _refold_session(db, state, session, ids, portion):
            dirty.transcripts.discard(session)
            dirty.done.pop(session, None)
            dirty.messages.difference_update((session, id) for id in marked.get(session, ()))
        if portion.is_spent():
            return


def _refold_session(
    db: apsw.Connection, state: State, session: int, ids: set[str] | None, portion: Portion
) -> bool:
    """Fold marked messages again, all of the session if `ids` is None.

    Returns:
        Whether the portion was enough for all of them.
    """
    dirty = state.dirty
    history = _History(db, state, session)
    if ids is None:
        found = _every(db, session, dirty.done.get(session, ""))
    else:
        found = _some(db, session, ids)
    for row in found:
        id, message = str(row[0]), stored(row[1:])
        order = state.order(message.ord, message.lane_row, message.seq)
        copies = with_own(history.copies(id), order[1], message.seq)
        portion.spend(_refold(db, state, session, id, message, history.of(id, order, copies)))
        dirty.messages.discard((session, id))
        if ids is None:
            dirty.done[session] = id
        if portion.is_spent():
            return False
    return True


_FETCHED = 256
"""Messages that are read at a time: the memory does not grow with the session."""


def _every(db: apsw.Connection, session: int, behind: str) -> Iterator[tuple[Any, ...]]:
    """Yield the messages of a session whose ids are greater than one, by id."""
    query = (
        f"SELECT event_id, {STORED} FROM _events INDEXED BY sqlite_autoindex__events_1"
        f" WHERE session = ? AND kind = {MESSAGE} AND event_id > ?"
        f" ORDER BY event_id LIMIT {_FETCHED}"
    )
    while found := db.execute(query, (session, behind)).fetchall():
        yield from found
        behind = str(found[-1][0])


def _some(db: apsw.Connection, session: int, ids: set[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the messages of a session with these ids, by id."""
    query = (
        f"SELECT event_id, {STORED} FROM _events"
        f" WHERE session = ? AND kind = {MESSAGE} AND event_id = ?"
    )
    # an id that no message has (yet) is passed over: a message that arrives is marked again
    for id in sorted(ids):
        yield from db.execute(query, (session, id))


def _refold(
    db: apsw.Connection,
    state: State,
    session: int,
    id: str,
    message: Stored,
    changes: Sequence[Change],
) -> int:
    """Apply the changes of one message to its row; return the cost."""
    reached = state_after(
        OUT if message.transcript_index else IN_TRANSCRIPT,
        [(change.order, change.state) for change in changes if change.state is not None],
    )
    original = message.data
    fields = [(change.order, change.fields) for change in changes if change.fields]
    data = revised(original, fields)
    kept = canonical(original).decode() if fields else None
    columns = to_columns(data)
    if (columns, kept, reached) == (message.columns, message.original, message.state):
        return 0
    take_out(db, state, session, message)
    gained = (reached == IN_TRANSCRIPT) - (message.state == IN_TRANSCRIPT)
    state.count("messages", session, gained)
    query = f"UPDATE _events SET {COLUMNS}, original = ?, state = ? WHERE id = ?"
    db.execute(query, (*columns, kept, reached, message.row))
    before = line_of(id, message.in_force)
    put_in(db, state, session, (message.row, id, reached, data), before)
    return ROW + len(columns.content or "") + len(columns.other_fields or "")


class _History:
    """The changes of the messages of one session."""

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

    def copies(self, id: str) -> Copies:
        """Return the copies of a message; empty if it was appended once."""
        if self._is_single:
            return {}
        return copies_of(self._db, self._state, self._session, id)

    def of(self, id: str, order: Order, copies: Copies) -> list[Change]:
        """Return the changes of one message.

        Args:
            id: its id.
            order: the sort key of its event.
            copies: the lanes that hold it.
        """
        naming = self._events(id)
        if not naming:
            # one by one, the sweeps of a session that was cleared often would cost messages times
            # sweeps
            return [
                Change(order, state, None)
                for state, swept in self._reached.items()
                if swept.has(order, copies)
            ]
        found = []
        for row, (at, type, data) in (self._sweeps | naming).items():
            if row not in naming and not self._reach[row].has(order, copies):
                continue
            item = data if type != TRANSCRIPT_REPLACED else self._item(row, data, id)
            fields = changed_fields(type, item) if row in naming else None
            reached = effect(type, data, is_named=row in naming)
            found.append(Change(at, reached, fields))
        return found

    def _by_state(self) -> dict[int, Reach]:
        """Return the events that sweeps reach, by the state to which these move them."""
        found: defaultdict[int, list[Reach]] = defaultdict(list)
        for row, (_, type, data) in self._sweeps.items():
            state = effect(type, data, is_named=False)
            if state is not None:
                found[state].append(self._reach[row])
        return {state: joined(sweeps) for state, sweeps in found.items()}

    def _item(self, row: int, data: Mapping[str, Any], id: str) -> Mapping[str, Any]:
        # computed once: each message of a transcript of n messages needs it
        if row not in self._items:
            self._items[row] = items(data)
        return self._items[row].get(id, {})

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
