"""Reads chats of Qwen Code: lines with `uuid`, `sessionId`, `type`, and `parts` in `message`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.texts_check.pieces import TEXT, Item, Piece
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.gemini_parts import gemini_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator


def _claims(file: RawFile) -> bool:
    return file.path.suffix == ".jsonl" and any(
        "sessionId" in line and isinstance(line.get("message"), dict) and "parts" in line["message"]
        for line in file.objects[:64]
    )


def _read(file: RawFile) -> Iterator[Item]:
    for line in file.objects:
        key = json.dumps(line, sort_keys=True)
        session, version = str(line.get("sessionId")), str(line.get("version") or "")
        yield Item(session, key, tuple(_pieces(line)), version)


def _pieces(line: Json) -> Iterator[Piece]:
    role = {"assistant": "assistant", "system": "system"}.get(str(line.get("type")), "user")
    yield from gemini_pieces((line.get("message") or {}).get("parts"), role)
    typed = (line.get("systemPayload") or {}).get("rawCommand")
    yield from (Piece(TEXT, "user", each, once=False) for each in plain(typed))


READER = Reader("qwen-code", _claims, _read)
