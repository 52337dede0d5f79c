"""Takes the lines of files from processes that read ahead.

Each process has every n-th file of lines, and every n-th block of a large document. The import asks
for its files in their order, so it reads from one process after the other. It uses what was read of
a file only if the file is still as it was then, and reads it itself otherwise. So the events, their
order and all that is reported are those of one process.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Self

from journal.errors import ImportFailed
from journal.importers.files.decode import BOM
from journal.importers.files.walk import COMPRESSED
from journal.importers.run.ahead.frames import (
    BLOCK,
    END,
    FAILED,
    LINES,
    MADE,
    End,
    Failed,
    Lines,
    MadeLines,
    Task,
    unpacked,
)
from journal.importers.run.ahead.made import Made
from journal.importers.run.ahead.process import Ended, Pipes, Reader
from journal.importers.run.known.places import Place
from journal.importers.run.ledger import Entry
from journal.importers.run.watched import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from journal.importers.files.walk import Source
    from journal.importers.formats import SourceFormat
    from journal.importers.parsing.parser import Item
    from journal.importers.run.event_writer import EventWriter
    from journal.importers.run.tail import Tail
    from journal.writer import Journal

LEAST = 16 * 1024 * 1024
"""Bytes of new files from which on another process pays: it takes 0.2 s to start."""
SHARE = 64 * 1024 * 1024
"""Bytes of new files for each process."""
_READERS = 2
"""Maximum of processes: two read faster than the import appends."""
_LINES = (".jsonl", f".jsonl{COMPRESSED}")
_DOCUMENT = ".json"
_HEAD = 64
"""Bytes of a document that are looked at before it is given to other processes."""
"""Endings of the files that they read."""


def least() -> int:
    """Return the bytes of new files from which on a process reads ahead; none does on one core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return LEAST if (cores or 1) > 1 else sys.maxsize


@dataclass(frozen=True, slots=True)
class Taken:
    """A file whose lines were appended.

    Attributes:
        entry: how far it was imported.
        messages: number of messages in it, new or not.
        names_files: whether its lines name side files.
        settled: `settled_state` of the file before it was read ahead; None if it was not.
    """

    entry: Entry
    messages: int
    names_files: bool
    settled: str | None = None


