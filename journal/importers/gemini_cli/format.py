"""The format of Gemini CLI's recordings, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.files.document import NO_MESSAGES
from journal.importers.formats import DocumentFormat, LineFormat, SourceFormat
from journal.importers.parsing.parser import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.parser import Item, Location, Parser
    from journal.importers.parsing.values import Json

_LISTS = ("messages", "history")
_HEADS = ("startTime", "projectHash")


def _is_line(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("$set"), dict) or isinstance(value.get("$rewindTo"), str):
        return len(value) == 1
    if "type" not in value and "role" not in value:
        return isinstance(value.get("sessionId"), str) and any(name in value for name in _HEADS)
    # other programs have these kinds, too, but with a session or a wrapped message
    own = value.get("type") in ("gemini", "user") and isinstance(value.get("id"), str)
    return own and "content" in value and not {"sessionId", "message", "role"} & value.keys()


def _list_of(document: Document) -> str | None:
    """Return the name of the list of messages, or None."""
    shape = document.shape
    for name in _LISTS:
        found = shape.lists.get(name)
        if found is None:
            continue
        if any({"role", "parts"} <= keys for keys in found.keys):
            return name
        typed = any({"type", "id"} <= keys and "role" not in keys for keys in found.keys)
        head = "sessionId" in shape.rest and any(part in shape.rest for part in _HEADS)
        if head and (typed or not found.items):
            return name
    return None


def _is_document(document: Document) -> bool:
    return _list_of(document) is not None


def _parser(location: Location) -> Parser:
    from journal.importers.gemini_cli.parser import GeminiCli  # noqa: PLC0415 - loaded to read

    return GeminiCli(location)


def _pieces(document: Document, location: Location) -> Iterator[Numbered]:
    from journal.importers.gemini_cli.parser import GeminiCli  # noqa: PLC0415 - loaded to read

    parser = GeminiCli(location)
    yield 1, parser.begin(1, document.shape.rest)
    yield from document.pieces(_list_of(document) or _LISTS[0], parser.message)


def _whole(value: Json, location: Location) -> Iterator[Item]:
    from journal.importers.gemini_cli.parser import GeminiCli  # noqa: PLC0415 - loaded to read

    messages = next(
        (value[name] for name in _LISTS if isinstance(value, dict) and name in value), None
    )
    if not isinstance(messages, list):
        yield Skipped(1, NO_MESSAGES)
        return
    parser = GeminiCli(location)
    yield from parser.begin(1, value)
    for number, piece in enumerate(messages, 1):
        yield from parser.message(number, piece)


FORMAT = SourceFormat(
    name="gemini-cli",
    version=1,
    about="recordings, one JSON or JSONL file a session",
    paths=("~/.gemini/tmp",),
    lines=LineFormat(matches=_is_line, parser=_parser, is_envelope=_is_line),
    documents=DocumentFormat(matches=_is_document, pieces=_pieces, whole=_whole),
)
