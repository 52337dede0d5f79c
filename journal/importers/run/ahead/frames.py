"""The frames that a reader writes to its import through a pipe, and how items become plain values.

A frame is its length in four bytes, and a tuple as `marshal` writes it: both processes are the same
interpreter, and `marshal` takes half of the time of `pickle`. It has no classes, so an event that
holds anything but plain values cannot be sent, and its file is read by the import itself. Almost
all events are sent as the bytes of their records, and the import need not look at their data.
"""

from __future__ import annotations

import marshal
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from journal.importers.parsing.parser import Duplicate, Found, Repaired, Skipped

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Item
    from journal.importers.run.ahead.made import Packed

_LENGTH = 4
BEGIN, MADE, LINES, END, FAILED, UNSENDABLE, BLOCK = range(7)
"""The first value of a frame: its kind."""
_FOUND, _SKIPPED, _DUPLICATE, _REPAIRED = range(4)
"""The first value of an item: its kind."""


class Task(NamedTuple):
    """What a reader is to do.

    Attributes:
        paths: the files, in order; of a document, its part and the number of parts.
        forced: the name of their format; empty if it is detected.
        journal: folder of the journal; empty if no redaction is asked for.
        rules: of the journal's redactor; empty without one.
    """

    paths: list[tuple[bytes, int, int]]
    forced: str
    journal: bytes
    rules: str


class Begin(NamedTuple):
    """A file is read from here on.

    Attributes:
        path: the file, as bytes.
        importer: name and version of its format; empty if it is not read ahead, and nothing
            follows.
        state: `state_of` of the file before it was read.
        settled: `settled_state` of it then.
    """

    path: bytes
    importer: str
    state: tuple[int, ...]
    settled: str


class MadeLines(NamedTuple):
    """Lines of the file, or items of a document, whose events are encoded.

    Attributes:
        read: bytes of the file that were read so far, about.
        lines: number of lines.
        size: bytes of them, about.
        events: of each event what `Maker.make` returns.
        items: the other items.
        prints: of a document, `print_of` each event.
    """

    read: int
    lines: int
    size: int
    events: list[Packed]
    items: list[tuple[Any, ...]]
    prints: list[int]


class Lines(NamedTuple):
    """A line of the file, or an item of a document, of which the import has to look at an event.

    Attributes:
        read: bytes of the file that were read so far, about.
        lines: 1, or 0 for items that are from no line.
        size: its bytes, about.
        mark: its mark, as of `EventWriter.take_line`; None of an item.
        items: its items.
    """

    read: int
    lines: int
    size: int
    mark: int | None
    items: list[tuple[Any, ...]]


class End(NamedTuple):
    """The file was read to its end.

    Attributes:
        entry: the fields of its `Entry`.
        names_files: whether its lines name side files.
        side_files: the side files that were read.
        passed_over: reason and path of what was not read.
    """

    entry: tuple[Any, ...]
    names_files: bool
    side_files: list[str]
    passed_over: list[tuple[str, str]]


class Failed(NamedTuple):
    """The file cannot be read further.

    Attributes:
        number: of the operating system's error; None if the importer failed.
        text: of the error.
    """

    number: int | None
    text: str


def write_frame(stream: IO[bytes], kind: int, fields: tuple[Any, ...]) -> None:
    """Write a frame.

    Raises:
        ValueError: a value is not plain; nothing was written.
        OSError: the other process has ended.
    """
    body = marshal.dumps((kind, tuple(fields)))
    stream.write(len(body).to_bytes(_LENGTH, "big") + body)
    stream.flush()


def read_frame(stream: IO[bytes]) -> tuple[int, tuple[Any, ...]] | None:
    """Read a frame; None if the other process has ended."""
    body = stream.read(int.from_bytes(stream.read(_LENGTH), "big"))
    try:
        kind, fields = marshal.loads(body)  # noqa: S302 - the process that wrote it is our own
    except (EOFError, ValueError, TypeError):
        return None  # it ended in the middle of a frame
    return kind, fields


def taken_frame(taken: bytearray) -> tuple[int, tuple[Any, ...]] | None:
    """Take a frame from the beginning of bytes; None if there is no whole one."""
    end = _LENGTH + int.from_bytes(taken[:_LENGTH], "big")
    if len(taken) < max(end, _LENGTH + 1):
        return None
    with memoryview(taken) as view, view[_LENGTH:end] as body:
        kind, fields = marshal.loads(body)  # noqa: S302 - the process that wrote it is our own
    del taken[:end]
    return kind, fields


def packed_event(item: Found) -> tuple[Any, ...]:
    """Return an event as plain values."""
    return (_FOUND, item.line, item.event, item.repairs, item.revisable)


def repaired(line: int, reason: str) -> tuple[Any, ...]:
    """Return a repair as plain values."""
    return (_REPAIRED, line, reason)


def packed(item: Item) -> tuple[Any, ...] | None:
    """Return an item that is no event as plain values; None if a writer does nothing with it."""
    if isinstance(item, Skipped):
        return (_SKIPPED, item.line, item.reason)
    if isinstance(item, Duplicate):
        return (_DUPLICATE, item.line, item.session)
    if isinstance(item, Repaired):
        return repaired(item.line, item.reason)
    return None


def unpacked(values: tuple[Any, ...]) -> Item:
    """Return the item of plain values."""
    kind, line, value = values[:3]
    if kind == _FOUND:
        return Found(line, value, values[3], revisable=values[4])
    if kind == _SKIPPED:
        return Skipped(line, value)
    return Duplicate(line, value) if kind == _DUPLICATE else Repaired(line, value)
