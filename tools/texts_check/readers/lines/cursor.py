"""Reads transcripts of agents of Cursor: lines with `role` and `message`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item
from tools.texts_check.readers.blocks import block_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.texts_check.raw_files import RawFile


def _claims(file: RawFile) -> bool:
    first = file.first
    known = "role" in first and "type" not in first and isinstance(first.get("message"), dict)
    return file.path.suffix == ".jsonl" and known


def _read(file: RawFile) -> Iterator[Item]:
    names: dict[str, str] = {}
    for number, line in enumerate(file.objects):
        message = line.get("message") or {}
        pieces = tuple(block_pieces(message.get("content"), str(line.get("role")), names))
        yield Item(file.path.stem, str(number), pieces)


READER = Reader("cursor", _claims, _read)
