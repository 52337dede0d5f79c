"""Reads chats of Gemini CLI: a document with `messages`, or lines that are messages and changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item, Piece, beside, call, reasoning, result
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.gemini_parts import gemini_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPES = {"user": "user", "gemini": "assistant", "model": "assistant"}


def _claims(file: RawFile) -> bool:
    first = file.first
    if isinstance(first.get("history"), list) and any("parts" in each for each in first["history"]):
        return True
    known = "sessionId" in first and "startTime" in first
    return known and ("messages" in first or file.path.suffix == ".jsonl")


def _read(file: RawFile) -> Iterator[Item]:
    session = file.path.stem
    messages: dict[str, Json] = {}
    for line in [file.first] if isinstance(file.document, dict) else file.objects:
        session = str(line.get("sessionId") or session)
        for each in _messages(line):
            messages[str(each.get("id") or len(messages))] = each  # the last writing counts
    for id, message in messages.items():
        yield Item(session, id, tuple(_pieces(message)))


def _messages(line: Json) -> Iterator[Json]:
    set = line.get("$set") or {}
    yield from line.get("messages") or line.get("history") or set.get("messages") or ()
    if "type" in line:
        yield line


def _pieces(message: Json) -> Iterator[Piece]:
    role = _TYPES.get(str(message.get("type", message.get("role"))), "system")
    yield from gemini_pieces(message.get("content", message.get("parts")), role)
    for thought in message.get("thoughts") or ():
        for name in ("subject", "description"):
            yield from (reasoning(each) for each in plain(thought.get(name)))
    for called in message.get("toolCalls") or ():
        name, id = called.get("name"), called.get("id")
        yield call(name, id, called.get("args"))
        yield beside("tool", called.get("resultDisplay"), "display forms of results")
        for each in called.get("result") or ():
            answer = each.get("functionResponse") if isinstance(each, dict) else None
            for output in plain(answer.get("response") if answer else each):
                yield result(id, output, name)


READER = Reader("gemini-cli", _claims, _read)
