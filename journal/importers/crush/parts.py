"""The parts of one message of Crush, each `{"type": ..., "data": {...}}`: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.parsing.parts import Parts, Result
from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json


def parts_of(found: list[Json]) -> tuple[Parts, dict[str, Json]]:
    """Sort the parts; return them, and the data of the part `finish`."""
    parts, finish = Parts(), dict[str, "Json"]()
    for part in found:
        kind = part.get("type") if isinstance(part, dict) else None
        data = part.get("data") if isinstance(part, dict) else None
        data = data if isinstance(data, dict) else {}
        if kind == "finish":
            finish = data
        else:
            _part(parts, kind, data)
    return parts, finish


def _part(parts: Parts, kind: Json, data: dict[str, Json]) -> None:
    if kind == "text":
        parts.text(data.get("text"))
    elif kind == "reasoning":
        parts.think(data.get("thinking"))
    elif kind == "tool_call":
        parts.call(data.get("id"), data.get("name"), data.get("input") or "{}")
    elif kind == "tool_result":
        parts.results.append(_result(data))
    elif kind == "shell_command":
        parts.text(f"$ {data.get('command')}\n{data.get('output')}")
    elif kind == "image_url":
        parts.content.append({"type": "image", "url": data.get("url")})
    elif kind == "binary":
        file = {"name": data.get("Path"), "media_type": data.get("MIMEType")}
        kept = {name: value for name, value in file.items() if value}
        parts.content.append({"type": "file", **kept, "data": data.get("Data")})
    else:
        parts.lost.append(f"part {kind if isinstance(kind, str) else 'without a type'}")


def _result(data: dict[str, Json]) -> Result:
    content: str | list[Json] = str(data.get("content") or "")
    if text_or_none(data.get("data")) is not None:
        file = {"type": "file", "media_type": data.get("mime_type"), "data": data["data"]}
        content = [{"type": "text", "text": content}, file] if content else [file]
    error = data.get("is_error")
    return Result(
        text_or_none(data.get("tool_call_id")),
        text_or_none(data.get("name")),
        content,
        error if isinstance(error, bool) else None,
    )
