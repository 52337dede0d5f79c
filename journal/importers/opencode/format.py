"""The formats of opencode, for detection and for reading."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from journal.importers.formats import DocumentFormat, SourceFormat
from journal.importers.sqlite.declared import prune, reader_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json
    from journal.importers.sqlite.conversations import Conversations


def _database() -> Conversations:
    from journal.importers.opencode.database import OpencodeDatabase  # noqa: PLC0415 - to read

    return OpencodeDatabase()


def _is_export(document: Document) -> bool:
    """Return whether each message has `info` and `parts`."""
    found = document.shape.lists.get("messages")
    names = found.keys if found is not None else []
    return bool(names) and all(of >= {"info", "parts"} for of in names)


def _is_stored(document: Document) -> bool:
    """Return whether this is a session, a message or a part in the first versions' folders."""
    names = document.shape.rest.keys()
    if names >= {"id", "sessionID", "role", "time"} or _is_part(document):
        return True
    return names >= {"id", "projectID", "directory", "time"} and "sessionID" not in names


def _is_part(document: Document) -> bool:
    """Return whether this is a part; one in a folder of its message need not name it."""
    names = document.shape.rest.keys()
    path = getattr(document.stream, "name", "")
    folders = Path(path).parts[:-1] if isinstance(path, str) else ()
    placed = folders[-2:-1] == ("part",)
    return names >= {"id", "messageID", "type"} or (placed and names >= {"id", "type"})


def _is_document(document: Document) -> bool:
    return document.shape.top == "object" and (_is_export(document) or _is_stored(document))


def _pieces(document: Document, location: Location) -> Iterator[Numbered]:
    from journal.importers.opencode import exported, storage  # noqa: PLC0415 - loaded to read

    if _is_stored(document):
        return storage.pieces(document, location)
    return exported.pieces(document, location)


def _whole(value: Json, location: Location) -> Iterator[Item]:
    from journal.importers.opencode import exported, storage  # noqa: PLC0415 - loaded to read

    if isinstance(value, dict) and "messages" not in value:
        return storage.stored(value, location)
    return exported.whole(value, location)


FORMAT = SourceFormat(
    name="opencode",
    version=2,
    about="the database of opencode, the files of its first versions, and exports",
    paths=("~/.local/share/opencode",),
    files=("opencode*.db", "*.json"),
    documents=DocumentFormat(matches=_is_document, pieces=_pieces, whole=_whole),
    database=reader_of(_database),
    prune=prune,
)
