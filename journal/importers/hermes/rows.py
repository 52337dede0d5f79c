"""Rows of a Hermes database to the data of events: pure functions, one row at a time.

Columns without a field are stored in `extra` under Hermes's names. `message_count` and
`tool_call_count` are left out, because Hermes computes them from the messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.bounds import is_amount
from journal.importers.files.decode import BadLine, decode
from journal.importers.parsing.events import key
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.values import count_or_none, text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

STRUCTURED = "\0json:"
"""The beginning of content that Hermes keeps as JSON: a list of parts."""
_ZERO = ("expiry_finalized", "compression_fallback_streak", "rewind_count", "archived")
DEFAULTS: dict[str, dict[str, Json]] = {
    "sessions": dict.fromkeys(_ZERO, 0),
    "messages": {"observed": 0, "active": 1, "compacted": 0},
}
"""Values that say nothing, by table and column; tables from old repairs do not declare them."""
KEY_SPACES = {
    "state_meta": "@hermes.meta",
    "telegram_dm_topic_mode": "@hermes.telegram_mode",
    "telegram_dm_topic_bindings": "@hermes.telegram_bindings",
}
"""The tables whose rows are key-values, and their namespaces."""

_TEXTS = {
    "title": "title",
    "model": "model",
    "cwd": "cwd",
    "user_id": "user",
    "system_prompt": "system_prompt",
}
_COUNTS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "reasoning_tokens": "reasoning_tokens",
    "api_call_count": "api_calls",
}
_COSTS = {"estimated_cost_usd": "estimated_cost", "actual_cost_usd": "actual_cost"}
_OWN = {"id", "message_count", "tool_call_count", "ended_at", "end_reason"}
_MESSAGE_TEXTS = ("tool_name", "tool_call_id", "finish_reason", "reasoning")
_JSON = ("reasoning_details", "codex_reasoning_items", "codex_message_items")
_FLAGS = {"active", "compacted"}


class MessageState(IntEnum):
    """The state of a message: the meaning of its columns `active` and `compacted`."""

    ACTIVE = 0
    ARCHIVED = 1
    REMOVED = 2


@dataclass(slots=True)
class RowData:
    """Event data made from one row, and the repairs that were needed."""

    data: dict[str, Any] = field(default_factory=dict)
    repairs: tuple[str, ...] = ()

    def put(self, name: str, value: Json) -> None:
        """Set a field, unless the value is None."""
        if value is not None:
            self.data[name] = value

    def keep(self, name: str, value: Json) -> None:
        """Set a key of `extra`, unless the value is None."""
        if value is not None:
            self.data.setdefault("extra", {})[name] = value

    def take(self, values: dict[str, Json], name: str, field: str, kind: type = str) -> None:
        """Set a field to a column's value if it is of the right type; else keep it in `extra`."""
        value = values.get(name)
        if isinstance(value, kind):
            self.put(field, value)
        else:
            self.keep(name, value)

    def when(self, values: dict[str, Json], name: str, field: str) -> None:
        """Set a field to a column's time; one that a journal cannot hold is kept in `extra`."""
        found = read_time(values.get(name))
        self.put(field, found.micros)
        self.keep(name, found.original)
        if found.repair is not None:
            self.repairs = (*self.repairs, found.repair)

    def parsed(self, text: Json) -> Json:
        """Read a JSON text; return None if it is no JSON."""
        if not isinstance(text, str):
            return None
        try:
            value, repairs = decode(text.encode())
        except BadLine:
            return None
        self.repairs = (*self.repairs, *repairs)
        return value


def session_data(values: dict[str, Json]) -> RowData:
    """Return the data of `session.created`."""
    found = RowData()
    found.put("source", text_or_none(values.get("source")))
    for name, own in _TEXTS.items():
        found.take(values, name, own)
    parent = text_or_none(values.get("parent_session_id"))
    found.put("parent", None if parent is None else key(parent))
    config = found.parsed(values.get("model_config"))
    if isinstance(config, dict):
        found.put("config", config)
    else:
        found.keep("model_config", values.get("model_config"))
    found.when(values, "started_at", "started")
    used = used_counts(values)
    read = {*_TEXTS, *_OWN, "source", "parent_session_id", "model_config", "started_at", *used}
    for name, value in values.items():
        if name not in read:
            found.keep(name, value)
    if values.get("ended_at") is None:  # a reason without an end has no event of its own
        found.keep("end_reason", values.get("end_reason"))
    return found


