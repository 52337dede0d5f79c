"""Some messages of a session, of which there may be very many.

The *place* of a message is its number in its session, from 1, in the order of the transcript; it
counts the messages that are out of the transcript, too. It is found by the index alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from projector.db.kinds import MESSAGE
from projector.errors import NotFound
from projector.fold.messages import IN_ARCHIVE
from projector.views.messages import VIEWED, MessageView, make_view, with_tool_names
from projector.views.session_names import EXISTS
from projector.views.sessions import INDEXED, ORDER, ORDER_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import apsw

_NEAR = 5_000
"""Events before and behind a message among which its usage is."""

Key = tuple[int | str, ...]
"""The sort keys of a message."""


class Session(NamedTuple):
    """A session as the queries here need it: its number, its id, its source."""

    number: int
    name: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Window:
    """Messages of a session that follow each other.

    Attributes:
        views: the messages; what is removed is not among them.
        place: of the first one; 0 if there is none.
        total: how many messages the session has.
        before, after: whether there are more on these sides.
    """

    views: tuple[MessageView, ...]
    place: int
    total: int
    before: bool
    after: bool


def find(db: apsw.Connection, name: str) -> Session:
    """Return the session with exactly this id.

    Raises:
        NotFound: there is none.
    """
    query = f"SELECT id, session, source FROM _sessions WHERE session = ? AND {EXISTS}"
    found = db.execute(query, (name,)).fetchone()
    if found is None:
        raise NotFound(f"no session has the id {name!r}")
    return Session(*found)


def key_of(db: apsw.Connection, session: Session, message: str) -> Key:
    """Return the sort keys of a message.

    Raises:
        NotFound: the session has no such message.
    """
    query = (
        f"SELECT {ORDER} FROM _events WHERE kind = {MESSAGE} AND session = ? AND event_id = ?"
        f" AND state <= {IN_ARCHIVE}"
    )
    found = db.execute(query, (session.number, message)).fetchone()
    if found is None:
        raise NotFound(f"the session {session.name!r} has no message {message!r}")
    return tuple(found)


def key_at(db: apsw.Connection, session: Session, place: int) -> Key | None:
    """Return the sort keys of the message at a place; None if there are not so many."""
    query = (
        f"SELECT id FROM _events WHERE kind = {MESSAGE} AND session = ?"
        f" ORDER BY {', '.join(INDEXED)} LIMIT 1 OFFSET ?"
    )
    row = db.execute(query, (session.number, max(place - 1, 0))).get
    if row is None:
        return None
    found = db.execute(f"SELECT {ORDER} FROM _events WHERE id = ?", (row,)).fetchone()
    return None if found is None else tuple(found)


def window(
    db: apsw.Connection,
    session: Session,
    start: Key | None,
    limit: int,
    *,
    back: int = 0,
    place: int | None = None,
    side: Side = "from",
) -> Window:
    """Return the messages from a key on.

    Args:
        db: the projection.
        session: whose messages.
        start: the key of the first one; None for the first of the session.
        limit: most messages to return.
        back: how many of them are before `start`.
        place: of `start`, if it is known and is the first one.
        side: `from` if `start` itself is among them, `after` if not.
    """
    total = int(db.execute(f"SELECT count(*) {OF_SESSION}", (session.number,)).get)
    before: list[MessageView] = []
    if start is not None and back:
        before = _side(db, session, start, back, "before")[::-1]
    views = before + _side(db, session, start, limit - len(before) + 1, side)
    more = len(views) > limit
    views = with_tool_names(views[:limit])
    if not views:
        return Window((), 0, total, before=False, after=False)
    first = key_of(db, session, views[0].id)
    if place is None or back:
        place = place_of(db, session, first)
    # a place counts what is removed, too: it does not tell whether there is anything before
    earlier = place > 1 and bool(_side(db, session, first, 1, "before"))
    return Window(tuple(views), place, total, earlier, more)


def views_from(
    db: apsw.Connection, session: Session, start: Key | None, limit: int, end: Key | None = None
) -> tuple[MessageView, ...]:
    """Return the messages from a key on, up to another one or the last, without counting any."""
    return tuple(_side(db, session, start, limit, "from", end))


def views_before(
    db: apsw.Connection, session: Session, end: Key, limit: int
) -> tuple[MessageView, ...]:
    """Return the last messages before a key, in order."""
    return tuple(_side(db, session, end, limit, "before")[::-1])


def window_before(db: apsw.Connection, session: Session, end: Key | None, limit: int) -> Window:
    """Return the last messages before a key, or the last of the session."""
    views = _side(db, session, end, limit, "before")
    start = key_of(db, session, views[-1].id) if views else None
    return window(db, session, start, len(views)) if views else window(db, session, None, limit)


def place_of(db: apsw.Connection, session: Session, key: Key) -> int:
    """Return the place of a message."""
    marks = ", ".join("?" * len(INDEXED))
    query = f"SELECT count(*) {OF_SESSION} AND ({', '.join(INDEXED)}) < ({marks})"
    return int(db.execute(query, (session.number, *key[: len(INDEXED)])).get) + 1


OF_SESSION = f"FROM _events WHERE kind = {MESSAGE} AND session = ?"
"""The messages of a session, by its number."""
Side = Literal["from", "after", "before"]
_SIDES: dict[Side, tuple[str, str]] = {
    "from": (">=", "ASC"),
    "after": (">", "ASC"),
    "before": ("<", "DESC"),
}


def bound(key: Key | None, side: Side) -> tuple[str, Key, str]:
    """Return the condition on one side of a key, its bound values, and the order."""
    sign, way = _SIDES[side]
    order = ", ".join(f"{column} {way}" for column in ORDER_COLUMNS)
    if key is None:
        return "", (), order
    # the index has the first columns: without their condition all messages would be read
    indexed = f"({', '.join(INDEXED)}) {sign[0]}= ({', '.join('?' * len(INDEXED))})"
    whole = f"({ORDER}) {sign} ({', '.join('?' * len(ORDER_COLUMNS))})"
    return f" AND {indexed} AND {whole}", (*key[: len(INDEXED)], *key), order


def _side(
    db: apsw.Connection,
    session: Session,
    key: Key | None,
    limit: int,
    side: Side,
    end: Key | None = None,
) -> list[MessageView]:
    where, values, order = bound(key, side)
    if end is not None:
        where += f" AND ({ORDER}) <= ({', '.join('?' * len(ORDER_COLUMNS))})"
        values = (*values, *end)
    query = (
        f"SELECT {VIEWED} {OF_SESSION} AND state <= {IN_ARCHIVE}{where} ORDER BY {order} LIMIT ?"
    )
    rows = db.execute(query, (session.number, *values, limit))
    return [make_view(session.name, session.source, row) for row in rows]


def rows_near(db: apsw.Connection, name: str, views: Sequence[MessageView]) -> tuple[int, int]:
    """Return the rowids between which the events are that were applied with some messages.

    What a message used is appended with it, so a long session need not be read as a whole.
    """
    query = (
        "SELECT min(id), max(id) FROM _events WHERE session ="
        " (SELECT id FROM _sessions WHERE session = ?)"
        " AND event_id IN (SELECT value FROM json_each(?))"
    )
    ids = json.dumps([view.id for view in views])
    first, last = db.execute(query, (name, ids)).fetchone() or (None, None)
    return int(first or 0) - _NEAR, int(last or 0) + _NEAR


def views_of(
    db: apsw.Connection, session: Session, messages: Iterable[str]
) -> tuple[MessageView, ...]:
    """Return messages by their ids, in the order of these; unknown ids are left out."""
    query = f"SELECT {VIEWED} {OF_SESSION} AND event_id = ? AND state <= {IN_ARCHIVE}"
    found = []
    for message in messages:
        rows = db.execute(query, (session.number, message))
        found += [make_view(session.name, session.source, row) for row in rows]
    return tuple(found)
