"""The format of the tasks of Cline, Roo Code and Kilo Code, for detection and for reading."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from journal.importers.formats import DocumentFormat, SourceFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

_HISTORY = "api_conversation_history.json"
_INTERFACE = "ui_messages.json"
_COMMAND_LINE = {"version", "agent", "sessionId"}


def _is_task(document: Document) -> bool:
    return _name(document) == _HISTORY and document.shape.top == "list"


def _is_interface(document: Document) -> bool:
    """Return whether this is the user interface of a task."""
    shape = document.shape
    kinds = ({"ts", "say"}, {"ts", "ask"})
    entries = shape.lists[""].keys if _name(document) == _INTERFACE and shape.top == "list" else []
    return any(kind <= keys for keys in entries for kind in kinds)


def _name(document: Document) -> str:
    name = getattr(document.stream, "name", "")
    return os.path.basename(name) if isinstance(name, str) else ""  # noqa: PTH119 - a name


def _is_session(document: Document) -> bool:
    shape = document.shape
    return "messages" in shape.lists and shape.rest.keys() >= _COMMAND_LINE


def _is_document(document: Document) -> bool:
    return _is_task(document) or _is_session(document) or _is_interface(document)


def _pieces(document: Document, location: Location) -> Iterator[Numbered]:
    from journal.importers.cline.parser import Cline  # noqa: PLC0415 - loaded to read

    parser = Cline(location)
    if _is_session(document):
        yield 1, parser.session(document.shape.rest)
        yield from document.pieces("messages", parser.message)
    else:
        yield 1, parser.task()
        yield from document.pieces(None, parser.message)


def _whole(value: Json, location: Location) -> Iterator[Item]:
    from journal.importers.cline.parser import Cline  # noqa: PLC0415 - loaded to read

    parser = Cline(location)
    yield from parser.session(value) if isinstance(value, dict) else parser.task()
    messages = value.get("messages") if isinstance(value, dict) else value
    for number, piece in enumerate(messages if isinstance(messages, list) else [], 1):
        yield from parser.message(number, piece)


FORMAT = SourceFormat(
    name="cline",
    version=2,
    about="tasks of Cline, Roo Code and Kilo Code, and sessions of Cline's command line",
    paths=("~/.cline/data", "~/.config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks"),
    files=(_HISTORY, _INTERFACE, "*.messages.json"),
    documents=DocumentFormat(matches=_is_document, pieces=_pieces, whole=_whole),
    beside=("history_item.json", "../../state/taskHistory.json", "{stem}.json"),
)
