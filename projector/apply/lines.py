"""The lines of events, and the events that share one: the tables `_lines` and `_shared`.

`_lines` has the first event that was met for each line. An event whose line another one has is in
`_shared`, and so is that other one; `home` is NULL for a message that is at home in its session
(if a search finds it at all, its text is in the index), the session in which it is at home for a
replay, and `UNDECIDED` until `projector.apply.replays` has decided that. In both cases its text is
not in the index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.fields.line import line_of
from projector.apply.facets import index, unindex
from projector.apply.inherited import note_value
from projector.db.kinds import MESSAGE
from projector.db.rows import STORED, stored
from projector.db.schema import is_foreign
from projector.fold.facets import facets
from projector.fold.messages import IN_TRANSCRIPT, OUT
from projector.fold.replays import message_words, skeleton_words, usage_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

    from projector.apply.state import State
    from projector.db.rows import Stored

UNDECIDED = 0
"""No session has this rowid."""

Line = tuple[str, int]
"""A line, and the rowid of an event that has it."""


def add_lines(db: apsw.Connection, state: State, lines: Sequence[Line]) -> set[int]:
    """Register events by their lines; return the rowids of those that share theirs with another.

    The text of such a message must not be put into the index: it is put there when it is decided
    that the message is at home.
    """
    before = db.total_changes()
    db.executemany("INSERT OR IGNORE INTO _lines(line, event) VALUES(?, ?)", lines)
    if db.total_changes() - before == len(lines):
        return set()
    sharing: set[int] = set()
    for line, row in lines:
        first: int = db.execute("SELECT event FROM _lines WHERE line = ?", (line,)).get
        if first != row and _share(db, state, line, first, row):
            sharing.add(row)
    return sharing


def _share(db: apsw.Connection, state: State, line: str, first: int, row: int) -> bool:
    """Add two events with one line to `_shared`; return whether it must be decided about them."""
    query = f"SELECT session, {STORED} FROM _events WHERE id = ?"
    found = [db.execute(query, (each,)).fetchone() or () for each in (first, row)]
    sessions: list[int] = [columns[0] for columns in found]  # type: ignore[misc] # rowids
    events = [stored(columns[1:]) for columns in found]
    # a source writes the figures of one call several times: no other session is concerned by that
    is_alone = events[1].kind != MESSAGE and sessions[0] == sessions[1]
    undecided = not is_alone or state.sharing[sessions[1]]
    for session, event, home in zip(
        sessions, events, (None, UNDECIDED if undecided else None), strict=True
    ):
        db.execute(
            "INSERT OR IGNORE INTO _shared(event, line, words, session, copied, home)"
            " VALUES(?, ?, ?, ?, 0, ?)",
            (event.row, line, _words(session, event.kind, event.in_force), session, home),
        )
        if undecided:
            state.sharing[session] = True
            state.dirty.replays.add(session)
    return undecided


def _words(session: int, kind: int, data: Mapping[str, Any]) -> str:
    if is_foreign(session):  # of which there is a skeleton only
        return skeleton_words(data) if kind == MESSAGE else str(data["words"])
    return message_words(data) if kind == MESSAGE else usage_words(data)


def remove_line(db: apsw.Connection, state: State, line: str, row: int) -> None:
    """Take an event out of its line: it has another one now, or is no message any more."""
    others = [
        (other, session)
        for other, session in db.execute(
            "SELECT event, session FROM _shared WHERE line = ?", (line,)
        )
        if other != row
    ]
    db.execute("DELETE FROM _shared WHERE event = ?", (row,))
    state.dirty.replays.update(session for _, session in others)
    if others:
        db.execute("UPDATE _lines SET event = ? WHERE line = ?", (others[0][0], line))
    else:
        db.execute("DELETE FROM _lines WHERE line = ?", (line,))


def is_at_home(db: apsw.Connection, state: State, session: int, row: int) -> bool:
    """Return whether an event counts in its session, and is no replay of one in another."""
    if not state.sharing[session]:
        return True
    found = db.execute("SELECT home FROM _shared WHERE event = ?", (row,)).fetchone()
    return found is None or found[0] is None


def take_out(db: apsw.Connection, state: State, session: int, message: Stored) -> None:
    """Take a message whose row is about to change out of the index, if it is there."""
    if state.sharing[session]:
        state.dirty.replays.add(session)  # its first own message may be another one now
    if message.state < OUT and is_at_home(db, state, session, message.row):
        unindex(db, state, session, message.row, message.in_force)


def put_in(
    db: apsw.Connection,
    state: State,
    session: int,
    changed: tuple[int, str, int, Mapping[str, Any]],
    before: str | None,
) -> None:
    """Register a message whose row has changed, and put it into the index if it is found.

    Args:
        db: the database.
        state: the state of the applier.
        session: rowid of its session.
        changed: its rowid, its id, its state and its data now.
        before: its line before, as of `line_of`.
    """
    row, id, reached, data = changed
    if reached == IN_TRANSCRIPT and not is_foreign(session):
        note_value(state, session, facets(data).own)
    line = line_of(id, data)
    if line != before:
        if before is not None:
            remove_line(db, state, before, row)
        if line is not None:
            add_lines(db, state, [(line, row)])
    if state.sharing[session]:
        query = "UPDATE _shared SET words = ?, home = ? WHERE event = ? RETURNING 1"
        words = _words(session, MESSAGE, data)
        if db.execute(query, (words, UNDECIDED, row)).get is not None:
            return
    if reached < OUT:
        index(db, state, session, row, data)
