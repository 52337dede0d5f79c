"""Messages in the full-text index, and how many of a session have each facet.

Both change together: `_facets` counts the messages that a search finds. Only what a message has for
itself is counted (`projector.fold.facets`), so the counts do not depend on the order of arrival.
Its working directory is not: the project of a message is that of its session.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from projector.apply.portion import ROW
from projector.db.kinds import MESSAGE
from projector.db.rows import DELETE_TEXT, INSERT_TEXT, STORED, indexed, stored
from projector.db.schema import is_foreign
from projector.fold.facets import LONGEST, NONE, Own, facets, reverse
from projector.fold.messages import OUT
from projector.text.normalize import index_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import apsw

    from projector.apply.state import State
    from projector.db.tags import Inherited
    from projector.fold.facets import Facets

_PENDING = 16
"""Counts that wait in memory while messages change one by one: when the time of a transaction is
over, little may be left to be written."""
_SMALL = 64
"""Messages of the largest session that gets new tags: a large one would cost too much, again and
again where its fields change often."""

_ADD_VALUE = "INSERT OR IGNORE INTO _facet_values(kind, name, reversed) VALUES(?, ?, ?)"
_VALUE = "(SELECT id FROM _facet_values WHERE kind = ?1 AND name = ?2)"
_ADD = (
    f"INSERT INTO _facets(value, session, messages) VALUES({_VALUE}, ?3, ?4)"
    " ON CONFLICT(value, session) DO UPDATE SET messages = messages + excluded.messages"
)
_REMOVE = f"DELETE FROM _facets WHERE value = {_VALUE} AND session = ?3 AND messages = 0"
_REMOVE_VALUE = (
    f"DELETE FROM _facet_values WHERE id = {_VALUE}"
    " AND NOT EXISTS (SELECT 1 FROM _facets WHERE value = _facet_values.id)"
)


def index(
    db: apsw.Connection, state: State, session: int, row: int, data: Mapping[str, Any]
) -> None:
    """Insert a message into the full-text index, and count it; not that of another part."""
    if is_foreign(session):
        return
    about = facets(data)
    state.note_outgoing((row,))
    _count(db, state, session, about, 1)
    db.execute(INSERT_TEXT, indexed(row, session, state.tagged[session], data, about))


def unindex(
    db: apsw.Connection, state: State, session: int, row: int, data: Mapping[str, Any]
) -> None:
    """Delete a message from the full-text index; its data must be that which was inserted."""
    if is_foreign(session):
        return
    about = facets(data)
    state.note_outgoing((row,))
    _count(db, state, session, about, -1)
    db.execute(DELETE_TEXT, indexed(row, session, state.tagged[session], data, about))


_INSERT_TITLE = "INSERT INTO fts_titles(rowid, title) VALUES(?, ?)"
_DELETE_TITLE = "INSERT INTO fts_titles(fts_titles, rowid, title) VALUES('delete', ?, ?)"


def index_title(db: apsw.Connection, session: int, old: str | None, new: str | None) -> None:
    """Index the title of a session in place of the one that it had."""
    if old == new:
        return
    if old is not None:
        db.execute(_DELETE_TITLE, (session, index_form(old)))
    if new is not None:
        db.execute(_INSERT_TITLE, (session, index_form(new)))


def _count(db: apsw.Connection, state: State, session: int, about: Facets, times: int) -> None:
    if len(state.facets) + len(state.indexed) >= _PENDING:
        save_facets(db, state)
    state.indexed[session] += times
    for kind, name in _values(about):
        state.facets[kind, name, session] += times


def count_batch(state: State, messages: Iterable[tuple[int, Facets]]) -> None:
    """Count the facets of messages, given with their sessions, which `save_facets` writes."""
    have_some = (message for message in messages if message[1] is not NONE)
    for (session, about), count in Counter(have_some).items():
        for kind, name in _values(about):
            state.facets[kind, name, session] += count


def save_facets(db: apsw.Connection, state: State) -> None:
    """Write what was counted since the last commit into the current transaction, and the outbox."""
    if state.outgoing:
        # a message that is in it already gets a new position
        query = "INSERT OR REPLACE INTO _outbox(event) VALUES(?)"
        db.executemany(query, [(row,) for row in sorted(state.outgoing)])
        state.outgoing.clear()
    counts, state.facets = state.facets, Counter()
    indexed, state.indexed = state.indexed, Counter()
    rows = [(count, session) for session, count in indexed.items() if count]
    db.executemany("UPDATE _sessions SET indexed = indexed + ? WHERE id = ?", rows)
    added = [(*key, count) for key, count in counts.items() if count]
    values = {(k, n): reverse(n) if k == "file" else None for k, n, _, count in added if count > 0}
    db.executemany(_ADD_VALUE, [(*value, ends) for value, ends in values.items()])
    db.executemany(_ADD, added)
    fewer = [(kind, name, session) for kind, name, session, count in added if count < 0]
    if fewer:
        db.executemany(_REMOVE, fewer)
        db.executemany(_REMOVE_VALUE, {(kind, name) for kind, name, _ in fewer})


def _values(about: Facets) -> Iterator[tuple[str, str]]:
    """Yield the kind and name of each value that is counted."""
    for kind, name in zip(Own._fields, about.own, strict=True):
        # a foreign writer may give a source of megabytes
        if name is not None and kind != "project" and len(name) <= LONGEST:
            yield kind, name
    for tool in about.tools:
        yield "tool", tool
    for file in about.files:
        yield "file", file
    if about.failed:
        yield "error", ""


def retag(db: apsw.Connection, state: State, session: int, now: Inherited) -> int:
    """Give the messages of a small session new tags if its fields have changed.

    Returns:
        The cost, as a portion counts it.
    """
    query = "SELECT tagged FROM _sessions WHERE id = ?"
    if not db.execute(query, (session,)).get or state.tagged[session] == now:
        return 0
    found = db.execute(
        f"SELECT {STORED} FROM _events WHERE session = ? AND kind = {MESSAGE} LIMIT {_SMALL + 1}",
        (session,),
    ).fetchall()
    if len(found) > _SMALL:
        return 0
    messages = [
        message for message in map(stored, found) if _is_indexed(db, message.row, message.state)
    ]
    cost = 0
    for message in messages:
        unindex(db, state, session, message.row, message.in_force)
        cost += ROW + len(message.columns.content or "") + len(message.columns.other_fields or "")
    state.put_tagged(session, now)
    for message in messages:
        index(db, state, session, message.row, message.in_force)
    return cost


def _is_indexed(db: apsw.Connection, row: int, reached: int) -> bool:
    query = "SELECT 1 FROM _shared WHERE event = ? AND home IS NOT NULL"
    return reached < OUT and db.execute(query, (row,)).get is None
