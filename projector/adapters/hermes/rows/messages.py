"""Messages as Hermes's rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from projector.adapters.hermes.rows.message_ids import number
from projector.adapters.hermes.rows.values import seconds
from projector.db.rows import STORED, stored
from projector.db.schema import MESSAGE
from projector.fold.messages import IN_ARCHIVE, IN_TRANSCRIPT
from projector.views.sessions import ORDER

if TYPE_CHECKING:
    import apsw

_ENCODED = ("reasoning_details", "codex_reasoning_items", "codex_message_items")
"""Columns that Hermes leaves as JSON texts."""
_LATER = ("effect_disposition", "platform_message_id", "observed", "api_content")
"""Columns that Hermes 0.19 has and 0.13 has not, but for `active` and `compacted`."""


def message_row(
    session: str, key: str, moment: int, state: int, data: dict[str, Any]
) -> dict[str, Any]:
    """Return a message as Hermes's `get_messages` does: 0.13's columns, then those of 0.19.

    Args:
        session: the session's id.
        key: the message's id in the journal.
        moment: its own date, else when it was appended, microseconds.
        state: `projector.fold.messages.IN_TRANSCRIPT` and so on.
        data: its fields in force.
    """
    extra = data.get("extra") or {}
    row = {
        "id": number(session, key),
        "session_id": session,
        "role": extra.get("role", data.get("role")),
        "content": data.get("content", extra.get("content")),
        "tool_call_id": data.get("tool_call_id"),
        "tool_calls": data.get("tool_calls", extra.get("tool_calls")) or None,
        "tool_name": data.get("tool_name"),
        "timestamp": seconds(data.get("timestamp", moment)),
        "token_count": data.get("token_count"),
        "finish_reason": data.get("finish_reason"),
        "reasoning": data.get("reasoning"),
        "reasoning_content": extra.get("reasoning_content"),
    }
    for name in _ENCODED:
        row[name] = json.dumps(extra[name]) if name in extra else None
    row |= {name: extra.get(name) for name in _LATER}
    row["observed"] = int(extra.get("observed") or 0)
    row["active"] = int(state == IN_TRANSCRIPT)
    row["compacted"] = int(state == IN_ARCHIVE)
    return row


def message_rows(
    db: apsw.Connection, session: str, *, state: int = IN_TRANSCRIPT
) -> list[dict[str, Any]]:
    """Return the messages of a session in order, those in this state or a lower one.

    A session that there is not has none.
    """
    query = (
        f"SELECT event_id, coalesce(timestamp, time), {STORED} FROM _events"
        f" WHERE kind = {MESSAGE} AND state <= ? AND session ="
        f" (SELECT id FROM _sessions WHERE session = ?) ORDER BY {ORDER}"
    )
    rows = []
    for key, moment, *columns in db.execute(query, (state, session)):
        event = stored(tuple(columns))
        rows.append(message_row(session, key, moment, event.state, event.in_force))
    return rows
