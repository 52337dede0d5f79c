"""Sessions as Hermes's rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from projector.adapters.hermes.rows.values import micros
from projector.db.rows import STORED, stored
from projector.db.schema import MESSAGE
from projector.fold.messages import IN_TRANSCRIPT, OUT
from projector.fold.sessions import NANO
from projector.text.document import document
from projector.views.sessions import EXISTS, ORDER

if TYPE_CHECKING:
    import apsw

Row = dict[str, Any]

MESSAGES = f"""
EXISTS (SELECT 1 FROM _events e WHERE e.session = s.number AND e.kind = {MESSAGE}
  AND e.state < {OUT})
"""
"""Condition on a session `s` of `SESSIONS`: it has messages, perhaps archived ones."""

_CREATED = """
(SELECT min(time) FROM _events e WHERE e.session = _sessions.id AND kind <> 1
  AND kind IN (SELECT id FROM _kinds WHERE type IN ('session.created', 'session.ensured')))
"""
_SOURCE = f"""
(SELECT e.source FROM _events e WHERE e.session = _sessions.id AND kind = {MESSAGE}
  AND state = {IN_TRANSCRIPT} ORDER BY {ORDER} LIMIT 1)
"""
_CALLS = f"""
(SELECT coalesce(sum(CASE WHEN json_type(other_fields, '$.tool_calls') = 'array'
    THEN json_array_length(other_fields, '$.tool_calls')
    ELSE json_type(other_fields, '$.extra.tool_calls') IS NOT NULL END), 0)
  FROM _events e WHERE e.session = _sessions.id AND kind = {MESSAGE} AND state = {IN_TRANSCRIPT}
  AND other_fields IS NOT NULL)
"""


def _used(name: str) -> str:
    return f"(SELECT total FROM _usage u WHERE u.session = _sessions.id AND u.name = '{name}')"


def _extra(name: str) -> str:
    return f"json_extract(extra, '$.{name}')"


_COUNTED = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_EXTRA = ("billing_provider", "billing_base_url", "billing_mode")
_COLUMNS = {
    "id": "session",
    "source": f"coalesce(source, {_SOURCE}, 'unknown')",
    "user_id": "user",
    "model": "model",
    "model_config": f"coalesce(config, {_extra('model_config')})",
    "system_prompt": "system_prompt",
    "parent_session_id": "parent",
    "started_at": f"coalesce(started, first, {_CREATED}, 0) / 1000000.0",
    "ended_at": "ended / 1000000.0",
    "end_reason": f"coalesce(end_reason, {_extra('end_reason')})",
    "message_count": "messages",
    "tool_call_count": _CALLS,
    **{name: f"coalesce({_used(name)}, 0)" for name in (*_COUNTED, "reasoning_tokens")},
    **{name: _extra(name) for name in _EXTRA},
    "estimated_cost_usd": f"{_used('estimated_cost')} / {NANO}.0",
    "actual_cost_usd": f"{_used('actual_cost')} / {NANO}.0",
    **{name: _extra(name) for name in ("cost_status", "cost_source", "pricing_version")},
    "title": "title",
    "api_call_count": f"coalesce({_used('api_calls')}, 0)",
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
    f"(SELECT id AS number, last / 1000000.0 AS last_said, config,"
    f" {', '.join(f'{said} AS {name}' for name, said in _COLUMNS.items())}"
    f" FROM _sessions WHERE {EXISTS})"
)
"""A table for queries: the columns of Hermes, and `number`, `last_said` (when the last message was)
and `config` (the model's settings if they are an object: `model_config` can be any text)."""


def session_row(db: apsw.Connection, name: str) -> Row | None:
    """Return the session with an id; None if there is none."""
    found = session_rows(db, "s.id = ?", (name,))
    return found[0] if found else None


def session_rows(
    db: apsw.Connection, where: str, bound: tuple[object, ...] = (), rest: str = ""
) -> list[Row]:
    """Return sessions as Hermes's rows.

    Args:
        db: the projection.
        where: condition on `s`, a row of `SESSIONS`.
        bound: values of its question marks.
        rest: what follows it: ORDER BY, LIMIT.
    """
    return [full_row(db, number) for number in numbers(db, where, bound, rest)]


def numbers(
    db: apsw.Connection, where: str, bound: tuple[object, ...] = (), rest: str = ""
) -> list[int]:
    """Return the numbers of sessions, as `session_rows`: what is costly to count is not counted."""
    query = f"SELECT s.number FROM {SESSIONS} s WHERE {where} {rest}"
    return [number for (number,) in db.execute(query, bound)]


def full_row(db: apsw.Connection, number: int) -> Row:
    """Return all columns of the session with a number."""
    names = ", ".join(COLUMNS)
    query = f"SELECT {names} FROM {SESSIONS} s WHERE s.number = ?"
    [found] = db.execute(query, (number,))
    row = dict(zip(COLUMNS, found, strict=True))
    row["model_config"] = _config(row["model_config"])
    return row


def _config(text: object) -> object:
    """Write an object of settings as Hermes does; what is none stays the text it is."""
    try:
        found = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        return text
    return json.dumps(found) if isinstance(found, dict) else text


def rich_row(db: apsw.Connection, number: int) -> Row:
    """Return a session with `preview` and `last_active`."""
    row = full_row(db, number)
    row["preview"] = _preview(db, number)
    row["last_active"] = last_active(db, number)
    return row


def last_active(db: apsw.Connection, number: int) -> float:
    """Return the time of a session's last message, or when it began."""
    query = f"SELECT coalesce(s.last_said, s.started_at) FROM {SESSIONS} s WHERE s.number = ?"
    return float(db.execute(query, (number,)).get)


_LOOKED_AT, _SHOWN = 63, 60
"""Characters of a preview that Hermes looks at, and that it shows."""


def _preview(db: apsw.Connection, number: int) -> str:
    query = (
        f"SELECT {STORED} FROM _events WHERE session = ? AND kind = {MESSAGE} AND state = ?"
        f" AND role = 'user' AND content IS NOT NULL ORDER BY {ORDER} LIMIT 1"
    )
    found = db.execute(query, (number, IN_TRANSCRIPT)).fetchone()
    if found is None:
        return ""
    data = stored(found).in_force
    content = data["content"]
    text = content if isinstance(content, str) else document({"content": content})
    raw = text.replace("\n", " ").replace("\r", " ")[:_LOOKED_AT].strip()
    return raw if len(raw) <= _SHOWN else f"{raw[:_SHOWN]}..."


def before(moment: float) -> float:
    """Return a moment as precisely as a journal keeps it, to compare `started_at` with."""
    return micros(moment) / 1_000_000
