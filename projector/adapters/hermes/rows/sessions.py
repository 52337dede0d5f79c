"""Sessions as Hermes's rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from projector.adapters.hermes.rows.order import ORDER
from projector.adapters.hermes.rows.values import micros
from projector.views.messages import content_of, content_text

if TYPE_CHECKING:
    import apsw

Row = dict[str, Any]

MESSAGES = """
EXISTS (SELECT 1 FROM all_messages m WHERE m.session = s.id
  AND m.state IN ('transcript', 'archived'))
"""
"""Condition on a session `s` of `SESSIONS`: it has messages, perhaps archived ones."""

# not the column `tool_call_count`: Hermes also counts calls that are no list, as one call, and the
# adapter stores these in `extra`; a second count beside the column would parse all messages again
_CALLS = """
(SELECT coalesce(sum(CASE WHEN json_type(m.other_fields, '$.tool_calls') = 'array'
    THEN json_array_length(m.other_fields, '$.tool_calls')
    ELSE json_type(m.other_fields, '$.extra.tool_calls') IS NOT NULL END), 0)
  FROM messages m WHERE m.session = v.session AND m.other_fields IS NOT NULL)
"""


def _extra(name: str) -> str:
    return f"json_extract(v.extra, '$.{name}')"


_COUNTED = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_EXTRA = ("billing_provider", "billing_base_url", "billing_mode")
_COLUMNS = {
    "id": "v.session",
    "source": "coalesce(v.source, 'unknown')",
    "user_id": "v.user",
    "model": "v.model",
    "model_config": f"coalesce(v.config, {_extra('model_config')})",
    "system_prompt": "v.system_prompt",
    "parent_session_id": "v.parent",
    "started_at": "coalesce(v.started, 0) / 1000000.0",
    "ended_at": "v.ended / 1000000.0",
    "end_reason": f"coalesce(v.end_reason, {_extra('end_reason')})",
    "message_count": "v.message_count",
    "tool_call_count": _CALLS,
    **{name: f"coalesce(v.{name}, 0)" for name in (*_COUNTED, "reasoning_tokens")},
    **{name: _extra(name) for name in _EXTRA},
    "estimated_cost_usd": "v.estimated_cost",
    "actual_cost_usd": "v.actual_cost",
    **{name: _extra(name) for name in ("cost_status", "cost_source", "pricing_version")},
    "title": "v.title",
    "api_call_count": "coalesce(v.api_calls, 0)",
    **{name: _extra(name) for name in ("handoff_state", "handoff_platform", "handoff_error")},
    # Hermes 0.19 has these too
    **{name: _extra(name) for name in ("session_key", "chat_id", "chat_type", "thread_id")},
    **{name: _extra(name) for name in ("display_name", "origin_json")},
    "expiry_finalized": f"coalesce({_extra('expiry_finalized')}, 0)",
    "cwd": "cwd",
    **{name: _extra(name) for name in ("git_branch", "git_repo_root")},
    "compression_failure_cooldown_until": _extra("compression_failure_cooldown_until"),
    "compression_failure_error": _extra("compression_failure_error"),
    "compression_fallback_streak": f"coalesce({_extra('compression_fallback_streak')}, 0)",
    "profile_name": _extra("profile_name"),
    "rewind_count": f"coalesce({_extra('rewind_count')}, 0)",
    "archived": f"coalesce({_extra('archived')}, 0)",
}
COLUMNS = tuple(_COLUMNS)
"""Hermes's columns of a session, those of 0.13 first."""

SESSIONS = (
    "(SELECT coalesce(v.last_message, v.started, 0) / 1000000.0 AS last_active, v.config,"
    f" {', '.join(f'{value} AS {name}' for name, value in _COLUMNS.items())}"
    " FROM sessions v)"
)
"""A table for queries: the columns of Hermes, `last_active` (time of the last message, else of the
start, seconds since 1970) and `config` (the settings of the model if they are an object:
`model_config` can be any text)."""


def session_row(
    db: apsw.Connection, session: str, columns: tuple[str, ...] = COLUMNS
) -> Row | None:
    """Return columns of the session with an id; None if it does not exist."""
    query = f"SELECT {', '.join(columns)} FROM {SESSIONS} s WHERE s.id = ?"
    found = db.execute(query, (session,)).fetchone()
    if found is None:
        return None
    row = dict(zip(columns, found, strict=True))
    row["model_config"] = _config(row["model_config"])
    return row


def existing_row(db: apsw.Connection, session: str, columns: tuple[str, ...] = COLUMNS) -> Row:
    """Return columns of a session whose id was found in the same snapshot."""
    row = session_row(db, session, columns)
    if row is None:
        raise LookupError(f"there is no session {session!r}")
    return row


def session_rows(
    db: apsw.Connection, where: str, bound: tuple[object, ...] = (), rest: str = ""
) -> list[Row]:
    """Return sessions as Hermes's rows.

    Args:
        db: the projection.
        where: condition on `s`, a row of `SESSIONS`.
        bound: values of its question marks, and of those in `rest`.
        rest: what follows the condition: ORDER BY, LIMIT.
    """
    return [existing_row(db, id) for id in session_ids(db, where, bound, rest)]


def session_ids(
    db: apsw.Connection, where: str, bound: tuple[object, ...] = (), rest: str = ""
) -> list[str]:
    """Return the ids of sessions, as `session_rows`, without the columns that are slow to count."""
    query = f"SELECT s.id FROM {SESSIONS} s WHERE {where} {rest}"
    return [str(id) for (id,) in db.execute(query, bound)]


def _config(text: object) -> object:
    """Return an object of settings as Hermes encodes it; any other text as it is."""
    try:
        found = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        return text
    return json.dumps(found) if isinstance(found, dict) else text


def rich_row(db: apsw.Connection, session: str) -> Row:
    """Return a session with `preview` and `last_active`."""
    return active_row(db, session) | {"preview": _preview(db, session)}


def active_row(db: apsw.Connection, session: str) -> Row:
    """Return a session with `last_active`: the time of its last message, else of its start."""
    return existing_row(db, session, (*COLUMNS, "last_active"))


_LOOKED_AT, _SHOWN = 63, 60
"""Characters of a preview that Hermes reads, and that it shows."""


def _preview(db: apsw.Connection, session: str) -> str:
    query = (
        "SELECT content, content_is_json FROM messages"
        f" WHERE session = ? AND role = 'user' AND content IS NOT NULL ORDER BY {ORDER} LIMIT 1"
    )
    found = db.execute(query, (session,)).fetchone()
    if found is None:
        return ""
    content, is_json = found
    text = content_text(content_of(content, is_json=bool(is_json)))
    raw = text.replace("\n", " ").replace("\r", " ")[:_LOOKED_AT].strip()
    return raw if len(raw) <= _SHOWN else f"{raw[:_SHOWN]}..."


def before(moment: float) -> float:
    """Return a time as exactly as a journal stores it, to compare `started_at` with."""
    return micros(moment) / 1_000_000
