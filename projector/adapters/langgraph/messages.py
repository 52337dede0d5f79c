"""The messages of a checkpoint as messages of a transcript."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROLES = {"human": "user", "ai": "assistant"}
_COUNTS = {"input_tokens": "input_tokens", "output_tokens": "output_tokens"}
_DETAILS = {
    ("input_token_details", "cache_read"): "cache_read_tokens",
    ("input_token_details", "cache_creation"): "cache_write_tokens",
    ("output_token_details", "reasoning"): "reasoning_tokens",
}


def conversation(values: Mapping[str, Any]) -> list[BaseMessage]:
    """Return the messages in the values of channels, each id once.

    The channel `messages` comes first, the others follow by name.
    """
    seen: set[str] = set()
    found: list[BaseMessage] = []
    for _, value in sorted(values.items(), key=lambda item: (item[0] != "messages", item[0])):
        for message in _of(value):
            if message.id is None or message.id not in seen:
                found.append(message)
                if message.id is not None:
                    seen.add(message.id)
    return found


def has_messages(value: object) -> bool:
    """Return whether the value of a channel has messages."""
    return next(_of(value), None) is not None


def _of(value: object) -> Iterator[BaseMessage]:
    # a channel that stores deltas keeps its whole value in a snapshot now and then
    value = getattr(value, "value", value)
    for item in value if isinstance(value, list | tuple) else (value,):
        if isinstance(item, BaseMessage):
            yield item


def fields(message: BaseMessage) -> dict[str, Any]:
    """Return the fields of a message as `SessionStore.flush` takes them."""
    model = message.response_metadata.get("model_name")
    data: dict[str, Any] = {
        "id": message.id,
        "role": _ROLES.get(message.type, message.type),
        "content": message.content,
        "model": model if isinstance(model, str) else None,
        "tool_calls": [_call(call) for call in getattr(message, "tool_calls", ())] or None,
    }
    if message.type == "tool":
        data |= {"tool_call_id": getattr(message, "tool_call_id", None), "tool_name": message.name}
    return data


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(call["args"], ensure_ascii=False, default=str)
    function = {"name": call["name"], "arguments": arguments}
    return {"id": call.get("id") or "", "type": "function", "function": function}


def usage(message: BaseMessage) -> dict[str, Any]:
    """Return the counters of the model's call that made a message; empty if it has none."""
    used = getattr(message, "usage_metadata", None)
    if not used:
        return {}
    found = {ours: used[theirs] for theirs, ours in _COUNTS.items() if used.get(theirs)}
    for (group, name), ours in _DETAILS.items():
        if count := (used.get(group) or {}).get(name):
            found[ours] = count
    model = message.response_metadata.get("model_name")
    return found | {"api_calls": 1} | ({"model": model} if isinstance(model, str) else {})
