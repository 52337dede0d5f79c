"""Finds the list of messages in a JSON value, whatever it is wrapped in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from journal.importers.files.document import Document
    from journal.importers.files.document_shape import ListShape
    from journal.importers.parsing.values import Json

NAMES = ("messages", "conversation", "conversations", "history", "traj", "trajectory", "chat")
"""Names of lists that are preferred if an object has more than one."""
RENDERED = ("messages_display",)
"""Names of texts that render a conversation."""
_BODIES = ("content", "tool_calls", "function_call", "message")
"""Every message has one of these, beside its role."""
_SPEAKER = re.compile(r"^(user|assistant|system|tool): ?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A list of messages, and the other fields of the object that wraps it."""

    messages: list[Json]
    rest: dict[str, Json]


def is_message(value: Json) -> bool:
    """Return whether a value has a role, and a content or a call."""
    return (
        isinstance(value, dict)
        and text_or_none(value.get("role")) is not None
        and (
            "content" in value
            or isinstance(value.get("tool_calls"), list)
            or isinstance(value.get("function_call"), dict)
            or inner_content(value) is not None
        )
    )


def inner_content(value: dict[str, Json]) -> str | list[Json] | None:
    """Return the content of a message that is wrapped in another message."""
    inner = value.get("message")
    if isinstance(inner, dict):
        inner = inner.get("content")
    return inner if isinstance(inner, str | list) else None


def unwrap(value: Json) -> Wrapped | None:
    """Find the list of messages in a value: the value itself, or one level deep."""
    if isinstance(value, list):
        return Wrapped(value, {}) if any(is_message(item) for item in value) else None
    if not isinstance(value, dict):
        return None
    name = choose({key for key, item in value.items() if _is_list(item)})
    if name is not None:
        return Wrapped(value[name], {key: item for key, item in value.items() if key != name})
    for name in RENDERED:
        text = value.get(name)
        if isinstance(text, str) and (messages := rendered(text)):
            return Wrapped(messages, {key: item for key, item in value.items() if key != name})
    return None


def choose(names: set[str]) -> str | None:
    """Choose the list of the conversation among those that contain messages."""
    for name in (*NAMES, *sorted(names)):
        if name in names:
            return name
    return None


def message_list(document: Document) -> str | None:
    """Return the name of a document's list of messages ("" for the document itself), or None."""
    lists = document.shape.lists.items()
    return choose({name for name, found in lists if _has_messages(found)})


def renders(document: Document) -> bool:
    """Return whether a document contains a conversation as text."""
    return any(name in document.shape.rest for name in RENDERED)


def rendered(text: str) -> list[dict[str, Json]]:
    """Split a conversation that was rendered as text: each speaker's name begins a line.

    Returns:
        Messages of role and content; none if the text does not begin with a speaker. An
        assistant whose content is "None" called a tool, and the text does not name it.
    """
    if not _SPEAKER.match(text):
        return []
    _, *parts = _SPEAKER.split(text)
    messages: list[dict[str, Json]] = []
    for role, part in zip(parts[::2], parts[1::2], strict=True):
        content = part.removesuffix("\n")
        nothing = role == "assistant" and content.strip() == "None"
        messages.append({"role": role} if nothing else {"role": role, "content": content})
    return messages


def _has_messages(found: ListShape) -> bool:
    return any("role" in keys and not keys.isdisjoint(_BODIES) for keys in found.keys)


def _is_list(value: Json) -> bool:
    return isinstance(value, list) and any(is_message(item) for item in value[:8])
