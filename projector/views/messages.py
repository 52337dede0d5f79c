"""Messages of a projection, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal

from journal.format.timestamps import to_datetime
from journal.format.transcript_order import LastMessage
from projector.db import columns
from projector.db.columns import Columns, from_columns
from projector.db.kinds import MESSAGE
from projector.errors import NotFound
from projector.fold.messages import GONE, IN_ARCHIVE, IN_TRANSCRIPT, OUT
from projector.text.document import document
from projector.views.session_names import EXISTS
from projector.views.sessions import INDEXED, ORDER, ORDER_COLUMNS, SessionView, session

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import apsw


class MessageState(IntEnum):
    """Where a message is; in JSON it is the number.

    Attributes:
        IN_TRANSCRIPT: in the transcript, and found.
        ARCHIVED: out of the transcript, and still found.
        REMOVED: out of the transcript, and not found.
        DELETED: deleted with its session.
    """

    IN_TRANSCRIPT = IN_TRANSCRIPT
    ARCHIVED = IN_ARCHIVE
    REMOVED = OUT
    DELETED = GONE


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message with its revisions in force.

    Attributes:
        session: the session's id.
        id: the message's id.
        role: `user`, `assistant`, ...
        content: text, or a list of content parts, or None.
        time: its own date (the `timestamp` that it was appended with), else when it was appended;
            microseconds since 1970.
        source: where it was written; the session's if the message has none.
        fields: every other field that it has, by name; a tool result without a `tool_name` has
            that of the call it answers.
        revised: whether a revision is in force.
        home: of a replay the session that has the message, too, and in which it counts; else None.
        state: whether it is in the transcript, archived, removed or deleted.
    """

    session: str
    id: str
    role: str | None
    content: str | list[Any] | None
    time: int
    source: str | None
    fields: dict[str, Any]
    revised: bool
    home: str | None
    state: MessageState

    @property
    def by_machine(self) -> bool:
        """Whether a machine wrote it in the place of a person, or beside the conversation."""
        return isinstance(self.fields.get("meta"), str)

    @property
    def time_utc(self) -> datetime:
        """`time` as a datetime in UTC."""
        return to_datetime(self.time)


VIEWED = (
    "event_id, time, state, original IS NOT NULL, (SELECT h.session FROM _shared x"
    " JOIN main._sessions h ON h.id = x.home WHERE x.event = _events.id) AS home,"
    " timestamp, parent, role, source, content, content_is_json, other_fields"
)
"""Columns of `events` that make a view, in the order of `make_view`."""


def conversation(db: apsw.Connection, name: str) -> tuple[SessionView, list[MessageView]]:
    """Return the session that a text names (`find_session`), and its messages.

    Raises:
        NotFound: there is none, or there are several.
    """
    view = session(db, name)
    return view, messages(db, view.session)


def messages(db: apsw.Connection, name: str, *, state: int = IN_TRANSCRIPT) -> list[MessageView]:
    """Return the messages of the session with exactly this id, in order.

    Args:
        db: the projection.
        name: the session's id.
        state: those in this state or a lower one (`projector.fold.messages`).

    Raises:
        NotFound: there is no such session.
    """
    query = f"SELECT id, source FROM _sessions WHERE session = ? AND {EXISTS}"
    found = db.execute(query, (name,)).fetchone()
    if found is None:
        raise NotFound(f"no session has the id {name!r}")
    number, source = found
    query = (
        f"SELECT {VIEWED} FROM _events WHERE kind = {MESSAGE} AND session = ?"
        f" AND state <= ? ORDER BY {ORDER}"
    )
    return with_tool_names(
        make_view(name, source, row) for row in db.execute(query, (number, state))
    )


def last_message(db: apsw.Connection, name: str) -> LastMessage | None:
    """Return the last message of a session, in its transcript or not; None if there is none."""
    order = ", ".join(f"{column} DESC" for column in INDEXED)
    query = (
        "SELECT event_id, order_time, order_depth FROM _events"
        f" WHERE kind = {MESSAGE} AND state < {GONE}"
        f" AND session = (SELECT id FROM _sessions WHERE session = ?) ORDER BY {order} LIMIT 1"
    )
    found = db.execute(query, (name,)).fetchone()
    return None if found is None else LastMessage(*found)


content_of = columns.read_content
"""The content of a message, of its columns `content` and `content_is_json`."""


def content_text(content: str | list[Any]) -> str:
    """Return content as text: of a list of parts the texts that a search looks at."""
    return content if isinstance(content, str) else document({"content": content})


@dataclass(frozen=True, slots=True)
class Placed:
    """A message, and what is needed to find those around it.

    Attributes:
        row: its rowid.
        view: the message.
        title, source: its session's.
        at: number of its session, then its place, depth and order.
    """

    row: int
    view: MessageView
    title: str | None
    source: str | None
    at: tuple[int, int, int, int]

    @property
    def data(self) -> dict[str, Any]:
        """Its data, as `projector.text.document.document` takes it."""
        view = self.view
        return view.fields if view.content is None else view.fields | {"content": view.content}


