"""One JSON document with one conversation, or a list of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.files.document import NO_MESSAGES
from journal.importers.openai.parser import (
    Conversation,
    OpenAI,
    conversation,
    session_facts,
    session_of,
    source_of,
)
from journal.importers.openai.wrapping import message_list, renders, unwrap
from journal.importers.parsing.parser import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json


def pieces(document: Document, location: Location) -> Iterator[Numbered]:
    """Yield the document's messages, or its conversations."""
    name = message_list(document)
    if name is not None:
        yield from _messages(document, name, location)
    elif renders(document):
        yield 1, whole(document.shape.rest, location)
    elif document.shape.top == "list":
        lists = OpenAI(location)
        yield from document.pieces(None, lambda number, piece: lists.value(number, piece, None))
    elif document.shape.broken is None:
        yield 1, iter((Skipped(1, NO_MESSAGES),))


def whole(value: Json, location: Location) -> Iterator[Item]:
    """Yield the items of a document that is in memory."""
    found = unwrap(value)
    if found is not None:
        yield from conversation(1, found, location.name)
    elif isinstance(value, list):
        lists = OpenAI(location)
        for number, piece in enumerate(value, 1):
            yield from lists.value(number, piece, None)
    else:
        yield Skipped(1, NO_MESSAGES)


def _messages(document: Document, name: str, location: Location) -> Iterator[Numbered]:
    """Yield one conversation, message by message."""
    shape = document.shape
    session = session_of(shape.rest) or location.name
    yield 1, session_facts(1, session, shape.rest)
    messages = Conversation(session, source_of(shape.rest))
    yield from document.pieces(name or None, messages.take)
    for other in (*shape.lists, *shape.large):
        if other != name:
            yield 1, iter((Skipped(1, f"beside the messages: {other}"),))
