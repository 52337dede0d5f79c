"""Reads one JSON document completely, and appends its new events."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from journal.importers.files.compressed import bytes_read
from journal.importers.files.decode import BadLine, decode
from journal.importers.files.document import NO_MESSAGES, Document, Numbered
from journal.importers.files.location import location_of
from journal.importers.files.side_files import message_without_file
from journal.importers.files.streaming import DEEP, Broken, TooDeep
from journal.importers.parsing.parser import Found, Repaired, SideFile, Skipped
from journal.importers.parsing.transcript import Transcript
from journal.importers.run.ahead.frames import MadeLines, unpacked
from journal.importers.run.fingerprints import Fingerprints
from journal.importers.run.ledger import Entry
from journal.importers.run.lines.items import parser_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.importers.files.document_shape import Shape
    from journal.importers.formats import DocumentFormat, SourceFormat
    from journal.importers.parsing.parser import Item, Location
    from journal.importers.run.ahead.reading import Pieces
    from journal.importers.run.event_writer import EventWriter
    from journal.importers.run.known.places import Place, Places


REPAIRABLE = 64 * 1024 * 1024
"""Maximum bytes of a document that is read into memory if it cannot be streamed."""


class OpenDocument(NamedTuple):
    """A file that is opened.

    Attributes:
        path: the file.
        format: its format.
        stream: its text.
        ahead: what was read ahead of it; None if nothing was.
    """

    path: Path
    format: SourceFormat
    stream: BinaryIO
    ahead: Pieces | None


def read_document(
    document: OpenDocument,
    writer: EventWriter,
    places: Places,
    place: Place,
    step: Callable[[int], None],
    *,
    reread: bool,
) -> Entry:
    """Read one JSON document; append the events that were not appended before.

    Events of earlier imports stay known if the document no longer has them: a program may be
    rewriting it. A file whose sessions were forgotten is not read, also if it has lines.

    Args:
        document: the file.
        writer: appends the events.
        places: get the name of its conversations.
        place: where its ids come from, with the entry of an earlier import.
        step: called after each piece with the bytes of its file that were read.
        reread: append all of them again.

    Raises:
        ImportFailed: the format's parser raised an error.
    """
    path, format, stream, ahead = document
    size = os.fstat(stream.fileno()).st_size
    location, noted, before = location_of(path, place.name), place.entry, writer.found
    if place.is_left_out and noted is not None:
        writer.sessions = set()
        writer.report.forgotten += noted.messages
        return noted
    if place.is_equal and noted is not None and noted.parser == format.version and not reread:
        # what would be guessed from the times of the file may differ
        writer.sessions = set(noted.session_ids)
        writer.report.already += noted.messages
        return noted
    marks = Fingerprints.unpack(noted.marks if noted is not None else "")
    is_same = noted is not None and noted.parser == format.version
    dated = set[tuple[str, str]]()
    writer.sessions = set()
    pieces = taken = 0 if ahead is None else _take(ahead, marks, writer, step)
    is_read = ahead is not None and ahead.is_whole
    for item in () if is_read else _items(location, format, stream):
        if item.line <= taken:
            continue
        if isinstance(item, SideFile):
            writer.report.pass_over("tool output that a document names", item.name)
            writer.take(message_without_file(item), None)
            continue
        if item.line > pieces:
            pieces = item.line
            step(bytes_read(stream))
        if isinstance(item, Found) and item.guessed and _target(item) in dated:
            continue  # an earlier import dated it, as of the file then
        known = isinstance(item, Found) and marks.add(item.event) and not reread
        if isinstance(item, Found) and known and is_same and "timestamp" not in item.event["data"]:
            dated.add((item.event["session"], item.event["id"]))
        writer.take(iter((item,)), None, known=item.line if known else 0)
    writer.report.lines += pieces
    writer.flush()
    entry = Entry(format.name, format.version, pieces, size, "", marks.packed())
    return places.noted(entry, location.name, writer.sessions, writer.found - before, stream)


def _take(
    ahead: Pieces, marks: Fingerprints, writer: EventWriter, step: Callable[[int], None]
) -> int:
    """Append what was read ahead of a document; return the number of pieces."""
    from journal.importers.run.ahead.reading import append  # noqa: PLC0415 - loaded by who read ahead

    taken = 0
    for frame in ahead:
        items = [*map(unpacked, frame.items)]
        if isinstance(frame, MadeLines):
            marks.add_new(frame.prints)
        else:
            for item in items:
                if isinstance(item, Found):
                    marks.add(item.event)
        append(frame, items, writer)
        taken += frame.lines
        step(frame.read)
    return taken


def _target(item: Found) -> tuple[str, str]:
    return item.event["session"], item.event["data"]["message"]


def items_of(
    document: Document, format: DocumentFormat | None, location: Location
) -> Iterator[Item]:
    """Yield the items of a document; without a format, only its errors."""
    shape = document.shape
    if shape.broken is not None and not shape.deep and format is not None:
        document.stream.seek(0)
        raw = document.stream.read(REPAIRABLE + 1)
        if len(raw) <= REPAIRABLE:
            try:
                value, repairs = decode(raw)
            except BadLine:
                pass  # the readable part follows, and then the place of the error
            else:
                yield from (Repaired(1, repair) for repair in repairs)
                yield from format.whole(value, location)
                return
    number = 0
    try:
        found = _none(shape) if format is None else format.pieces(document, location)
        for number, items in found:  # noqa: B007 - the number of the last one is used below
            yield from items
    except Broken as broken:
        deep = isinstance(broken, TooDeep)
        yield Skipped(number + 1, DEEP if deep else f"broken JSON document: {broken}")
    else:
        if shape.broken is not None:
            reason = DEEP if shape.deep else f"broken JSON document: {shape.broken}"
            yield Skipped(number + 1, reason)


def _none(shape: Shape) -> Iterator[Numbered]:
    if shape.broken is None:
        yield 1, iter((Skipped(1, NO_MESSAGES),))


def _items(location: Location, format: SourceFormat, stream: BinaryIO) -> Iterator[Item]:
    """Yield the items of a document; its reader may be of another package."""
    number = 0
    found = items_of(Document(stream), format.documents, location)
    transcript = Transcript(equal_is_same=False, modified=location.modified)
    try:
        for item in transcript.take(found):
            number = item.line
            yield item
        yield from transcript.guesses()
    except OSError:
        raise
    except Exception as error:
        raise parser_failed(format, number + 1, error) from error
