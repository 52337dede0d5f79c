"""One JSON document of any size, piece by piece in constant memory.

The document is read twice: first its shape alone is looked at (which list holds the
conversation, and what the wrapper says beside it, which may come after the list), then the
pieces of that list are built one by one. Of a list of conversations, each is built whole.
A document that the streaming reader refuses (NaN, an integer over 64 bits, a byte that is no
UTF-8) is read whole and repaired like a line, if it is small enough for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from journal.importers.claude_code.parser import ClaudeCode
from journal.importers.files.decode import BadLine, decode, too_deep
from journal.importers.files.document_shape import Shape, shape_of
from journal.importers.files.streaming import DEEP, Broken, TooDeep, pieces_of
from journal.importers.items import Repaired, Skipped
from journal.importers.openai.parser import (
    Conversation,
    OpenAI,
    Wrapped,
    conversation,
    session_of,
    source_of,
    told,
    unwrap,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.items import Item, Json, Place

REPAIRABLE = 64 * 1024 * 1024
"""Bytes of a document that is read whole if it cannot be streamed."""
_NEITHER = "a JSON document without a list of messages"


def items_of(stream: BinaryIO, place: Place) -> Iterator[Item]:
    """Give what a document holds; `stream` is a file, from any position in it."""
    shape = shape_of(stream)
    if shape.broken is not None and not shape.deep:
        stream.seek(0)
        raw = stream.read(REPAIRABLE + 1)
        if len(raw) <= REPAIRABLE:
            try:
                value, repairs = decode(raw)
            except BadLine:
                pass  # what can be read of it follows, and then where it breaks off
            else:
                yield from (Repaired(1, repair) for repair in repairs)
                yield from _whole(value, place)
                return
    number = 0
    try:
        for number, items in _streamed(stream, shape, place):  # noqa: B007 - told where it breaks
            yield from items
    except Broken as broken:
        deep = isinstance(broken, TooDeep)
        yield Skipped(number + 1, DEEP if deep else f"broken JSON document: {broken}")
    else:
        if shape.broken is not None:
            reason = DEEP if shape.deep else f"broken JSON document: {shape.broken}"
            yield Skipped(number + 1, reason)


def format_of(stream: BinaryIO) -> tuple[str | None, str | None]:
    """Tell which format a document has: "claude-code", "openai", or None; and why none."""
    shape = shape_of(stream)
    if shape.wraps_lines:
        return "claude-code", None
    found, deep = shape.talk is not None, shape.deep
    if not found and shape.renders:
        found = unwrap(shape.rest) is not None
    elif not found and shape.top == "list":
        try:
            first = next(pieces_of(stream, None), None)
        except Broken as broken:
            deep = isinstance(broken, TooDeep)
        else:
            deep = too_deep(first)
            found = not deep and unwrap(first) is not None
    return ("openai", None) if found else (None, DEEP if deep else None)


Numbered = tuple[int, "Iterator[Item]"]


def _streamed(stream: BinaryIO, shape: Shape, place: Place) -> Iterator[Numbered]:
    """Give the document's pieces with their numbers, each as what it gives."""
    if shape.wraps_lines:
        lines = ClaudeCode(place)
        for number, piece in enumerate(pieces_of(stream, "loglines"), 1):
            yield number, lines.value(number, piece, None) if not too_deep(piece) else _deep(number)
    elif shape.talk is not None:
        yield from _talk(stream, shape, shape.talk, place)
    elif shape.renders:
        yield 1, _whole(shape.rest, place)
    elif shape.top == "list":
        talks = OpenAI(place)
        for number, piece in enumerate(pieces_of(stream, None), 1):
            yield number, talks.value(number, piece, None) if not too_deep(piece) else _deep(number)
    elif shape.broken is None:
        yield 1, iter((Skipped(1, _NEITHER),))


def _talk(stream: BinaryIO, shape: Shape, name: str, place: Place) -> Iterator[Numbered]:
    """Give one conversation, message by message."""
    session = session_of(shape.rest) or place.name
    yield 1, told(1, session, shape.rest)
    talk = Conversation(session, source_of(shape.rest))
    for number, piece in enumerate(pieces_of(stream, name or None), 1):
        yield number, talk.take(number, piece) if not too_deep(piece) else _deep(number)
    for other in (*shape.lists, *shape.large):
        if other != name:
            yield 1, iter((Skipped(1, f"beside the messages: {other[:64]}"),))


def _deep(number: int) -> Iterator[Item]:
    return iter((Skipped(number, DEEP),))


def _whole(value: Json, place: Place) -> Iterator[Item]:
    """Take a document that is in memory."""
    lines = value.get("loglines") if isinstance(value, dict) else None
    found = unwrap(value)
    if isinstance(lines, list):
        parser = ClaudeCode(place)
        for number, piece in enumerate(lines, 1):
            yield from parser.value(number, piece, None)
    elif found is not None:
        yield from conversation(1, Wrapped(found.messages, found.rest), place.name)
    elif isinstance(value, list):
        talks = OpenAI(place)
        for number, piece in enumerate(value, 1):
            yield from talks.value(number, piece, None)
    else:
        yield Skipped(1, _NEITHER)
