"""Reads sessions of DeepSeek's harness: lines with `type`, `seq` and `data`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.texts_check.pieces import TEXT, Item, Piece, call
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.blocks import block_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator


def _claims(file: RawFile) -> bool:
    first = file.first
    return file.path.suffix == ".jsonl" and first.get("type") == "session" and "createdAt" in first


def _read(file: RawFile) -> Iterator[Item]:
    session, version = str(file.first["id"]), f"version {file.first.get('version')}"
    names: dict[str, str] = {}
    for line in file.objects:
        yield Item(session, json.dumps(line, sort_keys=True), tuple(_pieces(line, names)), version)


def _pieces(line: Json, names: dict[str, str]) -> Iterator[Piece]:
    type, data = line.get("type"), line.get("data") or {}
    message = data.get("message") or data
    if type in {"user/message", "assistant/message", "tool/result"}:
        yield from block_pieces(message.get("content"), str(message.get("role")), names)
    elif type == "tool/call":
        names[str(data.get("callId"))] = str(data.get("name"))
        yield call(data.get("name"), data.get("callId"), data.get("arguments"))
    elif type == "text-chunks":  # of an answer that follows as a whole, or was interrupted
        for each in plain("".join(data.get("texts") or ())):
            yield Piece(TEXT, "assistant", each, once=False)


READER = Reader("deepseek", _claims, _read)
