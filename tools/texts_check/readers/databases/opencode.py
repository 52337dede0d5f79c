"""Reads databases of opencode: tables `message` and `part`, whose `data` is JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item
from tools.texts_check.readers.opencode_parts import opencode_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.texts_check.raw_files import Json, RawFile


def _claims(file: RawFile) -> bool:
    return file.tables >= {"session", "message", "part"}


def _read(file: RawFile) -> Iterator[Item]:
    parts: dict[str, list[Json]] = defaultdict(list)
    for row in file.rows("SELECT message_id, data FROM part ORDER BY id"):
        parts[str(row["message_id"])].append(json.loads(row["data"]))
    for row in file.rows("SELECT * FROM message ORDER BY time_created, id"):
        role = str(json.loads(row["data"]).get("role"))
        pieces = tuple(opencode_pieces(role, parts[str(row["id"])]))
        yield Item(str(row["session_id"]), str(row["id"]), pieces)


READER = Reader("opencode", _claims, _read)
