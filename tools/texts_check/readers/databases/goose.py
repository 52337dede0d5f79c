"""Reads databases of Goose: a row of `messages` has the blocks of its content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item
from tools.texts_check.readers.blocks import block_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.texts_check.raw_files import RawFile


def _claims(file: RawFile) -> bool:
    if "messages" not in file.tables:
        return False
    return any(
        row["name"] == "content_json"
        for row in file.rows("SELECT name FROM pragma_table_info('messages')")
    )


def _read(file: RawFile) -> Iterator[Item]:
    names: dict[str, str] = {}
    for row in file.rows("SELECT * FROM messages ORDER BY id"):
        pieces = tuple(block_pieces(json.loads(row["content_json"]), str(row["role"]), names))
        yield Item(str(row["session_id"]), str(row["id"]), pieces)


READER = Reader("goose", _claims, _read)
