"""A session as `opencode export` writes it: one object with `info` and `messages`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from journal.importers.files.streaming import pieces_of
from journal.importers.opencode.message import message_items, session_items, session_of
from journal.importers.parsing.parser import Found, Skipped
from journal.importers.parsing.values import object_of, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.opencode.message import Session
    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

_LIST = "messages"


def pieces(document: Document, location: Location) -> Iterator[Numbered]:
    """Yield the session's facts, and its messages one by one."""
    info = document.shape.rest.get("info") if isinstance(document.shape.rest, dict) else None
    info = info if isinstance(info, dict) else {}
    first = next(pieces_of(document.stream, _LIST), None)
    session = session_of(text_or_none(info.get("id")) or _session_of(first) or location.name)
    if info:
        yield 1, session_items(1, session.talk, info)
    else:
        yield 1, iter((Skipped(1, "facts of a session that are missing, or too large to keep"),))
    yield from document.pieces(_LIST, lambda number, piece: _message(number, session, piece))


def whole(value: Json, location: Location) -> Iterator[Item]:
    """Yield the items of a document that is in memory."""
    value = object_of(value)
    info = value.get("info")
    info = info if isinstance(info, dict) else {}
    found = value.get(_LIST)
    listed = found if isinstance(found, list) else []
    first = next(iter(listed), None)
    session = session_of(text_or_none(info.get("id")) or _session_of(first) or location.name)
    yield from session_items(1, session.talk, info)
    for number, piece in enumerate(listed, 1):
        yield from _message(number, session, piece)


def _session_of(piece: Json) -> str | None:
    info = piece.get("info") if isinstance(piece, dict) else None
    return text_or_none(info.get("sessionID")) if isinstance(info, dict) else None


def _message(line: int, session: Session, piece: Json) -> Iterator[Item]:
    info = piece.get("info") if isinstance(piece, dict) else None
    if not isinstance(info, dict):
        yield Skipped(line, "message without its info")
        return
    parts = piece.get("parts")
    for item in message_items(line, session, info, parts if isinstance(parts, list) else []):
        # a later export may have more of the message
        yield replace(item, revisable=True) if isinstance(item, Found) else item
