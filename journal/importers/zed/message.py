"""The messages of one thread of Zed: pure.

Threads of two generations are stored side by side: an older one has messages with a `role` and
`segments`; a newer one has `{"User": ...}` and `{"Agent": ...}` with blocks of one key each. None
has times or ids for all of its messages: their place is their id, and their time that of the
thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.parsing.parts import Parts, Result, output
from journal.importers.parsing.values import object_of, text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_ROLES = {"User": "user", "Agent": "assistant"}


def message_of(place: int, message: Json) -> tuple[str, str, Parts] | str:
    """Return id, role and parts of a message; a text says why it is none.

    Args:
        place: its number in the thread, from 1.
        message: the message.
    """
    if isinstance(message, str):
        return f"message {message}"  # "Resume": the user continued a turn
    if not isinstance(message, dict):
        return "message that is no object"
    if text_or_none(message.get("role")) is not None:
        return f"message-{message.get('id', place)}", str(message["role"]), _segments(message)
    if len(message) == 1:
        ((kind, body),) = message.items()
        if kind in _ROLES and isinstance(body, dict):
            id = text_or_none(body.get("id")) or f"message-{place}"
            return id, _ROLES[kind], _blocks(body)
        return f"message {kind}"
    return "message of an unknown kind"


def _blocks(body: dict[str, Json]) -> Parts:
    """Sort the blocks of a message of the newer generation."""
    parts = Parts()
    for block in body.get("content") or []:
        if not isinstance(block, dict) or len(block) != 1:
            parts.text(block)
            continue
        ((kind, value),) = block.items()
        _block(parts, kind, value)
    results = body.get("tool_results")
    for id, result in results.items() if isinstance(results, dict) else ():
        parts.results.append(_result(id, result if isinstance(result, dict) else {}))
    return parts


def _block(parts: Parts, kind: str, value: Json) -> None:
    fields = object_of(value)
    if kind == "Text":
        parts.text(value)
    elif kind == "Thinking":
        parts.think(fields.get("text"))
    elif kind == "RedactedThinking":
        parts.lost.append("reasoning, encrypted")
    elif kind == "ToolUse":
        given = fields.get("input")
        given = fields.get("raw_input") if given is None else given
        parts.call(fields.get("id"), fields.get("name"), given)
    elif kind == "Mention":
        mention = {"type": "mention", "uri": fields.get("uri"), "text": fields.get("content")}
        parts.content.append({name: it for name, it in mention.items() if it is not None})
    elif kind == "Image":
        parts.content.append({"type": "image", **fields})
    else:
        parts.lost.append(f"content {kind}")


def _result(id: str, result: dict[str, Json]) -> Result:
    found = result.get("content")
    if isinstance(found, dict) and found.keys() == {"Text"}:
        found = found["Text"]
    if found in (None, "", []):
        found = result.get("output")
    error, name = result.get("is_error"), text_or_none(result.get("tool_name"))
    return Result(id, name, output(found), error if isinstance(error, bool) else None)


def _segments(message: dict[str, Json]) -> Parts:
    """Sort the segments, calls and results of a message of the older generation."""
    parts = Parts()
    for segment in message.get("segments") or []:
        fields = segment if isinstance(segment, dict) else {}
        kind = fields.get("type")
        if kind == "text":
            parts.text(fields.get("text"))
        elif kind == "thinking":
            parts.think(fields.get("text"))
        elif kind in ("redacted_thinking", "redactedthinking"):
            parts.lost.append("reasoning, encrypted")
        else:
            parts.lost.append(f"segment {kind if isinstance(kind, str) else 'without a type'}")
    for call in message.get("tool_uses") or []:
        fields = call if isinstance(call, dict) else {}
        parts.call(fields.get("id"), fields.get("name"), fields.get("input"))
    for found in message.get("tool_results") or []:
        fields = found if isinstance(found, dict) else {}
        parts.results.append(_result(str(fields.get("tool_use_id")), fields))
    return parts
