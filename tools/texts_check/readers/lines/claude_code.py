"""Reads transcripts of Claude Code.

A line has `type`, `uuid`, `sessionId` and `message`, whose content is a string or parts: `text`,
`thinking`, `tool_use`, and in lines of type `user` `tool_result`. A sub-agent has files of its own
(`agent-<id>.jsonl`, with `agentId`), or its lines are within `data.message` of `progress` lines.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.texts_check.pieces import (
    RESULT,
    TEXT,
    Item,
    Piece,
    beside,
    call,
    reasoning,
    result,
    text,
)
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPES = frozenset({"user", "assistant", "system", "summary", "progress", "queue-operation"})


def _claims(file: RawFile) -> bool:
    if "loglines" in file.first:
        return True
    return file.path.suffix == ".jsonl" and any(_is_line(line) for line in file.objects[:64])


def _is_line(line: Json) -> bool:
    body = line.get("message")
    typed = line.get("type") in _TYPES and ("uuid" in line or "operation" in line)
    said = isinstance(body, dict) and body.get("role") == line.get("type") and "content" in body
    # Qwen Code has lines like these, whose messages have `parts`
    return said or (
        typed and "sessionId" in line and not (isinstance(body, dict) and "parts" in body)
    )


def _read(file: RawFile) -> Iterator[Item]:
    lines = file.first.get("loglines", file.objects)  # a document wraps the lines of old sessions
    names: dict[str, str] = {}
    of_file = next((line["sessionId"] for line in lines if "sessionId" in line), file.path.stem)
    for number, line in enumerate(lines):
        session = str(line.get("sessionId") or of_file)
        if line.get("isSidechain") and line.get("agentId"):
            session = f"agent-{line['agentId']}"
        key = str(line.get("uuid") or json.dumps(line, sort_keys=True))
        version = str(line.get("version") or "")
        if line.get("type") == "queue-operation":
            pieces = tuple(_typed(line))
        elif line.get("type") == "progress":
            data = line.get("data") or {}
            inner = data.get("message")
            if not isinstance(inner, dict) or not data.get("agentId"):
                continue
            session, key = f"agent-{data['agentId']}", str(inner.get("uuid") or key)
            pieces = tuple(_pieces(inner, names))
        else:
            pieces = tuple(_pieces(line, names))
        if pieces:
            yield Item(
                session, f"{key}" if line.get("uuid") else f"{number} {key}", pieces, version
            )


def _typed(line: Json) -> Iterator[Piece]:
    """Yield what was typed while the program was busy; it follows as a line of its own, or not."""
    if line.get("operation") == "enqueue":
        for each in plain(line.get("content")):
            yield Piece("text", "user", each, once=False)


def _pieces(line: Json, names: dict[str, str]) -> Iterator[Piece]:
    type = line.get("type")
    if type == "pr-link":
        yield text("system", line.get("prUrl"))
    if type == "system":
        yield from (text("system", each) for each in plain(line.get("content")))
    if type == "summary":
        yield beside("system", line.get("summary"), "titles of sessions that are in other files")
    attached = line.get("attachment")
    if isinstance(attached, dict) and attached.get("type") == "queued_command":
        for each in plain(attached.get("prompt")):
            yield Piece(TEXT, "user", each, once=False)
    elif isinstance(attached, dict):
        for each in plain(attached.get("content")):
            yield beside("system", each, "what the program attaches to a prompt")
    yield from _shown(line.get("toolUseResult"))
    message = line.get("message")
    if type not in {"user", "assistant"} or not isinstance(message, dict):
        return
    role = str(message.get("role") or type)
    content = message.get("content")
    for part in content if isinstance(content, list) else [content]:
        yield from _part(part, role, names)


def _shown(outcome: object) -> Iterator[Piece]:
    """Yield the output that the program shows, which can be more than the model was given.

    What is shown of an edited file is in the arguments of the call.
    """
    if isinstance(outcome, dict) and "filePath" not in outcome:
        for name in ("stdout", "content"):
            for each in plain(outcome.get(name)):
                yield Piece(RESULT, "tool", each, once=False)


def _part(part: object, role: str, names: dict[str, str]) -> Iterator[Piece]:
    typed = part if isinstance(part, dict) else {}
    kind = typed.get("type")
    if kind == "thinking":
        yield reasoning(typed.get("thinking") or "")
    elif kind == "tool_use":
        names[str(typed.get("id") or "-")] = str(typed.get("name"))
        yield call(typed.get("name"), typed.get("id"), typed.get("input"))
    elif kind == "tool_result":
        id = str(typed.get("tool_use_id") or "")
        for each in plain(typed.get("content")):
            yield result(id, each, names.get(id))
    else:
        yield from (text(role, each) for each in plain(part))


READER = Reader("claude-code", _claims, _read)
