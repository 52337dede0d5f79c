"""Hermes's arguments of a message, as the data of an event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from journal import is_timestamp
from projector.adapters.hermes.rows.values import clean, micros

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS = ("tool_name", "tool_call_id", "finish_reason", "reasoning")
_MORE_TEXTS = ("reasoning_content", "effect_disposition", "platform_message_id")
_STRUCTURED = ("reasoning_details", "codex_reasoning_items", "codex_message_items")
_OF_ASSISTANT = ("reasoning", "reasoning_content", *_STRUCTURED)
"""Fields that Hermes keeps only of the assistant's messages when it rewrites a transcript."""

_NO_ROLE = "unknown"
"""Replaces an empty role, which no message of a journal can have."""

_SMALLEST, _BEYOND = -(2**63), 2**64
_LARGEST_COUNT = 2**53 - 1
"""The largest token count that a journal takes."""


def message_data(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a message.

    Args:
        given: the arguments of Hermes's `append_message` by name; `timestamp` is left out.
    """
    role = clean(str(given["role"]))
    data: dict[str, Any] = {"role": role or _NO_ROLE}
    extra: dict[str, Any] = {} if role else {"role": ""}
    content = content_of(given.get("content"))
    (extra if isinstance(content, dict) else data)["content"] = content
    data |= {name: _text(given.get(name)) for name in _TEXTS}
    count = given.get("token_count")
    if type(count) is int and 0 <= count <= _LARGEST_COUNT:
        data["token_count"] = count
    calls = plain(given.get("tool_calls") or None)
    (data if isinstance(calls, list) else extra)["tool_calls"] = calls
    extra |= {name: _text(given.get(name)) for name in _MORE_TEXTS}
    extra |= {name: plain(given.get(name) or None) for name in _STRUCTURED}
    extra["observed"] = 1 if given.get("observed") else None
    sent = given.get("api_content")
    extra["api_content"] = clean(sent) if isinstance(sent, str) else None
    data["extra"] = {name: value for name, value in extra.items() if value is not None} or None
    return {name: value for name, value in data.items() if value is not None}


def rewritten(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a message in a transcript that Hermes rewrites."""
    given = {"role": _NO_ROLE} | {
        name: value
        for name, value in message.items()
        if name not in _OF_ASSISTANT or message.get("role") == "assistant"
    }
    given["platform_message_id"] = message.get("platform_message_id") or message.get("message_id")
    return message_data(given)


def moment_of(timestamp: object) -> int | None:
    """Return a timestamp in microseconds; None where Hermes uses the time of the call."""
    moment: Any = timestamp
    try:
        if hasattr(moment, "timestamp"):
            moment = moment.timestamp()
        found = micros(float(moment))
    except (TypeError, ValueError, OverflowError):
        return None
    return found if is_timestamp(found) else None


def content_of(content: object) -> str | list[Any] | dict[str, Any] | None:
    """Return content as it is stored: a text, or a list or an object that JSON can hold."""
    if isinstance(content, list | tuple | dict):
        found: str | list[Any] | dict[str, Any] | None = plain(content)
        return found
    return _text(content)


def plain(value: object) -> Any:  # noqa: ANN401 - any JSON
    """Return a value after JSON encoding and decoding; its text if JSON cannot hold it."""
    if value is None:
        return None
    try:
        text = json.dumps(value)
        found = json.loads(text, parse_int=_integer, parse_constant=_refused)
    except (TypeError, ValueError, RecursionError):
        return clean(str(value))
    if "\\ud" not in text:
        return found
    # decoding has joined pairs of surrogates; those that remain are lone ones
    return json.loads(clean(json.dumps(found, ensure_ascii=False)))


def _integer(text: str) -> int:
    found = int(text)
    if not _SMALLEST <= found < _BEYOND:
        raise ValueError("an integer over 64 bits")
    return found


def _refused(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _text(value: object) -> str | None:
    """Return a value as a column of type TEXT converts it."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return clean(str(int(value) if isinstance(value, bool) else value))
