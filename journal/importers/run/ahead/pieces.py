"""Reads ahead its part of a document that is a list of conversations, such as an export.

The items are in blocks, and each process has every n-th block. Each looks for the ends of all
items, which takes little of the time, and makes the events of its own. So the items of such a list
must not depend on each other: `DocumentFormat.apart`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from journal.importers.files.compressed import bytes_read
from journal.importers.files.document import Document, items_of_piece
from journal.importers.files.list_items import raw_items
from journal.importers.files.location import location_of
from journal.importers.files.streaming import DEEP, Broken, TooDeep
from journal.importers.parsing.parser import SideFile, Skipped
from journal.importers.parsing.transcript import Transcript
from journal.importers.run.ahead.frames import BLOCK, END, write_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.importers.formats import SourceFormat
    from journal.importers.parsing.parser import Item, Location, Parser
    from journal.importers.parsing.values import Json
    from journal.importers.run.ahead.sender import Sender
    from journal.importers.run.detect import Kind

    ItemParser = Callable[[Location], Parser]

_BLOCK = 512 * 1024
"""Bytes of a block: with more, its processes would wait for the import."""


def parser_apart(stream: BinaryIO, kind: Kind, format: SourceFormat | None) -> ItemParser | None:
    """Return the parser of a list whose items can be read apart from each other, else None."""
    of = None if format is None or kind.database or not kind.document else format.documents
    if of is None or of.apart is None:
        return None
    shape = Document(stream).shape
    return of.apart if shape.top == "list" and shape.broken is None else None


def send_pieces(
    path: Path, stream: BinaryIO, parser: ItemParser, sender: Sender, part: int, parts: int
) -> None:
    """Send the items of every n-th block, each block ended by a frame, and the end.

    Args:
        path: the file.
        stream: its text.
        parser: parses its items, as `parser_apart` returns it.
        sender: sends them.
        part: the number of the first block, from 0.
        parts: n.

    Raises:
        ValueError: the import has to read the document itself.
        OSError: it cannot be read, or the import has ended.
    """
    sender.prints = True
    location = location_of(path, "")
    transcript = Transcript(equal_is_same=False, modified=location.modified)
    value_of = parser(location).value

    def parse(number: int, value: Json) -> Iterator[Item]:
        return value_of(number, value, None)

    number = block = size = 0
    try:
        for raw, levels, value in raw_items(stream):
            if block % parts == part:
                items = items_of_piece(number + 1, raw, levels, value, parse)
                found = _completed(items, transcript)
                sender.report.lines += 1
                sender.take(found, raw)
                sender.step(bytes_read(stream))
            number, size = number + 1, size + len(raw)
            if size >= _BLOCK:
                if block % parts == part:
                    sender.flush()
                    write_frame(sender.out, BLOCK, ())
                block, size = block + 1, 0
    except Broken as broken:
        if block % parts == part:
            reason = DEEP if isinstance(broken, TooDeep) else f"broken JSON document: {broken}"
            sender.report.lines += 1
            sender.take([Skipped(number + 1, reason)], None)
    sender.flush()
    write_frame(sender.out, END, ())


def _completed(items: Iterator[Item], transcript: Transcript) -> list[Item]:
    """Return the items of a piece.

    Raises:
        ValueError: the parser failed, or it needs a file beside the document.
    """
    try:
        found = [*transcript.take(items)]
    except Exception as error:
        raise ValueError("the import names the error itself") from error
    if any(isinstance(item, SideFile) for item in found):
        raise ValueError("the import reads the file")
    return found
