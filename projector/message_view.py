"""Messages of a projection, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from projector.columns import from_columns
from projector.effects import IN_TRANSCRIPT
from projector.errors import NotFound
from projector.rows import STORED, stored
from projector.schema import MESSAGE
from projector.session_view import EXISTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message with its revisions in force.

    Attributes:
        session: the session's id.
        id: the message's id.
        role: who speaks.
        content: text, or a list of content parts, or None.
        time: its place in the conversation, microseconds since 1970.
        source: where it was said; the session's if the message does not say.
        fields: every other field that it has, by name; a tool result without a `tool_name` has
            that of the call it answers.
        revised: whether a revision is in force.
        state: whether it is in the transcript (`projector.effects.IN_TRANSCRIPT`), archived or out.
    """

    session: str
    id: str
    role: str | None
    content: str | list[Any] | None
    time: int
    source: str | None
    fields: dict[str, Any]
    revised: bool
    state: int


_EVENT = ", ".join(f"e.{name}" for name in STORED.split(", "))
# ties are broken by the lane's uuid, which is the same in every projection, never its number
_ORDER_COLUMNS = (
    "place",
    "depth",
    "time",
    "(SELECT uuid FROM lanes WHERE lanes.id = lane)",
    "seq",
    "part",
)
ORDER = ", ".join(_ORDER_COLUMNS)
"""What orders a transcript, for `ORDER BY` in a query of `events`."""


def messages(db: apsw.Connection, name: str, *, state: int = IN_TRANSCRIPT) -> list[MessageView]:
    """Return the messages of the session with exactly this id, in order.

    Args:
        db: the projection.
        name: the session's id.
        state: those in this state or a lower one (`projector.effects`).

    Raises:
        NotFound: there is no such session.
    """
    query = f"SELECT id, source FROM sessions WHERE session = ? AND {EXISTS}"  # noqa: S608 - a constant
    found = db.execute(query, (name,)).fetchone()
    if found is None:
        raise NotFound(f"no session has the id {name!r}")
    number, source = found
    query = (
        f"SELECT key, place, {STORED} FROM events WHERE kind = ? AND session = ?"  # noqa: S608 - constants
        f" AND state <= ? ORDER BY {ORDER}"
    )
    views = [
        _message_view(name, source, row) for row in db.execute(query, (MESSAGE, number, state))
    ]
    tools = _tool_names(views)
    return [_with_tool_name(view, tools) for view in views]


def view_row(db: apsw.Connection, row: int) -> tuple[str | None, MessageView, dict[str, Any]]:
    """Return the message with a rowid: its session's title, its view, and its data."""
    query = (
        f"SELECT s.title, s.session, s.source, e.key, e.place, {_EVENT} FROM events e"  # noqa: S608 - constants
        " JOIN sessions s ON s.id = e.session WHERE e.id = ?"
    )
    found = db.execute(query, (row,)).fetchone()
    if found is None:
        raise NotFound(f"no message has the rowid {row}")
    title, name, source, *rest = found
    data = stored(tuple(rest[2:])).in_force
    return title, _message_view(name, source, tuple(rest)), data


def around(
    db: apsw.Connection, row: int, count: int
) -> tuple[list[MessageView], list[MessageView]]:
    """Return up to `count` messages before and after the message with a rowid."""
    found = db.execute(
        f"SELECT s.session, s.source, s.id, {ORDER} FROM events"  # noqa: S608 - constants
        " JOIN sessions s ON s.id = events.session WHERE events.id = ?",
        (row,),
    ).fetchone()
    if found is None or not count:
        return [], []
    name, source, number, *at = found
    sides = []
    for compare, way in (("<", "DESC"), (">", "ASC")):
        query = (
            f"SELECT key, place, {STORED} FROM events WHERE kind = 1 AND session = ?"  # noqa: S608 - constants
            f" AND state < 2 AND ({ORDER}) {compare} (?, ?, ?, ?, ?, ?)"
            f" ORDER BY {', '.join(f'{column} {way}' for column in _ORDER_COLUMNS)} LIMIT ?"
        )
        rows = db.execute(query, (number, *at, count))
        sides.append([_message_view(name, source, found) for found in rows])
    return sides[0][::-1], sides[1]


def _message_view(name: str, session_source: str | None, row: tuple[Any, ...]) -> MessageView:
    key, place, *columns = row
    event = stored(tuple(columns))
    fields = from_columns(event.columns)
    # what a foreign writer gave another kind than it has stays among the fields
    role, source = _text(fields, "role"), _text(fields, "source") or session_source
    content = fields.pop("content") if isinstance(fields.get("content"), str | list) else None
    revised = event.original is not None
    return MessageView(name, key, role, content, place, source, fields, revised, event.state)


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return fields.pop(name) if isinstance(value, str) else None


def _with_tool_name(view: MessageView, tools: dict[str, str]) -> MessageView:
    call = view.fields.get("tool_call_id")
    name = tools.get(call) if isinstance(call, str) else None
    if name is None or "tool_name" in view.fields:
        return view
    return replace(view, fields=view.fields | {"tool_name": name})


def _tool_names(views: Iterable[MessageView]) -> dict[str, str]:
    """Find the names of the tools that were called, by the ids of the calls."""
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
