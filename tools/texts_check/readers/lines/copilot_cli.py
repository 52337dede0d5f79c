"""Reads the events of Copilot CLI: lines with `type`, `data`, `id` and `parentId`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.texts_check.pieces import REASONING, TEXT, Item, Piece, beside, call, reasoning, result
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROLES = {
    "user.message": "user",
    "assistant.message": "assistant",
    "system.message": "system",
    "system.notification": "system",
    "session.error": "system",
    "session.info": "system",
}


def _claims(file: RawFile) -> bool:
    return file.path.suffix == ".jsonl" and any(
        isinstance(line.get("data"), dict) and str(line.get("type")) in {"session.start", *_ROLES}
        for line in file.objects[:64]
    )


def _read(file: RawFile) -> Iterator[Item]:
    session, version = file.path.parent.name, ""
    names: dict[str, str] = {}
    # a call is in an answer, and its start may come first; a start that no answer names is a call
    answered = {
        str(request.get("toolCallId"))
        for line in file.objects
        for request in (line.get("data") or {}).get("toolRequests") or ()
    }
    for line in file.objects:
        data, type = line.get("data") or {}, str(line.get("type"))
        if type == "session.start":
            session = str(data.get("sessionId") or session)
            version = str(data.get("copilotVersion") or "")
        if type == "tool.execution_start" and str(data.get("toolCallId")) in answered:
            continue
        pieces = tuple(_pieces(type, data, names))
        if pieces:
            yield Item(session, json.dumps(line, sort_keys=True), pieces, version)


def _pieces(type: str, data: Json, names: dict[str, str]) -> Iterator[Piece]:
    id = str(data.get("toolCallId") or "")
    if type == "assistant.reasoning":  # the answer after it may repeat it
        yield Piece(REASONING, "assistant", str(data.get("content") or ""), once=False)
    elif type == "tool.execution_start" and id not in names:
        names[id] = str(data.get("toolName"))
        yield call(names[id], id, data.get("arguments"))
    elif type == "tool.execution_complete":
        outcome = data.get("result") or data.get("error") or {}
        value = (
            outcome if isinstance(outcome, str) else outcome.get("content", outcome.get("message"))
        )
        yield from (result(id, each, names.get(id)) for each in plain(value))
    elif type in _ROLES:
        for each in plain(data.get("content", data.get("message"))):
            yield Piece(TEXT, _ROLES[type], each)
        changed = data.get("transformedContent")
        yield beside("user", changed, "prompts with what Copilot added to them")
        for each in plain(data.get("reasoningText")):
            yield reasoning(each)
        for request in data.get("toolRequests") or ():
            name, called = str(request.get("name")), str(request.get("toolCallId"))
            yield call(name, called, request.get("arguments"))
            names[called] = name


READER = Reader("copilot-cli", _claims, _read)
