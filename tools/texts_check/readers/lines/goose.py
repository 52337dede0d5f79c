"""Reads sessions of Goose before version 1.10: a line about the session, and its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item
from tools.texts_check.readers.blocks import block_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.texts_check.raw_files import RawFile


def _claims(file: RawFile) -> bool:
    return file.path.suffix == ".jsonl" and file.first.keys() >= {"working_dir", "message_count"}


def _read(file: RawFile) -> Iterator[Item]:
    names: dict[str, str] = {}
    for line in file.objects[1:]:
        pieces = tuple(block_pieces(line.get("content"), str(line.get("role")), names))
        yield Item(file.path.stem, str(line.get("id")), pieces)


READER = Reader("goose", _claims, _read)
