"""Sessions and messages as values of the columns of Hermes's tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from projector.adapters.hermes.export.state_tables import (
    LATER_MESSAGE,
    LATER_SESSION,
    MESSAGE,
    SESSION,
)
from projector.adapters.hermes.rows.message_ids import own_number
from projector.adapters.hermes.rows.messages import load_message, message_row
from projector.adapters.hermes.rows.retained import is_any_inactive, retained
from projector.adapters.hermes.rows.sessions import SESSIONS, existing_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import apsw

    from projector.adapters.hermes.rows.sessions import Row

_JSON_CONTENT = "\0json:"
"""Hermes writes this before content that is JSON: a list of parts."""
_SMALLEST, _BEYOND = -(2**63), 2**63
_DEFAULTS = {
    name for name, declared in (LATER_SESSION | LATER_MESSAGE).items() if "DEFAULT" in declared
}
_TEXTS = {
    *("model_config", "system_prompt", "billing_base_url", "title", "end_reason"),
    *("handoff_error", "display_name", "origin_json", "cwd", "git_branch", "git_repo_root"),
    *("compression_failure_error", "content", "reasoning", "reasoning_content"),
    *("reasoning_details", "codex_reasoning_items", "codex_message_items", "api_content"),
    "entry_json",
}
"""Columns that hold what people, models and tools wrote; the others are ids, names and numbers."""
_INACTIVE = {"active", "compacted"}


def is_later(db: apsw.Connection) -> bool:
    """Return whether a session or a message has values for columns that only 0.19 has."""
    conditions = " OR ".join(
        f"s.{name} <> 0" if name in _DEFAULTS else f"s.{name} IS NOT NULL" for name in LATER_SESSION
    )
    if db.execute(f"SELECT 1 FROM {SESSIONS} s WHERE {conditions} LIMIT 1").get is not None:
        return True
    names = sorted(LATER_MESSAGE.keys() - _INACTIVE)
    extras = [f"json_extract(m.other_fields, '$.extra.{name}')" for name in names]
    query = (
        "SELECT 1 FROM all_messages m WHERE m.state IN ('transcript', 'archived')"
        " AND m.other_fields LIKE '%\"extra\"%'"
        f" AND coalesce({', '.join(extras)}, 0) <> 0 LIMIT 1"
    )
    if db.execute(query).get is not None:
        return True
    return any(is_any_inactive(db, name) for (name,) in db.execute(f"SELECT id FROM {SESSIONS}"))


def highest_number(db: apsw.Connection) -> int:
    """Return the highest number by which Hermes knows a message; 0 if there is none."""
    found = db.execute("SELECT id FROM all_messages")
    return max((own_number(id) or 0 for (id,) in found), default=0)


def session_values(db: apsw.Connection, session: str, *, later: bool) -> Row:
    """Return the columns of a session that exists."""
    row = existing_row(db, session)
    extra = db.execute("SELECT extra FROM sessions WHERE session = ?", (session,)).get
    columns = SESSION | (LATER_SESSION if later else {})
    values = _restored(row, columns, {} if extra is None else orjson.loads(extra))
    values["title"] = values["title"] or None
    return values


def message_values(
    db: apsw.Connection, session: str, *, later: bool
) -> Iterator[tuple[int | None, Row]]:
    """Yield the messages that Hermes has of a session, in order: its number, if any, and columns.

    Args:
        db: the projection.
        session: the session's id.
        later: with the columns of 0.19, and with inactive messages, which 0.13 cannot store.
    """
    names = MESSAGE | (LATER_MESSAGE if later else {})
    for found in retained(db, session, inactive=later):
        message = load_message(db, found.row)
        row = message_row(session, message)
        row["content"] = _content(row["content"])
        row["tool_calls"] = None if row["tool_calls"] is None else json.dumps(row["tool_calls"])
        values = _restored(row, names, message.extra)
        values["role"] = values["role"] or "unknown"
        yield own_number(message.id) or None, values


def redacted(row: Mapping[str, Any], redact: Callable[[str], str]) -> Row:
    """Return a row whose texts have no secrets; ids, names and numbers are as they were."""
    found = {
        name: _redacted(value, redact) if name in _TEXTS and isinstance(value, str) else value
        for name, value in row.items()
    }
    calls = found.get("tool_calls")
    return found | {"tool_calls": _redacted_calls(calls, redact)} if calls else found


def _redacted(text: str, redact: Callable[[str], str]) -> str:
    if text.startswith(_JSON_CONTENT):  # what follows is JSON, and must be JSON afterwards
        return _JSON_CONTENT + redact(text.removeprefix(_JSON_CONTENT))
    return redact(text)


def _redacted_calls(text: str, redact: Callable[[str], str]) -> str:
    """Redact the arguments of calls: their ids and names must be those of the results."""
    calls = json.loads(text)
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("arguments"), str):
            function["arguments"] = redact(function["arguments"])
    return json.dumps(calls)


def redacted_setting(key: str, value: str | float | None, redact: Callable[[str], str]) -> object:
    """Return the value of a setting without secrets: its name can say that it is one."""
    if not isinstance(value, str):
        return value
    (found,) = json.loads(redact(json.dumps({key: value}))).values()
    return found


def bindable(value: object) -> str | int | float | None:
    """Return a value that a column can hold: lists, objects and large integers become text."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and not _SMALLEST <= value < _BEYOND:
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value)


def _restored(row: Row, columns: dict[str, str], extra: dict[str, Any]) -> Row:
    """Return the columns; a number that an import could not store in a field is in `extra`."""
    found = {}
    for name, declared in columns.items():
        original = extra.get(name)
        is_number = isinstance(original, int | float) and not declared.startswith("TEXT")
        found[name] = bindable(original if is_number else row[name])
    return found


def _content(content: object) -> str | None:
    if content is None or isinstance(content, str):
        return content
    return _JSON_CONTENT + json.dumps(content)
