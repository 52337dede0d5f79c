"""The events of one message of Goose: pure.

A message has a list of blocks, each with a `type`. Calls and results are wrapped in an envelope
with a status: `{"status": "success", "value": ...}` or `{"status": "error", "error": ...}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, Result, output
from journal.importers.parsing.values import non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.conversation import Conversation
    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.source_time import SourceTime
    from journal.importers.parsing.values import Json

SOURCE = "goose"
_CALLS = ("toolRequest", "frontendToolRequest")
_NOTES = {
    "systemNotification": "msg",
    "contextLengthExceeded": "msg",
    "summarizationRequested": "msg",
}
"""Blocks that Goose shows to the user, and their text."""


def message_items(
    line: int, talk: Conversation, fields: dict[str, Json], blocks: list[Json], time: SourceTime
) -> Iterator[Item]:
    """Yield the items of a message.

    Args:
        line: number of the message in its session.
        talk: the session.
        fields: id, role and metadata.
        blocks: the content.
        time: when it was written.
    """
    id, role = text_or_none(fields.get("id")) or f"message-{line}", text_or_none(fields.get("role"))
    if role is None:
        yield Skipped(line, "message without a role")
        return
    metadata = fields.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    parts, notes = Parts(), list[str]()
    for block in blocks:
        if isinstance(block, dict):
            _block(parts, notes, block)
        else:
            parts.text(block)
    hidden = metadata.get("userVisible") is False
    about = {
        "timestamp": time,
        "meta": "instructions" if hidden else None,
        "extra": non_empty({"agent_hidden": metadata.get("agentVisible") is False}),
    }
    yield from talk.message(line, id, role, parts, about)
    for number, note in enumerate(notes, 1):
        shown = Parts()
        shown.text(note)
        about = {"timestamp": time, "meta": "notification"}
        yield from talk.message(line, f"{id}:note-{number}", "system", shown, about)


def _block(parts: Parts, notes: list[str], block: dict[str, Json]) -> None:
    kind = block.get("type")
    if kind == "text":
        parts.text(block.get("text"))
    elif kind == "thinking":
        parts.think(block.get("thinking"))
    elif kind == "reasoning":
        parts.think(block.get("text"))
    elif kind == "redactedThinking":
        parts.lost.append("reasoning, encrypted")
    elif kind in _CALLS:
        _call(parts, block)
    elif kind == "toolResponse":
        parts.results.append(_result(block))
    elif kind == "image":
        image = {"type": "image", "media_type": block.get("mimeType"), "data": block.get("data")}
        parts.content.append({name: it for name, it in image.items() if it is not None})
    elif kind in _NOTES and text_or_none(block.get(_NOTES[kind])) is not None:
        notes.append(block[_NOTES[kind]])
    else:
        parts.lost.append(f"content {kind if isinstance(kind, str) else 'without a type'}")


def _call(parts: Parts, block: dict[str, Json]) -> None:
    envelope = block.get("toolCall")
    envelope = envelope if isinstance(envelope, dict) else {}
    value = envelope.get("value")
    if isinstance(value, dict):
        parts.call(block.get("id"), value.get("name"), value.get("arguments") or {})
    else:
        parts.call(block.get("id"), "invalid", {"error": envelope.get("error")})


def _result(block: dict[str, Json]) -> Result:
    envelope = block.get("toolResult")
    envelope = envelope if isinstance(envelope, dict) else {}
    value, error = envelope.get("value"), envelope.get("status") == "error"
    if isinstance(value, dict):
        error = error or value.get("isError") is True
        value = value.get("content")
    found = envelope.get("error") if value is None else value
    return Result(text_or_none(block.get("id")), None, _texts(found), error=error)


def _texts(value: Json) -> str | list[Json]:
    """Return the texts of a result as one text, if it has nothing else."""
    if isinstance(value, list) and value and all(_is_text(part) for part in value):
        return "\n".join(part["text"] for part in value)
    return output(value)


def _is_text(part: Json) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part["text"], str)
