"""The format of OpenHands' trajectories and events, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import DocumentFormat, LineFormat, SourceFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.parser import Item, Location, Parser
    from journal.importers.parsing.values import Json

_KINDS = ({"action", "args"}, {"observation", "content"})
_SOURCES = ("user", "agent", "environment")


def _is_event(names: set[str]) -> bool:
    dated = {"id", "timestamp", "source"} <= names
    return dated and ("kind" in names or any(kind <= names for kind in _KINDS))


def _is_line(value: Json) -> bool:
    history = value.get("history") if isinstance(value, dict) else None
    if not isinstance(history, list) or "instruction" not in value:
        return False
    return any(isinstance(it, dict) and ("action" in it or "observation" in it) for it in history)


def _is_document(document: Document) -> bool:
    shape = document.shape
    if shape.top == "list":
        return any(map(_is_event, shape.lists[""].keys))
    names = shape.rest.keys() | shape.lists.keys() | set(shape.large)
    return _is_event(names) and shape.rest.get("source") in _SOURCES


def _parser(location: Location) -> Parser:
    from journal.importers.openhands.parser import OpenHands  # noqa: PLC0415 - loaded to read

    return OpenHands(location)


def _pieces(document: Document, location: Location) -> Iterator[Numbered]:
    from journal.importers.openhands.parser import OpenHands  # noqa: PLC0415 - loaded to read

    parser = OpenHands(location)
    if document.shape.top == "list":
        yield from document.pieces(None, parser.event)
    else:
        yield 1, parser.event(1, document.whole())


def _whole(value: Json, location: Location) -> Iterator[Item]:
    from journal.importers.openhands.parser import OpenHands  # noqa: PLC0415 - loaded to read

    parser = OpenHands(location)
    for number, piece in enumerate(value if isinstance(value, list) else [value], 1):
        yield from parser.event(number, piece)


FORMAT = SourceFormat(
    name="openhands",
    version=1,
    about="trajectories, evaluations and events of OpenHands",
    paths=("~/.openhands/conversations", "~/.openhands/sessions"),
    lines=LineFormat(matches=_is_line, parser=_parser),
    documents=DocumentFormat(matches=_is_document, pieces=_pieces, whole=_whole),
)
