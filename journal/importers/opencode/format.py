"""The formats of opencode, for detection and for reading."""

from __future__ import annotations

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


def _is_document(document: Document) -> bool:
    """Return whether each message has `info` and `parts`."""
    found = document.shape.lists.get("messages")
    return (
        found is not None and bool(found.keys) and all(k >= {"info", "parts"} for k in found.keys)
    )


def _pieces(document: Document, location: Location) -> Iterator[Numbered]:
    from journal.importers.opencode.export import pieces  # noqa: PLC0415 - loaded to read

    return pieces(document, location)


def _whole(value: Json, location: Location) -> Iterator[Item]:
    from journal.importers.opencode.export import whole  # noqa: PLC0415 - loaded to read

    return whole(value, location)


FORMAT = SourceFormat(
    name="opencode",
    version=1,
    about="the database of opencode, and sessions that it exported",
    paths=("~/.local/share/opencode",),
    files=("opencode*.db", "*.json"),
    documents=DocumentFormat(matches=_is_document, pieces=_pieces, whole=_whole),
    database=reader_of(_database),
    prune=prune,
)
