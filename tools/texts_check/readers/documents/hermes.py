"""Reads what `hermes sessions export` writes: a session a line, with the rows of its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.texts_check.pieces import Item
from tools.texts_check.readers.chat_message import chat_pieces
from tools.texts_check.readers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.texts_check.raw_files import RawFile


def _claims(file: RawFile) -> bool:
    return file.path.suffix == ".jsonl" and file.first.keys() >= {"started_at", "messages"}


def _read(file: RawFile) -> Iterator[Item]:
    for session in file.objects:
        names: dict[str, str] = {}
        for row in session["messages"]:
            yield Item(str(session["id"]), str(row["id"]), tuple(chat_pieces(row, names)))


READER = Reader("hermes", _claims, _read)
