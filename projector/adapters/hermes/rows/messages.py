"""Messages as Hermes's rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import orjson

from projector.adapters.hermes.rows.message_ids import number
from projector.adapters.hermes.rows.order import ORDER
from projector.adapters.hermes.rows.values import seconds
from projector.views.messages import content_of

if TYPE_CHECKING:
    import apsw

    from projector.adapters.hermes.rows.sessions import Row

COLUMNS = "id, state, time, role, content, content_is_json, other_fields"
"""The columns that make a `StoredMessage`."""

_ENCODED = ("reasoning_details", "codex_reasoning_items", "codex_message_items")
"""Columns that Hermes leaves as JSON texts."""
_LATER = ("effect_disposition", "platform_message_id", "observed", "api_content")
"""Columns that Hermes 0.19 has and 0.13 has not, besides `active` and `compacted`."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message in the projection.

    Attributes:
        id: its id.
        state: `transcript`, `archived` or `removed`.
        time: its date, microseconds since 1970.
        fields: its other fields by name, revisions in force.
    """

    id: str
    state: str
    time: int
    fields: dict[str, Any]

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Self:
        """Return the message of a row of `COLUMNS`."""
        id, state, time, role, content, content_is_json, other_fields = row
        fields: dict[str, Any] = {} if other_fields is None else orjson.loads(other_fields)
        if role is not None:
            fields["role"] = role
        if content is not None:
            fields["content"] = content_of(content, is_json=bool(content_is_json))
        return cls(id, state, time, fields)

    @property
    def extra(self) -> dict[str, Any]:
        """What it has under Hermes's names."""
        return self.fields.get("extra") or {}


def load_message(db: apsw.Connection, row: int) -> StoredMessage:
    """Return the message with a rowid, which must exist."""
    [found] = db.execute(f"SELECT {COLUMNS} FROM all_messages WHERE rowid = ?", (row,))
    return StoredMessage.of(found)


def load_row(db: apsw.Connection, session: str, row: int) -> Row:
    """Return the message with a rowid as Hermes's row."""
    return message_row(session, load_message(db, row))


def message_row(session: str, message: StoredMessage) -> Row:
    """Return a message as Hermes's `get_messages` does: 0.13's columns, then those of 0.19."""
    fields, extra = message.fields, message.extra
    row = {
        "id": number(session, message.id),
        "session_id": session,
        "role": extra.get("role", fields.get("role")),
        "content": fields.get("content", extra.get("content")),
        "tool_call_id": fields.get("tool_call_id"),
        "tool_calls": fields.get("tool_calls", extra.get("tool_calls")) or None,
        "tool_name": fields.get("tool_name"),
        "timestamp": seconds(message.time),
        "token_count": fields.get("token_count"),
        "finish_reason": fields.get("finish_reason"),
        "reasoning": fields.get("reasoning"),
        "reasoning_content": extra.get("reasoning_content"),
    }
    for name in _ENCODED:
        row[name] = json.dumps(extra[name]) if name in extra else None
    row |= {name: extra.get(name) for name in _LATER}
    row["observed"] = int(extra.get("observed") or 0)
    row["active"] = int(message.state == "transcript")
    row["compacted"] = int(message.state == "archived")
    return row


def message_rows(db: apsw.Connection, session: str) -> list[Row]:
    """Return the transcript of a session; a session that does not exist has no messages."""
    query = f"SELECT {COLUMNS} FROM messages WHERE session = ? ORDER BY {ORDER}"
    return [message_row(session, StoredMessage.of(row)) for row in db.execute(query, (session,))]
