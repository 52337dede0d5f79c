"""Reads sessions of Grok Build: `chat_history.jsonl`, or where it is missing `updates.jsonl`."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item, Piece, call, reasoning, result, text
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

_UPDATES = {"user_message_chunk": "user", "agent_message_chunk": "assistant"}


def _claims(file: RawFile) -> bool:
    if file.path.name == "updates.jsonl":
        alone = not file.path.with_name("chat_history.jsonl").exists()
        return alone and bool(_update(file.first))
    return file.path.name == "chat_history.jsonl" and "content" in file.first


def _update(line: Json) -> Json:
    params = line.get("params")
    update = params.get("update") if isinstance(params, dict) else None
    return update if isinstance(update, dict) else {}


def _read(file: RawFile) -> Iterator[Item]:
    session = file.path.parent.name
    summary = file.path.with_name("summary.json")
    if summary.exists():
        session = str(json.loads(summary.read_text(encoding="utf-8"))["info"]["id"])
    if file.path.name == "updates.jsonl":
        kinds = groupby(map(_update, file.objects), lambda update: update.get("sessionUpdate"))
        for number, (kind, updates) in enumerate(kinds):
            whole = "".join(each for update in updates for each in plain(update.get("content")))
            yield Item(session, str(number), (text(_UPDATES.get(str(kind), "system"), whole),))
        return
    names: dict[str, str] = {}
    for number, line in enumerate(file.objects):
        yield Item(session, str(number), tuple(_pieces(line, names)))


def _pieces(line: Json, names: dict[str, str]) -> Iterator[Piece]:
    type, id = str(line.get("type")), str(line.get("tool_call_id") or "")
    if type == "reasoning":
        yield from (reasoning(each) for each in plain(line.get("summary")))
    elif type == "tool_result":
        yield from (result(id, each, names.get(id)) for each in plain(line.get("content")))
    elif type == "backend_tool_call":
        kind = line.get("kind") or {}
        yield call(kind.get("tool_type"), kind.get("id"), kind.get("action"))
    else:
        yield from (text(type, each) for each in plain(line.get("content")))
        for each in line.get("tool_calls") or ():
            names[str(each.get("id"))] = str(each.get("name"))
            yield call(each.get("name"), each.get("id"), each.get("arguments"))


READER = Reader("grok", _claims, _read)
