"""The format of lists of role/content messages, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import DocumentFormat, LineFormat, SourceFormat
from journal.importers.openai.wrapping import is_message, message_list, renders, unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.parser import Item, Location, Parser
    from journal.importers.parsing.values import Json


def _is_line(value: Json) -> bool:
    return is_message(value) or unwrap(value) is not None


def _is_document(document: Document) -> bool:
    if message_list(document) is not None:
        return True
    if renders(document):
        return unwrap(document.shape.rest) is not None
    return document.shape.top == "list" and unwrap(document.first()) is not None


def _parser(location: Location) -> Parser:
    from journal.importers.openai.parser import OpenAI  # noqa: PLC0415 - loaded to read

    return OpenAI(location)


def _pieces(document: Document, location: Location) -> Iterator[Numbered]:
    from journal.importers.openai.document import pieces  # noqa: PLC0415 - loaded to read

    return pieces(document, location)


def _whole(value: Json, location: Location) -> Iterator[Item]:
    from journal.importers.openai.document import whole  # noqa: PLC0415 - loaded to read

    return whole(value, location)


FORMAT = SourceFormat(
    name="openai",
    version=4,
    about="lists of role/content messages: a JSON document or JSON lines, bare or wrapped one"
    " level deep in an object",
    lines=LineFormat(matches=_is_line, parser=_parser),
    documents=DocumentFormat(matches=_is_document, pieces=_pieces, whole=_whole),
    generic=True,
)
