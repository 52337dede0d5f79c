"""Converts the content of one message of ChatGPT to parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.parsing.parts import Parts, Result, tool_call
from journal.importers.parsing.values import list_of, text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_TEXTS = ("text", "result", "content", "summary")
_INSTRUCTIONS = ("user_editable_context", "model_editable_context")
_CONTEXT = ("user_profile", "user_instructions", "model_set_context")


def parts_of(id: str, value: dict[str, Json]) -> Parts:
    """Return the parts of a message.

    Args:
        id: its id, which is also that of its call: the export has none.
        value: the message.
    """
    content = value.get("content")
    content = content if isinstance(content, dict) else {}
    author = value.get("author")
    author = author if isinstance(author, dict) else {}
    to = text_or_none(value.get("recipient")) or "all"
    parts = _content(content)
    parts.content += _attachments(value)
    if author.get("role") == "tool":
        result = Result(None, text_or_none(author.get("name")), parts.fields()["content"] or "")
        return Parts(thoughts=parts.thoughts, results=[result])
    if author.get("role") == "assistant" and to != "all":
        arguments = "\n".join(part.get("text", "") for part in parts.content)
        return Parts(thoughts=parts.thoughts, calls=[tool_call(id, to, arguments)])
    return parts


def _content(content: dict[str, Json]) -> Parts:
    parts = Parts()
    kind = content.get("content_type")
    if kind == "thoughts":
        for thought in list_of(content.get("thoughts")):
            named = thought if isinstance(thought, dict) else {}
            texts = (text_or_none(named.get(name)) for name in ("summary", "content"))
            parts.think(": ".join(filter(None, texts)))
    elif kind in _INSTRUCTIONS:
        for name in _CONTEXT:
            parts.text(content.get(name))
    else:
        for part in list_of(content.get("parts")):
            _add(parts, part)
        for name in _TEXTS:
            if not parts.content:
                parts.text(content.get(name))
    return parts


def meta_of(value: dict[str, Json]) -> str | None:
    """Return what a message is that no person wrote and no model answered."""
    content, about = value.get("content"), value.get("metadata")
    if isinstance(content, dict) and content.get("content_type") in _INSTRUCTIONS:
        return "instructions"
    if isinstance(content, dict) and content.get("content_type") == "reasoning_recap":
        return "notification"
    if isinstance(about, dict) and about.get("is_visually_hidden_from_conversation"):
        return "instructions"
    return None


def _add(parts: Parts, part: Json) -> None:
    if isinstance(part, dict):
        if part.get("content_type") == "audio_transcription" and text_or_none(part.get("text")):
            parts.text(part["text"])
        else:
            parts.content.append(part)
    else:
        parts.text(part)


def _attachments(value: dict[str, Json]) -> list[Json]:
    """Return the files that a person attached: their names and kinds; the bytes are elsewhere."""
    about = value.get("metadata")
    files = list_of(about.get("attachments")) if isinstance(about, dict) else []
    return [
        {
            "type": "file",
            "name": file.get("name"),
            "media_type": file.get("mimeType") or file.get("mime_type"),
            "id": file.get("id"),
        }
        for file in files
        if isinstance(file, dict)
    ]
