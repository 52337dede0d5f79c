"""The format of ATIF trajectories, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import DocumentFormat, SourceFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

_STEPS = "steps"
_CHECKED = 64 * 1024 * 1024
"""Maximum bytes of a document that is checked as a whole, in memory."""


def _is_document(document: Document) -> bool:
    version = document.shape.rest.get("schema_version")
    return _STEPS in document.shape.lists and isinstance(version, str) and version[:4] == "ATIF"


def _pieces(document: Document, location: Location) -> Iterator[Numbered]:
    from journal.importers.atif.parser import Atif, check  # noqa: PLC0415 - loaded to read

    parser = Atif(location)
    if document.stream.seek(0, 2) <= _CHECKED:
        yield 1, check(document.whole())
    yield 1, parser.begin(document.shape.rest)
    yield from document.pieces(_STEPS, parser.step)
    for name in sorted(document.shape.lists.keys() - {_STEPS}):
        yield 1, parser.beside(name)


def _whole(value: Json, location: Location) -> Iterator[Item]:
    from journal.importers.atif.parser import Atif, check  # noqa: PLC0415 - loaded to read

    parser = Atif(location)
    yield from check(value)
    yield from parser.begin(value)
    steps = value.get(_STEPS)
    for number, piece in enumerate(steps if isinstance(steps, list) else [], 1):
        yield from parser.step(number, piece)


FORMAT = SourceFormat(
    name="atif",
    version=1,
    about="trajectories in the Agent Trajectory Interchange Format",
    documents=DocumentFormat(matches=_is_document, pieces=_pieces, whole=_whole),
)
