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

_SCANNED = 4_000
"""Most messages that are looked at for prompts or answers."""
_NEAR = 5_000
"""Events before and behind a message among which its usage is."""
_BEGINNING = 200
"""Characters of a prompt in an outline."""

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


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a person wrote, in an outline.

    Attributes:
        id: of the message.
        text: its beginning.
        time: microseconds since 1970.
    """

    id: str
    text: str
    time: int


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
) -> Window:
    """Return the messages from a key on, itself among them.

    Args:
        db: the projection.
        session: whose messages.
        start: the key of the first one; None for the first of the session.
        limit: most messages to return.
        back: how many of them are before `start`.
        place: of `start`, if it is known and is the first one.
    """
    total = int(db.execute(f"SELECT count(*) {_OF_SESSION}", (session.number,)).get)
    before: list[MessageView] = []
    if start is not None and back:
        before = _side(db, session, start, back, "before")[::-1]
    views = before + _side(db, session, start, limit - len(before) + 1, "from")
    more = len(views) > limit
    views = with_tool_names(views[:limit])
    if not views:
        return Window((), 0, total, before=False, after=False)
    if place is None or back:
        place = place_of(db, session, key_of(db, session, views[0].id))
    return Window(tuple(views), place, total, place > 1, more)


def views_from(
    db: apsw.Connection, session: Session, start: Key | None, limit: int, end: Key | None = None
) -> tuple[MessageView, ...]:
    """Return the messages from a key on, up to another one or the last, without counting any."""
    return tuple(with_tool_names(_side(db, session, start, limit, "from", end)))


def window_before(db: apsw.Connection, session: Session, end: Key | None, limit: int) -> Window:
    """Return the last messages before a key, or the last of the session."""
    views = _side(db, session, end, limit, "before")
    start = key_of(db, session, views[-1].id) if views else None
    return window(db, session, start, len(views)) if views else window(db, session, None, limit)


def place_of(db: apsw.Connection, session: Session, key: Key) -> int:
    """Return the place of a message."""
    marks = ", ".join("?" * len(INDEXED))
    query = f"SELECT count(*) {_OF_SESSION} AND ({', '.join(INDEXED)}) < ({marks})"
    return int(db.execute(query, (session.number, *key[: len(INDEXED)])).get) + 1


_OF_SESSION = f"FROM _events WHERE kind = {MESSAGE} AND session = ?"
Side = Literal["from", "before"]
_SIDES: dict[Side, tuple[str, str]] = {"from": (">=", "ASC"), "before": ("<", "DESC")}


def _bound(key: Key | None, side: Side) -> tuple[str, Key, str]:
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
    where, values, order = _bound(key, side)
    if end is not None:
        where += f" AND ({ORDER}) <= ({', '.join('?' * len(ORDER_COLUMNS))})"
        values = (*values, *end)
    query = (
        f"SELECT {VIEWED} {_OF_SESSION} AND state <= {IN_ARCHIVE}{where} ORDER BY {order} LIMIT ?"
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
    query = f"SELECT {VIEWED} {_OF_SESSION} AND event_id = ? AND state <= {IN_ARCHIVE}"
    found = []
    for message in messages:
        rows = db.execute(query, (session.number, message))
        found += [make_view(session.name, session.source, row) for row in rows]
    return tuple(found)


_TEXT = (
    f"CASE WHEN content_is_json THEN (SELECT substr(json_extract(value, '$.text'), 1, {_BEGINNING})"
    " FROM json_each(content) WHERE type = 'object' AND json_extract(value, '$.text') IS NOT NULL"
    f" LIMIT 1) ELSE substr(content, 1, {_BEGINNING}) END"
)
_PROMPT = "role IN ('user', 'usr', 'human') AND meta IS NULL"
"""Condition on a row: a person wrote it."""
_META = "json_extract(other_fields, '$.meta') AS meta"


def prompts(
    db: apsw.Connection, session: Session, key: Key | None, limit: int, side: Side
) -> list[Prompt]:
    """Return what a person wrote from a key on, or before it, in order.

    Only the nearest messages are looked at, some thousands.
    """
    where, values, order = _bound(key, side)
    rows = f"SELECT id, role, {_META} {_OF_SESSION} AND state <= {IN_ARCHIVE}{where}"
    query = (
        f"SELECT event_id, {_TEXT}, coalesce(timestamp, time) FROM _events WHERE id IN"
        f" (SELECT id FROM ({rows} ORDER BY {order} LIMIT {_SCANNED}) WHERE {_PROMPT} LIMIT ?)"
        f" ORDER BY {ORDER}"
    )
    found = db.execute(query, (session.number, *values, limit))
    return [Prompt(str(id), str(text or ""), int(time)) for id, text, time in found]


@dataclass(frozen=True, slots=True)
class Focus:
    """Prompts and the answers to them.

    Attributes:
        messages: ids, in order.
        next: id of the message with which the next part begins; None if this is the last one.
    """

    messages: tuple[str, ...]
    next: str | None


def focus(db: apsw.Connection, session: Session, start: Key | None, limit: int) -> Focus:
    """Return what persons wrote, and the last thing that was answered to each.

    Args:
        db: the projection.
        session: whose messages.
        start: the key of the first message to look at; None for the first of the session.
        limit: most messages to return.
    """
    where, values, order = _bound(start, "from")
    query = (
        f"SELECT event_id, role, {_META},"
        " CASE WHEN content_is_json THEN instr(content, '\"text\"') > 0"
        " ELSE trim(coalesce(content, '')) <> '' END"
        f" {_OF_SESSION} AND state <= {IN_ARCHIVE}{where} ORDER BY {order} LIMIT {_SCANNED + 1}"
    )
    rows = [
        (str(id), role in _PERSONS and meta is None, role == "assistant" and bool(says))
        for id, role, meta, says in db.execute(query, (session.number, *values))
    ]
    return _focus(rows, limit)


_PERSONS = frozenset({"user", "usr", "human"})


def _focus(rows: Sequence[tuple[str, bool, bool]], limit: int) -> Focus:
    """Choose of rows: an id, whether a person wrote it, whether it can be an answer."""
    found: list[str] = []
    answer: str | None = None
    for id, is_prompt, is_answer in rows[:_SCANNED]:
        if is_prompt:
            found += [] if answer is None else [answer]
            answer = None
            if len(found) >= limit:
                return Focus(tuple(found), id)
            found.append(id)
        elif is_answer:
            answer = id
    found += [] if answer is None else [answer]
    return Focus(tuple(found), rows[_SCANNED][0] if len(rows) > _SCANNED else None)
