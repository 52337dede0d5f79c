"""A chat of VS Code as one JSON document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from journal.importers.parsing.parser import Found
from journal.importers.parsing.values import object_of
from journal.importers.vscode_chat.chat import conversation, facts
from journal.importers.vscode_chat.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.conversation import Conversation
    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json


def pieces(document: Document, location: Location, name: str) -> Iterator[Numbered]:
    """Yield the chat's facts, and its requests one by one."""
    talk = conversation(document.shape.rest, location)
    yield 1, facts(1, talk, document.shape.rest)
    yield from document.pieces(name, lambda number, piece: _request(number, talk, piece))


def whole(value: Json, location: Location, name: str) -> Iterator[Item]:
    """Yield the items of a document that is in memory."""
    chat = object_of(value)
    talk = conversation(chat, location)
    yield from facts(1, talk, chat)
    found = chat.get(name)
    for number, piece in enumerate(found if isinstance(found, list) else [], 1):
        yield from _request(number, talk, piece)


def _request(line: int, talk: Conversation, piece: Json) -> Iterator[Item]:
    request = Request(line, talk, piece if isinstance(piece, dict) else {})
    for item in (*request.prompt(), *request.response()):
        # the document is written again while a response is written
        yield replace(item, revisable=True) if isinstance(item, Found) else item
