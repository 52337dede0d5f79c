"""Reads tasks of Cline, Roo Code and Kilo Code, and sessions of Cline's command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item
from tools.texts_check.readers.blocks import block_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.texts_check.raw_files import RawFile

_HISTORY = "api_conversation_history.json"
_TASK = re.compile(r"</?(?:task|user_message|feedback|answer)>")
"""Tags that the program puts around what a person typed."""


def _claims(file: RawFile) -> bool:
    return file.path.name == _HISTORY or file.path.name.endswith(".messages.json")


def _read(file: RawFile) -> Iterator[Item]:
    document = file.document
    whole = file.path.name != _HISTORY
    session = str(file.first["sessionId"]) if whole else file.path.parent.name
    messages = file.first["messages"] if whole else document
    names: dict[str, str] = {}
    for number, message in enumerate(messages if isinstance(messages, list) else ()):
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        plain = [
            {**part, "text": _TASK.sub("", part["text"])} if part.get("text") else part
            for part in parts
        ]
        pieces = tuple(block_pieces(plain, str(message.get("role")), names))
        yield Item(session, str(message.get("id", number)), pieces)


READER = Reader("cline", _claims, _read)