_PLACED = (
    "SELECT s.title, s.source, s.session, e.* FROM _sessions s JOIN"
    f" (SELECT session AS number, {', '.join(INDEXED)}, {VIEWED} FROM _events WHERE id = ?) e"
    " ON s.id = e.number"
)


def placed(db: apsw.Connection, row: int) -> Placed:
    """Return the message with a rowid.

    Raises:
        NotFound: there is none.
    """
    found = db.execute(_PLACED, (row,)).fetchone()
    if found is None:
        raise NotFound(f"no message has the rowid {row}")
    title, source, name = found[:3]
    return Placed(row, make_view(name, source, found[7:]), title, source, found[3:7])


def around(
    db: apsw.Connection, message: Placed, count: int
) -> tuple[list[MessageView], list[MessageView]]:
    """Return up to `count` messages before and after a message."""
    return _beside(db, message, count, "DESC")[::-1], _beside(db, message, count, "ASC")


def _beside(
    db: apsw.Connection, message: Placed, count: int, way: Literal["ASC", "DESC"]
) -> list[MessageView]:
    """Return the next messages in one direction."""
    # with itself and one more, to see whether the columns of the index order them all
    rows = db.execute(_NEAR[way], (*message.at, count + 2)).fetchall()
    if len({row[: len(INDEXED)] for row in rows}) == len(rows):
        rows = rows[1 : count + 1]
    else:  # some are equal in these: the other sort keys decide
        at = db.execute(f"SELECT {ORDER} FROM _events WHERE id = ?", (message.row,))
        rows = db.execute(_NEAR_TIED[way], (message.at[0], *at.fetchall()[0], count)).fetchall()
    return [make_view(message.view.session, message.source, row[len(INDEXED) :]) for row in rows]


def _near(order: tuple[str, ...], compare: str, way: str) -> str:
    """Return the query of a session's messages from one on, in one direction."""
    return (
        f"SELECT {', '.join(INDEXED)}, {VIEWED} FROM _events"
        f" WHERE kind = {MESSAGE} AND session = ? AND state < {OUT}"
        f" AND ({', '.join(order)}) {compare} ({', '.join('?' * len(order))})"
        f" ORDER BY {', '.join(f'{column} {way}' for column in order)} LIMIT ?"
    )


_NEAR = {way: _near(INDEXED, f"{sign}=", way) for way, sign in (("ASC", ">"), ("DESC", "<"))}
_NEAR_TIED = {way: _near(ORDER_COLUMNS, sign, way) for way, sign in (("ASC", ">"), ("DESC", "<"))}


def make_view(name: str, session_source: str | None, row: tuple[Any, ...]) -> MessageView:
    """Make a view of the columns `VIEWED` of a message in the session with this name and source.

    What a foreign writer gave another kind than it has is in none of them: it stays among the
    fields (`projector.db.columns`).
    """
    id, time, state, revised, home, timestamp, parent, role, source, content, is_json, other = row
    fields = from_columns(
        Columns(timestamp, parent, None, None, None, content_is_json=False, other_fields=other)
    )
    if content is not None:
        content = content_of(content, is_json=bool(is_json))
    said_in = source or session_source
    moment = time if timestamp is None else timestamp
    found = MessageState(state)
    return MessageView(name, id, role, content, moment, said_in, fields, bool(revised), home, found)


def with_tool_names(views: Iterable[MessageView]) -> list[MessageView]:
    """Return messages; a result without the name of its tool has that of its call among them."""
    found = list(views)
    tools = tool_names(found)
    return [with_tool_name(view, tools) for view in found]


def with_tool_name(view: MessageView, tools: Mapping[str, str]) -> MessageView:
    """Return a message; a result without a name has that of its call, by the ids of the calls."""
    call = view.fields.get("tool_call_id")
    name = tools.get(call) if isinstance(call, str) else None
    if name is None or "tool_name" in view.fields:
        return view
    return replace(view, fields=view.fields | {"tool_name": name})


def tool_names(views: Iterable[MessageView]) -> dict[str, str]:
    """Return the names of the tools that are called, by the ids of the calls."""
    names: dict[str, str] = {}
    for view in views:
        parts = view.content if isinstance(view.content, list) else []
        calls = view.fields.get("tool_calls")
        for call in [*parts, *(calls if isinstance(calls, list) else [])]:
            if isinstance(call, dict):
                function = call.get("function")
                name = call.get("name") or (
                    function.get("name") if isinstance(function, dict) else None
                )
                id = call.get("id")
                if isinstance(id, str) and isinstance(name, str):
                    names[id] = name
    return names
