"""Reads sessions of Factory's Droid, and what `droid exec` prints as a stream of JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item, Piece, call, result, text
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.blocks import block_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator


def _claims(file: RawFile) -> bool:
    first = file.first
    if first.get("type") == "session_start":
        return file.path.suffix == ".jsonl"
    streamed = first.get("type") in {"system", "message"} and not {"message", "uuid"} & first.keys()
    return streamed and bool({"session_id", "sessionId"} & first.keys())


def _read(file: RawFile) -> Iterator[Item]:
    session, version = file.path.stem, ""
    names: dict[str, str] = {}
    for line in file.objects:
        if line.get("type") == "session_start":
            session, version = str(line.get("id")), str(line.get("version") or "")
        session = str(line.get("session_id") or line.get("sessionId") or session)
        yield Item(session, json.dumps(line, sort_keys=True), tuple(_pieces(line, names)), version)


def _pieces(line: Json, names: dict[str, str]) -> Iterator[Piece]:
    kind, message = line.get("type"), line.get("message")
    id = str(line.get("toolCallId") or line.get("id") or "")
    if isinstance(message, dict):
        yield from block_pieces(message.get("content"), str(message.get("role")), names)
    elif kind == "tool_call":
        names[id] = str(line.get("toolName"))
        yield call(names[id], id, line.get("parameters"))
    elif kind == "tool_result":
        yield from (result(id, each, names.get(id)) for each in plain(line.get("value")))
    elif kind in {"message", "completion", "error"}:
        role = {"completion": "assistant", "error": "system"}.get(kind, str(line.get("role")))
        for each in plain([line.get("text"), line.get("finalText"), message]):
            yield text(role, each)


READER = Reader("factory", _claims, _read)
