"""Reads databases of Zed: a row of `threads` is a thread, as JSON that may be compressed."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item, Piece, call, reasoning, result, text
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.blocks import block_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator


_ZSTD = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def _claims(file: RawFile) -> bool:
    return "threads" in file.tables


def _read(file: RawFile) -> Iterator[Item]:
    for row in file.rows("SELECT id, data_type, data FROM threads"):
        data = row["data"]
        if row["data_type"] == "zstd":
            data = _ZSTD.decompress(data)
        thread = json.loads(data)
        names: dict[str, str] = {}
        for number, message in enumerate(thread["messages"]):
            pieces = tuple(_pieces(message, names)) if isinstance(message, dict) else ()
            yield Item(str(row["id"]), str(number), pieces, str(thread.get("version") or ""))


def _pieces(message: Json, names: dict[str, str]) -> Iterator[Piece]:
    if "segments" in message:
        yield from block_pieces(message["segments"], str(message["role"]), names)
    for name, role in (("User", "user"), ("Agent", "assistant")):
        for part in (message.get(name) or {}).get("content") or ():
            use = part.get("ToolUse")
            if use:
                yield call(use.get("name"), use.get("id"), use.get("input"))
            yield from (reasoning(each) for each in plain(part.get("Thinking")))
            yield from (text(role, each) for each in plain(part.get("Text")))
    for id, each in ((message.get("Agent") or {}).get("tool_results") or {}).items():
        for output in plain(each.get("content")):
            yield result(id, output, each.get("tool_name"))


READER = Reader("zed", _claims, _read)
