"""Reads transcripts of Antigravity: steps of the person, the model and the system."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item, Piece, call, reasoning, result, text
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOURCES = frozenset({"USER_EXPLICIT", "MODEL", "SYSTEM"})
_SAID = frozenset({"None", "PLANNER_RESPONSE"})


def _claims(file: RawFile) -> bool:
    known = file.first.get("source") in _SOURCES and "created_at" in file.first
    return file.path.suffix == ".jsonl" and known


def _read(file: RawFile) -> Iterator[Item]:
    parents = file.path.parents
    session = parents[2].name if file.path.name == "transcript.jsonl" else file.path.stem
    for number, line in enumerate(file.objects):
        key = f"{number} {json.dumps(line, sort_keys=True)}"
        yield Item(session, key, tuple(_pieces(line)))


def _pieces(line: Json) -> Iterator[Piece]:
    source, type = line.get("source"), str(line.get("type"))
    for each in plain(line.get("content")):
        if source == "USER_EXPLICIT" or type == "USER_INPUT":
            yield text("user", each)  # an importer may split it by the tags in it
        elif source == "SYSTEM":
            yield text("system", each)
        elif source != "MODEL":  # a source of which no description says who it is
            yield text("", each)
        elif type in _SAID:
            yield text("assistant", each)
        else:
            yield result("", each)
    yield from (reasoning(each) for each in plain(line.get("thinking")))
    for each in line.get("tool_calls") or ():
        yield call(each.get("name"), each.get("id"), each.get("args"))


READER = Reader("antigravity", _claims, _read)
