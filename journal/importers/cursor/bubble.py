"""The events of one message ("bubble") of Cursor's database: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, Result, output
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import list_of, non_empty, object_of, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.conversation import Conversation
    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.source_time import SourceTime
    from journal.importers.parsing.values import Json

_ROLES = {1: "user", 2: "assistant"}


def bubble_items(line: int, talk: Conversation, id: str, bubble: dict[str, Json]) -> Iterator[Item]:
    """Yield the items of a message."""
    role = _ROLES.get(bubble.get("type"))  # type: ignore[arg-type]
    if role is None:
        yield Skipped(line, f"message of type {bubble.get('type')!s}")
        return
    time, model = _time(bubble), text_or_none(object_of(bubble.get("modelInfo")).get("modelName"))
    parts = Parts()
    parts.think(object_of(bubble.get("thinking")).get("text") or bubble.get("thinking"))
    parts.text(text_or_none(bubble.get("text")) or text_or_none(bubble.get("rawText")))
    for image in list_of(bubble.get("images")):
        parts.content.append({"type": "image", **object_of(image)})
    error = object_of(bubble.get("errorDetails"))
    if parts.is_empty:
        parts.text(error.get("message"))
    result = _tool(parts, object_of(bubble.get("toolFormerData")))
    fields: dict[str, Any] = {
        "timestamp": time,
        "model": model,
        "extra": non_empty({"files": _files(bubble), "error": error.get("message")}),
    }
    if parts.is_empty:
        yield Skipped(line, "message without a text")
    yield from talk.message(line, id, role, parts, fields)
    if result is not None:
        yield talk.result(line, f"{id}:result", result, {"timestamp": time})
    count = object_of(bubble.get("tokenCount"))
    tokens = {
        "input_tokens": count.get("inputTokens"),
        "output_tokens": count.get("outputTokens"),
    }
    yield from usage(line, talk.session, id, tokens, time, model=model)


def _time(bubble: dict[str, Json]) -> SourceTime:
    timing = object_of(bubble.get("timingInfo"))
    times = (
        bubble.get("createdAt"),
        bubble.get("timestamp"),
        timing.get("clientRpcSendTime"),
        timing.get("clientStartTime"),
    )
    return read_time(next((time for time in times if time), None))


def _tool(parts: Parts, tool: dict[str, Json]) -> Result | None:
    """Add the call of a tool; return its result, if it has one."""
    name = text_or_none(tool.get("name"))
    if name is None:
        return None
    id = text_or_none(tool.get("toolCallId"))
    given = tool.get("rawArgs")
    parts.call(id, name, tool.get("params") if given in (None, "") else given)
    found, status = tool.get("result"), tool.get("status")
    failure = tool.get("error")
    if found is None and failure is None:
        return None
    failed = status in ("error", "rejected", "cancelled")
    return Result(id, name, output(failure if found is None else found), error=failed)


def _files(bubble: dict[str, Json]) -> list[str]:
    """Return the paths of the files that are attached to a message."""
    context = object_of(bubble.get("context"))
    selections = list_of(context.get("fileSelections")) or list_of(bubble.get("relevantFiles"))
    found: list[str] = []
    for selection in selections:
        uri = object_of(selection).get("uri") if isinstance(selection, dict) else selection
        path = object_of(uri).get("fsPath") or object_of(uri).get("path") or uri
        if text_or_none(path) is not None:
            found.append(str(path))
    return found
