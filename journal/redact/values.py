"""Selects the values of an event that are redacted, by its type.

`NEVER_CHANGED` lists the fields that are not, with the reason of each. All other strings are
redacted: content, reasoning, arguments and results of tools, titles, system prompts, working
directories, branches, reasons, `meta`, `config`, `extra` and the values of `key.set`. Of an event
of an unknown type, these are all strings but those whose field has one of the names in `_LEFT`.
Keys of objects and numbers never change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.event_types import EVENT_TYPES, KEY_SET, TRANSCRIPT_REPLACED

if TYPE_CHECKING:
    from collections.abc import Callable

    Redact = Callable[[str, str], str]
    """Takes the name of a field and a string in it; returns the string without secrets."""

_REDACTED = frozenset(
    (
        "content",
        "tool_calls",
        "reasoning",
        "extra",
        "title",
        "system_prompt",
        "cwd",
        "config",
        "reason",
        "scope",
        "meta",
        "branch",
        "finish_reason",
    )
)
"""Fields of known types that are redacted, by their names."""

_REFERS = "other values refer to it, or a reader compares it: with another one they would not fit"
_NAMES = "a reader groups and filters by this name, and programs choose it, not users"
_CLOSED = "one of a few words that a reader knows"
_FIELDS = "names of fields"
_HASHED = "hashes, marks and ids of keys, which append checks"

NEVER_CHANGED: dict[str, str] = {
    **dict.fromkeys(
        ("id", "message", "parent", "line", "tool_call_id", "call", "commit", "key"), _REFERS
    ),
    **dict.fromkeys(("role", "source", "model", "provider", "tool_name", "user"), _NAMES),
    **dict.fromkeys(("relation", "rest"), _CLOSED),
    "clear": _FIELDS,
    "erasure.": _HASHED + "; the words of a request are redacted where it is made",
}
"""Fields of known types with strings that are not redacted, and why not.

`erasure.` stands for all fields of the events about erasure. In `message.removed`,
`message.archived` and `message.restored`, `messages` has ids.
"""
_LEFT = frozenset(
    (
        "id",
        "ids",
        "uuid",
        "parent",
        "parent_id",
        "parentUuid",
        "leafUuid",
        "sessionId",
        "session_id",
        "messageId",
        "message_id",
        "requestId",
        "request_id",
        "response_id",
        "item_id",
        "turn_id",
        "thread_id",
        "conversation_id",
        "promptId",
        "tool_call_id",
        "toolCallId",
        "tool_use_id",
        "toolUseId",
        "toolUseID",
        "call_id",
        "callId",
        "role",
        "type",
        "tool_name",
        "toolName",
        "model",
        "provider",
        "signature",
        "thoughtSignature",
        "thought_signature",
        "encrypted_content",
        "hash",
        "sha",
        "sha1",
        "sha256",
        "md5",
        "digest",
        "checksum",
        "etag",
        "commit",
    )
)
"""Fields of objects in data that are not changed, by their names."""
_CALLS = frozenset(("arguments", "args", "input", "parameters"))
"""An object with one of these fields is a call, and its `name` is that of a tool."""
_ERASURE = "erasure."
_DEEPEST = 255
"""Levels of objects and lists that a record can have."""


def redact_values(type: str, data: dict[str, Any], redact: Redact) -> dict[str, Any]:
    """Return an event's data with redacted strings; the same object if nothing was redacted."""
    if type.startswith(_ERASURE):
        return data
    if type == KEY_SET:
        name = data.get("key")
        value = _value(name if isinstance(name, str) else "", data.get("value"), redact)
        return data if value is data.get("value") else {**data, "value": value}
    if type not in EVENT_TYPES:
        return _object(data, redact)
    changed = _fields(data, redact)
    # another program may have written messages of another kind
    if type == TRANSCRIPT_REPLACED and isinstance(items := data.get("messages"), list):
        messages = [_fields(it, redact) if isinstance(it, dict) else it for it in items]
        if any(one is not two for one, two in zip(messages, items, strict=True)):
            return {**changed, "messages": messages}
    return changed


def named_texts(type: str, data: dict[str, Any]) -> list[str]:
    """Return the strings that `redact_values` redacts, each as `NAME="STRING"`.

    Raises:
        RecursionError: the data is nested deeper than any record can be, or holds itself.
    """
    found: list[str] = []
    if type.startswith(_ERASURE):
        return found
    if type == KEY_SET:
        name = data.get("key")
        _add(name if isinstance(name, str) else "", data.get("value"), found, 0)
    elif type not in EVENT_TYPES:
        _add("", data, found, 0)
    else:
        _add_fields(data, found)
        if type == TRANSCRIPT_REPLACED and isinstance(items := data.get("messages"), list):
            for item in items:
                if isinstance(item, dict):
                    _add_fields(item, found)
    return found


def _add_fields(data: dict[str, Any], found: list[str]) -> None:
    for name, value in data.items():
        if name in _REDACTED:
            _add(name, value, found, 0)


def _add(name: str, value: object, found: list[str], depth: int) -> None:
    # it looks at every value of every event, and a call takes as long as a short text
    if isinstance(value, str):
        found.append(f'{name}="{value}"')
    elif depth > _DEEPEST:
        raise RecursionError
    elif isinstance(value, dict):
        is_call = not _CALLS.isdisjoint(value)
        for key, item in value.items():
            if isinstance(item, str):
                if key not in _LEFT and not (is_call and key == "name"):
                    found.append(f'{key}="{item}"')
            elif isinstance(item, dict) or (
                isinstance(item, list) and key not in _LEFT and not (is_call and key == "name")
            ):
                _add(key, item, found, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _add(name, item, found, depth + 1)


def _fields(data: dict[str, Any], redact: Redact) -> dict[str, Any]:
    """Redact the fields of an event of a known type, or of a message in it."""
    changed = {
        name: value
        for name in _REDACTED & data.keys()
        if (value := _value(name, data[name], redact)) is not data[name]
    }
    return {**data, **changed} if changed else data


def _value(name: str, value: object, redact: Redact) -> object:
    if isinstance(value, str):
        return redact(name, value)
    if isinstance(value, dict):
        return _object(value, redact)
    if isinstance(value, list):
        items = [_value(name, item, redact) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value


def _object(value: dict[str, Any], redact: Redact) -> dict[str, Any]:
    is_call = not _CALLS.isdisjoint(value)
    changed = {
        name: new
        for name, old in value.items()
        if not (isinstance(old, str | list) and (name in _LEFT or (is_call and name == "name")))
        and (new := _value(name, old, redact)) is not old
    }
    return {**value, **changed} if changed else value
