"""Revisions: events that change a message which stands as it was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from projector.fold import canonical, revise, to_columns
from projector.rows import COLUMNS, fetch, index, unindex, values
from projector.schema import MESSAGE

if TYPE_CHECKING:
    import apsw

    from journal.event import Event
    from projector.state import State


def note_revision(db: apsw.Connection, state: State, session: int, row: int, event: Event) -> None:
    """Note which message a revision is of; one that names none is only stored."""
    target = event.data.get("message")
    if isinstance(target, str):
        query = "INSERT OR IGNORE INTO revisions(session, message, event) VALUES(?, ?, ?)"
        db.execute(query, (session, target, row))
        state.revising.add(session)
        state.dirty.revised.add((session, target))


def refold_revised(db: apsw.Connection, state: State) -> None:
    """Bring the revisions of every marked message into force."""
    for session, key in sorted(state.dirty.revised):
        message = fetch(db, session, key)
        if message is None or message.kind != MESSAGE:
            continue  # the revision came first: the message's arrival marks it again
        found = db.execute(
            "SELECT e.time, e.lane, e.seq, e.rest FROM revisions r JOIN events e ON e.id = r.event"
            " WHERE r.session = ? AND r.message = ?",
            (session, key),
        )
        revisions = [
            (state.order(time, lane, seq), orjson.loads(rest)) for time, lane, seq, rest in found
        ]
        original = message.data
        data = revise(original, revisions)
        unindex(db, message.row, message.in_force)
        index(db, message.row, data)
        query = f"UPDATE events SET {COLUMNS}, original = ? WHERE id = ?"  # noqa: S608 - a constant
        kept = canonical(original).decode() if revisions else None
        db.execute(query, (*values(to_columns(data)), kept, message.row))
        state.dirty.places.add(session)
    state.dirty.revised.clear()
