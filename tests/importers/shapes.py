"""The shapes in transcripts: record types and content parts, without any text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from journal.importers.files.compressed import open_source
from journal.importers.registry import installed
from journal.importers.run.detect import Detector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_LISTS = ("messages", "conversation", "conversations", "history", "traj", "trajectory", "chat")
_FLAGS = ("isMeta", "isSidechain", "isCompactSummary", "isApiErrorMessage", "agentId")


def shapes_of(paths: Iterable[Path]) -> dict[str, set[str]]:
    """Return the shapes in files, by format; files of unknown formats are skipped."""
    found: dict[str, set[str]] = {"claude-code": set(), "codex": set(), "openai": set()}
    detector = Detector(installed().formats)
    for path in paths:
        with open_source(path) as stream:
            kind = detector.detect(stream, name=path.name)
            if kind.format not in found:
                continue
            stream.seek(0)
            raw = stream.read()
        values = [_value(raw)] if kind.document else list(map(_value, raw.splitlines()))
        shape = {"claude-code": _claude_code, "codex": _codex, "openai": _openai}[kind.format]
        found[kind.format].update(*(shape(value, document=kind.document) for value in values))
    return found


def _value(raw: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _claude_code(value: Any, *, document: bool) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if document:
        yield "a document"
        for line in value["loglines"]:
            yield from _claude_code(line, document=False)
        return
    if not isinstance(value, dict):
        yield f"no object: {type(value).__name__}"
        return
    kind, data = value.get("type"), value.get("data") or value.get("attachment")
    sub = value.get("subtype") or value.get("operation")
    if isinstance(data, dict):
        sub = data.get("type")
    yield "/".join([str(kind), str(sub), *(flag for flag in _FLAGS if value.get(flag))])
    if "toolUseResult" in value:
        yield f"{kind} toolUseResult {type(value['toolUseResult']).__name__}"
    body = value.get("message")
    if isinstance(body, dict):
        yield from (f"{kind} {part}" for part in _content(body.get("content")))


def _codex(value: Any, *, document: bool) -> Iterator[str]:  # noqa: ANN401, ARG001 - any JSON
    if not isinstance(value, dict):
        yield f"no object: {type(value).__name__}"
        return
    payload = value.get("payload")
    kind = f"{value.get('type')}" if isinstance(payload, dict) else f"bare {value.get('type')}"
    payload = payload if isinstance(payload, dict) else value
    yield f"{kind}/{payload.get('type')}/{payload.get('role')}"
    for name in ("content", "output", "summary", "tools", "arguments", "action"):
        if name in payload:
            yield from (f"{kind} {name} {part}" for part in _content(payload[name]))
    for name in ("encrypted_content", "internal_chat_message_metadata_passthrough", "git"):
        if payload.get(name):
            yield f"{kind} {name}"


def _openai(value: Any, *, document: bool) -> Iterator[str]:  # noqa: ANN401 - any JSON
    where = "document" if document else "line"
    if isinstance(value, dict) and "role" not in value:
        names = [name for name, item in value.items() if isinstance(item, list)]
        name = next((name for name in (*_LISTS, *names) if name in names), None)
        yield f"{where} {name if name in _LISTS else 'another name'}"
        value = value[name] if name is not None else []
    elif isinstance(value, list):
        yield f"{where} list"
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict) and "role" in item:
            yield from _openai_message(item)
        elif isinstance(item, dict | list):
            yield from (f"list in {shape}" for shape in _openai(item, document=document))


def _openai_message(value: dict[str, Any]) -> Iterator[str]:
    fields = ("tool_calls", "function_call", "tool_call_id", "name", "timestamp", "id")
    yield f"{value['role']} with {', '.join(name for name in fields if value.get(name))}"
    yield from (f"{value['role']} {part}" for part in _content(value.get("content")))


def _content(content: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if not isinstance(content, list):
        yield type(content).__name__
        return
    for part in content or [None]:
        if not isinstance(part, dict):
            yield f"list of {type(part).__name__}"
            continue
        yield f"{part.get('type')}({', '.join(sorted(part))})"
        if part.get("type") == "tool_result":
            yield from (f"tool_result {inner}" for inner in _content(part.get("content")))