@dataclass(slots=True)
class ReadAhead:
    """The processes that read ahead; they end with the `with` block.

    Attributes:
        least: bytes of new files from which on one is started.
        share: bytes of new files for each.
        files: number of files that were taken from them.
    """

    least: int
    share: int = SHARE
    files: int = 0
    _readers: dict[bytes, list[Reader]] = field(default_factory=dict)  # by file
    _pipes: Pipes | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for readers in self._readers.values():
            for reader in readers:
                reader.end()
        self._readers.clear()
        if self._pipes is not None:
            self._pipes.close()
            self._pipes = None

    def start(self, found: Iterable[Source], forced: str, journal: Journal) -> None:
        """Start the processes, if they have enough to do.

        Args:
            found: the files that no import has read, in the order of this one.
            forced: the name of their format; empty if it is detected.
            journal: gets their events.
        """
        paths: dict[bytes, bool] = {}  # whether it is a document
        size = 0
        for source in found:
            is_document = source.path.name.endswith(_DOCUMENT)
            if is_document or source.path.name.endswith(_LINES):
                with contextlib.suppress(OSError):  # the import reports it
                    own = source.path.stat().st_size
                    # the ends of the items of a small one are not worth to be looked for twice
                    if not is_document or (own >= self.least and _is_list(source.path)):
                        size += own
                        paths[os.fsencode(source.path)] = is_document
        if not paths or size < self.least:
            return
        most = _READERS if any(paths.values()) else min(_READERS, len(paths))
        count = min(max(1, size // self.share), most)
        pipes = self._pipes = Pipes()
        readers = [Reader(pipes) for _ in range(count)]
        tasks: list[list[tuple[bytes, int, int]]] = [[] for _ in range(count)]
        turn = 0
        for path, is_document in paths.items():
            numbers = range(count) if is_document else (turn,)
            self._readers[path] = [readers[number] for number in numbers]
            for number in numbers:
                tasks[number].append((path, number, count))
            turn = turn if is_document else (turn + 1) % count
        rules = "" if journal.redactor is None else journal.redactor.rules
        for reader, task in zip(readers, tasks, strict=True):
            reader.start(Task(task, forced, os.fsencode(journal.path), rules))

    def document(
        self, source: Source, stream: BinaryIO, format: SourceFormat, place: Place
    ) -> Pieces | None:
        """Return what was read ahead of a document; None if nothing was.

        Args:
            source: the file.
            stream: the opened file.
            format: its format.
            place: where its ids come from: those of a new file come from its path.
        """
        path = os.fsencode(source.path)
        if path not in self._readers or place != Place():
            return None
        begins = [reader.begin(path) for reader in self._readers[path]]
        of = format.importer, state_of(source.path, os.fstat(stream.fileno()), database=False)
        if any(it is None or (it.importer, it.state) != of for it in begins):
            return None
        settled = {it.settled for it in begins if it is not None}
        return Pieces(self, self._readers[path], settled.pop() if len(settled) == 1 else "")

    def take(
        self,
        source: Source,
        stream: BinaryIO,
        tail: Tail,
        writer: EventWriter,
        step: Callable[[int], None],
    ) -> Taken:
        """Append the events of a file that was read ahead, or else read it.

        Args:
            source: the file.
            stream: the opened file.
            tail: the state of its lines, of which none is read or known.
            writer: appends the events.
            step: called at intervals with the bytes of the file that were read.

        Returns:
            What is known of the file then.

        Raises:
            ImportFailed: the format's parser raised an error.
            OSError: the file cannot be read.
        """
        path = os.fsencode(source.path)
        readers = self._readers.get(path)
        reader = readers[0] if readers else None
        begin = None if reader is None else reader.begin(path)
        state = state_of(source.path, os.fstat(stream.fileno()), database=False)
        taken = 0
        if reader and begin and (begin.importer, begin.state) == (tail.format.importer, state):
            before, writer.sessions = writer.found, tail.sessions
            try:
                for frame in _lines(reader, writer):
                    if isinstance(frame, End):
                        entry, messages = Entry(*frame.entry), writer.found - before
                        self.files += 1
                        return Taken(entry, messages, frame.names_files, begin.settled)
                    taken += frame.lines
                    step(frame.read)
            except Ended:
                tail.messages = writer.found - before
        tail.read(stream, writer, last=True, step=step, taken=taken)
        return Taken(tail.entry(), tail.messages, tail.names_files)


def _is_list(path: Path) -> bool:
    """Return whether a JSON document begins as a list; no other is read ahead.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(_HEAD).removeprefix(BOM).lstrip().startswith(b"[")


@dataclass(slots=True)
class Pieces:
    """A document that was read ahead.

    Attributes:
        settled: `settled_state` of the file before it was read.
        is_whole: whether all frames were taken: if not, the import reads the rest itself.
    """

    _ahead: ReadAhead
    _readers: list[Reader]
    settled: str
    is_whole: bool = False

    def __iter__(self) -> Iterator[MadeLines | Lines]:
        """Yield the frames of its items, in their order; the end may be missing."""
        turn = 0
        while True:
            try:
                kind, fields = self._readers[turn].frame()
            except Ended:
                return
            if kind == MADE:
                yield MadeLines(*fields)
            elif kind == LINES:
                yield Lines(*fields)
            elif kind == BLOCK:
                turn = (turn + 1) % len(self._readers)
            else:
                self.is_whole = kind == END
                self._ahead.files += self.is_whole
                return


def append(frame: MadeLines | Lines, items: Iterable[Item], writer: EventWriter) -> None:
    """Append what a frame has: its items, unpacked, and the events that are encoded already."""
    if isinstance(frame, MadeLines):
        writer.take_line(items, 0, None)
        writer.take_made([*map(Made.unpack, frame.events)], frame.size)
    else:
        writer.take_line(items, frame.size, frame.mark)


def _lines(reader: Reader, writer: EventWriter) -> Iterator[MadeLines | Lines | End]:
    while True:
        kind, fields = reader.frame()
        if kind == MADE:
            made = MadeLines(*fields)
            writer.report.lines += made.lines
            append(made, map(unpacked, made.items), writer)
            yield made
        elif kind == LINES:
            lines = Lines(*fields)
            writer.report.lines += lines.lines
            append(lines, map(unpacked, lines.items), writer)
            yield lines
        elif kind == END:
            end = End(*fields)
            writer.flush()
            writer.report.side_files.update(end.side_files)
            for reason, path in end.passed_over:
                writer.report.pass_over(reason, path)
            yield end
        elif kind == FAILED:
            failed = Failed(*fields)
            if failed.number is None:
                raise ImportFailed(failed.text)
            raise OSError(failed.number, failed.text)
        else:
            raise Ended
