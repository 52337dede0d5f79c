"""Reads databases of Hermes: a row of `messages` is a message in the form of the chat API."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item
from tools.texts_check.readers.chat_message import chat_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.texts_check.raw_files import RawFile

_PARTS = "\0json:"
"""Before a content that is no string."""


def _claims(file: RawFile) -> bool:
    if not file.tables >= {"sessions", "messages"}:
        return False
    columns = {row["name"] for row in file.rows("SELECT name FROM pragma_table_info('messages')")}
    return columns >= {"session_id", "role", "content", "tool_call_id", "finish_reason"}


def _read(file: RawFile) -> Iterator[Item]:
    version = ""
    if "schema_version" in file.tables:
        found = next(file.rows("SELECT max(version) AS version FROM schema_version"))
        version = f"schema {found['version']}"
    names: dict[str, dict[str, str]] = defaultdict(dict)
    for row in file.rows("SELECT * FROM messages ORDER BY id"):
        content = row["content"]
        if isinstance(content, str) and content.startswith(_PARTS):
            content = json.loads(content[len(_PARTS) :])
        message = row | {"content": content, "tool_calls": json.loads(row["tool_calls"] or "[]")}
        session = str(row["session_id"])
        pieces = tuple(chat_pieces(message, names[session]))
        yield Item(session, str(row["id"]), pieces, version)


READER = Reader("hermes", _claims, _read)