def used_counts(values: dict[str, Json]) -> dict[str, Json]:
    """Return a session's counters by Hermes's columns, but for values that cannot be counters."""
    counts = {name: count_or_none(values.get(name)) for name in _COUNTS}
    used: dict[str, Json] = {name: count for name, count in counts.items() if count is not None}
    used |= {name: values[name] for name in _COSTS if is_amount(values.get(name))}
    return used


def usage_data(used: dict[str, Json]) -> dict[str, Json]:
    """Return the data of `usage.set`: every count, and the costs that are known."""
    counts = {own: used.get(name, 0) for name, own in _COUNTS.items()}
    return counts | {own: used[name] for name, own in _COSTS.items() if name in used}


def end_data(values: dict[str, Json]) -> RowData | None:
    """Return the data of `session.ended`; None for a session that is open."""
    if values.get("ended_at") is None:
        return None
    found = RowData()
    found.take(values, "end_reason", "reason")
    found.when(values, "ended_at", "ended")
    return found


def message_data(values: dict[str, Json]) -> RowData:
    """Return the data of `message.appended`; the role is missing if the row has none."""
    found = RowData()
    found.put("role", text_or_none(values.get("role")))
    found.put("content", _content(found, values.get("content")))
    for name in _MESSAGE_TEXTS:
        found.take(values, name, name)
    calls = found.parsed(values.get("tool_calls"))
    if isinstance(calls, list) and all(isinstance(call, dict) for call in calls):
        found.put("tool_calls", calls)
    else:
        found.keep("tool_calls", values.get("tool_calls") if calls is None else calls)
    count = count_or_none(values.get("token_count"))
    found.put("token_count", count)
    found.keep("token_count", values.get("token_count") if count is None else None)
    found.when(values, "timestamp", "timestamp")
    for name in _JSON:
        value = found.parsed(values.get(name))
        found.keep(name, values.get(name) if value is None else value)
    read = {"id", "session_id", "role", "content", "tool_calls", "token_count", "timestamp"}
    for name, value in values.items():
        if name not in read | _FLAGS and name not in _MESSAGE_TEXTS and name not in _JSON:
            found.keep(name, value)
    return found


def _content(found: RowData, stored: Json) -> Json:
    """Decode content as Hermes does: text that cannot be decoded is the content itself."""
    if not isinstance(stored, str):
        return None if stored is None else str(stored)
    if not stored.startswith(STRUCTURED):
        return stored
    repairs = found.repairs
    value = found.parsed(stored.removeprefix(STRUCTURED))
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list) and all(isinstance(part, dict | str) for part in value):
        return value
    found.repairs = repairs
    return stored


def state_of(values: dict[str, Json]) -> MessageState:
    """Return the state of a message; Hermes reads a missing `active` as 1."""
    if values.get("active", 1) != 0:
        return MessageState.ACTIVE
    return MessageState.ARCHIVED if values.get("compacted", 0) == 1 else MessageState.REMOVED


def content_of(values: dict[str, Json]) -> bytes:
    """Return bytes that differ if the message differs; its flags do not count."""
    content = {name: value for name, value in values.items() if name not in _FLAGS}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def named_value(table: str, values: dict[str, Json]) -> tuple[str, Json] | None:
    """Return the key and the value of a row of a table of KEY_SPACES; None when it has no key."""
    if table == "state_meta":
        name = values.get("key")
        return (name, values.get("value")) if isinstance(name, str) else None
    chat, thread = values.get("chat_id"), values.get("thread_id")
    if chat is None or (table == "telegram_dm_topic_bindings" and thread is None):
        return None
    return (str(chat) if table == "telegram_dm_topic_mode" else f"{chat}/{thread}"), values
