"""Reads sessions of pi, and of omp and openclaw, which share its format: a tree of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item, Piece, result, text
from tools.texts_check.raw_files import Json, RawFile, plain
from tools.texts_check.readers.blocks import block_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator


def _claims(file: RawFile) -> bool:
    first = file.first
    known = first.get("type") == "session" and "timestamp" in first and "id" in first
    # openclaw copies a session before it compacts it
    return known and file.path.suffix == ".jsonl" and ".checkpoint." not in file.path.name


def _read(file: RawFile) -> Iterator[Item]:
    session, version = str(file.first["id"]), f"version {file.first.get('version')}"
    names: dict[str, str] = {}
    for line in file.objects:
        yield Item(session, str(line.get("id")), tuple(_pieces(line, names)), version)


def _pieces(line: Json, names: dict[str, str]) -> Iterator[Piece]:
    message = line.get("message") or {}
    role = str(message.get("role"))
    if role == "toolResult":
        for each in plain(message.get("content")):
            yield result(message.get("toolCallId"), each, message.get("toolName"))
    else:
        yield from block_pieces(message.get("content"), role, names)
    for each in plain([line.get("summary"), line.get("content")]):
        yield text("system", each)


READER = Reader("pi", _claims, _read)
