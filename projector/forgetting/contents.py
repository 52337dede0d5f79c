"""The events that a generation holds: those in force, and the other contents of their keys."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event import Event
from journal.format.event_types import MESSAGE_REVISED
from projector.db.kinds import KINDS, MESSAGE
from projector.db.rows import STORED, stored, to_redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import apsw

    from journal.format.redacted import Redacted


@dataclass(frozen=True, slots=True)
class Content:
    """One content of a key.

    Attributes:
        event: the event, as it was appended.
        revised: its data with the revisions in force; None if it has none.
        revisions: what was redacted in each of its revisions.
        lane, seq: where its record is.
        is_in_force: whether it is in force; else another content of its key is.
    """

    event: Event
    revised: dict[str, Any] | None
    lane: str
    seq: int
    is_in_force: bool
    revisions: tuple[Redacted, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Ids of its session and of itself."""
        return self.event.session, self.event.id


_IN_FORCE = (
    "SELECT s.session, e.event_id, k.type, l.uuid,"
    f" {', '.join(f'e.{name}' for name in STORED.split(', '))} FROM _events e"
    " JOIN _sessions s ON s.id = e.session JOIN _kinds k ON k.id = e.kind"
    " JOIN _lanes l ON l.id = e.lane_row"
)
_NOT_IN_FORCE = (
    "SELECT s.session, c.event_id, c.type, c.time, c.ord, l.uuid, c.seq, c.data,"
    " c.redacted FROM _other_contents c JOIN _sessions s ON s.id = c.session"
    " JOIN _lanes l ON l.id = c.lane_row"
)


def every(db: apsw.Connection) -> Iterator[Content]:
    """Yield every content of a generation."""
    yield from _in_force(db, "", ())
    yield from _not_in_force(db, "", ())


def of_session(db: apsw.Connection, session: str) -> Iterator[Content]:
    """Yield every content of a session."""
    yield from _in_force(db, " WHERE s.session = ?", (session,))
    yield from _not_in_force(db, " WHERE s.session = ?", (session,))


def of_key(db: apsw.Connection, session: str, id: str) -> Iterator[Content]:
    """Yield every content of a key."""
    yield from _in_force(db, " WHERE s.session = ? AND e.event_id = ?", (session, id))
    yield from _not_in_force(db, " WHERE s.session = ? AND c.event_id = ?", (session, id))


def messages_like(
    db: apsw.Connection, ids: Iterable[str], timestamps: Iterable[int]
) -> Iterator[Content]:
    """Yield the messages in force that have one of some ids or lines, or one of some timestamps."""
    where = (
        f" WHERE e.kind = {MESSAGE} AND (e.event_id IN (SELECT value FROM json_each(?1))"
        " OR e.timestamp IN (SELECT value FROM json_each(?2))"
        " OR e.id IN (SELECT event FROM _lines WHERE line IN (SELECT value FROM json_each(?1))"
        " UNION SELECT event FROM _shared WHERE line IN (SELECT value FROM json_each(?1))))"
    )
    yield from _in_force(db, where, (json.dumps(list(ids)), json.dumps(list(timestamps))))


def _in_force(db: apsw.Connection, where: str, values: tuple[Any, ...]) -> Iterator[Content]:
    for session, id, type, lane, *columns in db.execute(_IN_FORCE + where, values):
        row = stored(tuple(columns))
        redacted = to_redacted(row.redacted)
        event = Event(session, id, type, row.time, row.ord, row.data, redacted)
        revised = None if row.original is None else row.in_force
        revisions = () if revised is None else _revisions(db, session, id)
        yield Content(event, revised, lane, row.seq, is_in_force=True, revisions=revisions)


def _revisions(db: apsw.Connection, session: str, id: str) -> tuple[Redacted, ...]:
    found = db.execute(
        "SELECT e.redacted FROM _changes c JOIN _events e ON e.id = c.event"
        " WHERE c.session = (SELECT id FROM _sessions WHERE session = ?) AND c.message = ?"
        f" AND e.kind = {KINDS[MESSAGE_REVISED]} AND e.redacted IS NOT NULL",
        (session, id),
    )
    each = (to_redacted(text) for (text,) in found)
    return tuple(redacted for redacted in each if redacted is not None)


def _not_in_force(db: apsw.Connection, where: str, values: tuple[Any, ...]) -> Iterator[Content]:
    found = db.execute(_NOT_IN_FORCE + where, values)
    for session, id, type, time, ord, lane, seq, data, text in found:
        event = Event(session, id, type, time, ord, orjson.loads(data), to_redacted(text))
        yield Content(event, None, lane, seq, is_in_force=False)
