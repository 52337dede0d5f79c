"""Converts one role/content message to the fields of a message, from that message alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from journal.importers.openai.wrapping import inner_content
from journal.importers.parsing.source_time import SourceTime, read_time
from journal.importers.parsing.values import count_or_none, non_empty, text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_TIMES = ("timestamp", "created_at", "created", "time")
_READ = {
    "id",
    "role",
    "content",
    "message",
    "name",
    "tool_name",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "reasoning",
    "reasoning_content",
    "model",
    "finish_reason",
    "token_count",
    *_TIMES,
}

_OF_LINE = ("type", "function", "arguments", "result", "text")


def message_data(value: dict[str, Json]) -> dict[str, Json]:
    """Return a message's fields; keys without a field are stored in `extra`."""
    role = value["role"]
    content, extra = _content(value)
    calls, odd = _calls(value)
    name = text_or_none(value.get("tool_name")) or text_or_none(value.get("name"))
    result = role in ("tool", "function")
    reasoning = value.get("reasoning_content") or value.get("reasoning")
    timestamp, times = _timestamp(value)
    unread = {key: item for key, item in value.items() if key not in _READ} | times
    if not isinstance(reasoning, str):
        unread["reasoning"] = reasoning
    count = count_or_none(value.get("token_count"))
    if count is None:
        unread["token_count"] = value.get("token_count")
    return {
        "role": "tool" if result else role,
        "content": content,
        "tool_name": name if result else None,
        "tool_calls": calls,
        "tool_call_id": text_or_none(value.get("tool_call_id")),
        "reasoning": reasoning if isinstance(reasoning, str) and reasoning else None,
        "model": text_or_none(value.get("model")),
        "finish_reason": text_or_none(value.get("finish_reason")),
        "token_count": count,
        "timestamp": timestamp,
        "extra": non_empty({**unread, **extra, **odd, "name": None if result else name}),
    }


def with_role(value: dict[str, Json]) -> dict[str, Json]:
    """Return a line without a role, which is a call, a result or an error, as a message."""
    kind, function = value.get("type"), value.get("function")
    rest = {name: item for name, item in value.items() if name not in _OF_LINE}
    if kind in ("tool_call", "function_call") and isinstance(function, dict):
        called = {"arguments": value.get("arguments"), **function}
        call = non_empty({"id": value.get("id"), "type": "function", "function": called})
        return {**rest, "role": "assistant", "content": None, "tool_calls": [call]}
    if kind in ("tool_result", "function_result") and isinstance(value.get("result"), str):
        return {**rest, "role": "tool", "content": value["result"]}
    if kind == "error" and isinstance(value.get("text"), str):
        return {**rest, "role": "system", "content": value["text"]}
    return value


def _content(value: dict[str, Json]) -> tuple[str | list[Json] | None, dict[str, Json]]:
    content = value.get("content")
    if content is None:
        content = inner_content(value)
    if content is None or isinstance(content, str):
        return content, {}
    if isinstance(content, list):
        return content, {}
    if isinstance(content, dict):
        return [content], {}
    return None, {"content": content}


def _calls(value: dict[str, Json]) -> tuple[list[Json] | None, dict[str, Json]]:
    """Return the calls in the one form that readers know, and other values unchanged."""
    calls = value.get("tool_calls")
    old = value.get("function_call")
    if isinstance(calls, list) and calls and all(isinstance(call, dict) for call in calls):
        odd = {"function_call": old} if old else {}
        return [_call(call) for call in calls], odd
    if isinstance(old, dict):
        return [_call({"type": "function", "function": old})], {}
    return None, non_empty({"tool_calls": calls, "function_call": old}) or {}


def _call(call: dict[str, Json]) -> dict[str, Json]:
    function = call.get("function")
    if not isinstance(function, dict) or "arguments" not in function:
        return call
    arguments = function["arguments"]
    if isinstance(arguments, str):
        return call
    return {**call, "function": {**function, "arguments": orjson.dumps(arguments).decode()}}


def _timestamp(value: dict[str, Json]) -> tuple[SourceTime, dict[str, Json]]:
    """Choose the first readable time, and return the unreadable ones by their names."""
    kept: dict[str, Json] = {}
    first = SourceTime()
    for name in _TIMES:
        found = read_time(value.get(name))
        if found.original is not None:
            kept[name] = found.original
        if found.micros is not None:
            return found._replace(original=None), kept
        first = first if first.repair is not None else found
    return first._replace(original=None), kept
