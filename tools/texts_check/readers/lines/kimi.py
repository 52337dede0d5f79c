"""Reads the wire log of Kimi Code: messages of the person, and events of the loop of the agent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.texts_check.pieces import TEXT, Item, Piece, beside, call, result, text
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.blocks import block_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator


def _claims(file: RawFile) -> bool:
    return file.path.suffix == ".jsonl" and "protocol_version" in file.first


def _read(file: RawFile) -> Iterator[Item]:
    parents = file.path.parents
    session = parents[2].name if file.path.name == "wire.jsonl" else file.path.stem
    version = f"protocol {file.first['protocol_version']}"
    names: dict[str, str] = {}
    for line in file.objects:
        yield Item(session, json.dumps(line, sort_keys=True), tuple(_pieces(line, names)), version)


def _pieces(line: Json, names: dict[str, str]) -> Iterator[Piece]:
    message, type = line.get("message"), str(line.get("type"))
    if isinstance(message, dict):
        yield from block_pieces(message.get("content"), str(message.get("role")), names)
    elif type == "context.append_loop_event":
        yield from _event(line["event"], names)
    elif type == "context.apply_compaction":
        yield text("system", line.get("summary"))
    elif type == "config.update":
        for each in plain(line.get("systemPrompt")):
            yield beside("system", each, "system prompt of the program")
    elif type in {"turn.prompt", "turn.steer"}:
        for each in plain(line.get("input")):  # the message that is appended to the context has it
            yield Piece(TEXT, "user", each, once=False)


def _event(event: Json, names: dict[str, str]) -> Iterator[Piece]:
    id = str(event.get("toolCallId"))
    if event.get("type") == "content.part":
        yield from block_pieces([event.get("part")], "assistant", names)
    elif event.get("type") == "tool.call":
        names[id] = str(event.get("name"))
        yield call(names[id], id, event.get("args"))
    elif event.get("type") == "tool.result":
        outcome = event.get("result") or {}
        for each in plain(outcome.get("output", outcome.get("message"))):
            yield result(id, each, names.get(id))


READER = Reader("kimi", _claims, _read)
