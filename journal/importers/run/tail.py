"""Reads one file of JSON lines: from its beginning, and further when it has grown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

from journal.importers.files.compressed import bytes_read, open_source
from journal.importers.files.decode import BadLine, decode
from journal.importers.files.lines import Prefix, read_lines, together
from journal.importers.files.location import location_of
from journal.importers.parsing.transcript import Transcript
from journal.importers.run.ledger import Entry
from journal.importers.run.lines.items import LineItems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from journal.importers.files.lines import Line
    from journal.importers.formats import LineFormat, SourceFormat
    from journal.importers.parsing.parser import Item
    from journal.importers.run.ledger import Ledger
    from journal.importers.run.report import Report

_MISSING = "side files were missing"
"""Marks a source without some of its side files: the next import looks for them again."""

_STEP = 64
"""Lines after which it is shown how far the file was read."""


class LineWriter(Protocol):
    """Takes the items of a file.

    Attributes:
        found: number of messages so far, new or not.
        sessions: set to those of the file.
    """

    found: int
    sessions: set[str]

    @property
    def report(self) -> Report:
        """Counts its lines."""
        ...

    def take(self, items: Iterable[Item], raw: bytes | None, *, known: int = 0) -> None:
        """Take the items of a line; see `EventWriter.take`."""
        ...

    def flush(self) -> None:
        """Hand on what it has taken."""
        ...


@dataclass(slots=True)
class Tail:
    """A file of JSON lines, read up to its last finished line.

    Attributes:
        path: the file.
        format: its format.
        lines_format: the format's own part for JSON lines.
        known: the entry of an earlier import.
        offset: number of bytes that were read.
        lines: number of lines in them.
        messages: number of messages in them, new or not.
        first_path: the path from which ids are made, if the file was renamed.
        first_name: the name that an earlier place of the file gave; empty if there is none.
        name: the name that its place gives.
        rest: whether an unfinished line follows.
        sessions: ids of the sessions in it.
    """

    path: Path
    format: SourceFormat
    lines_format: LineFormat
    known: Entry | None
    offset: int = 0
    lines: int = 0
    messages: int = 0
    first_path: Path | None = None
    first_name: str = ""
    rest: bool = False
    sessions: set[str] = field(default_factory=set)
    name: str = field(init=False)
    _prefix: Prefix = field(default_factory=Prefix)
    _items: LineItems = field(init=False)

    def __post_init__(self) -> None:
        location = location_of(self.first_path or self.path, self.first_name)
        self.name = location.name
        parser = self.lines_format.parser(location)
        transcript = Transcript(parser.equal_is_same, location.modified)
        self._items = LineItems(self.path, self.format, self.lines_format, parser, transcript)
        if self.known is not None:
            self._items.known = self.known.lines
            self._items.missed = self.known.marks == _MISSING

    @property
    def names_files(self) -> bool:
        """Whether its lines name side files."""
        return self._items.names_files

    @classmethod
    def begin(cls, path: Path, format: SourceFormat, known: Entry | None, first_name: str) -> Self:
        """Return the state of a file of which nothing was read in this run.

        Args:
            path: the file.
            format: its format, which has lines.
            known: the entry of an earlier import with which it begins; None if there is none, or
                to append all of its events again.
            first_name: as of the state.

        Raises:
            ValueError: its format has none.
        """
        if format.lines is None:
            raise ValueError(f"{format.name} has no lines")
        return cls(path, format, format.lines, known, first_name=first_name)

    def is_continued(self, stream: BinaryIO) -> bool:
        """Return whether the file still begins with the bytes that were read."""
        last = self._prefix.last
        stream.seek(self.offset - len(last))
        return stream.read(len(last)) == last

    def read(
        self,
        stream: BinaryIO,
        writer: LineWriter,
        *,
        last: bool,
        step: Callable[[int], None],
        taken: int = 0,
    ) -> None:
        """Read further, to the end of the file.

        Args:
            stream: the file.
            writer: appends the items.
            last: whether an unfinished last line will not be continued.
            step: called at intervals with the bytes of its file that were read.
            taken: number of lines whose items the writer has.

        Raises:
            ImportFailed: the format's parser raised an error.
        """
        stream.seek(self.offset)
        before = writer.found
        writer.sessions = self.sessions
        known, report, add = self._items.known, writer.report, self._items.add
        self.rest = False
        for lines in together(read_lines(stream, number=self.lines, prefix=self._prefix)):
            values = [*map(self._items.decoded, lines)]
            for line, value in zip(lines, values, strict=True):
                if not line.finished and not last:
                    self.rest = True
                    break
                items: list[Item] = []
                try:
                    add(line, value, report, items)
                finally:  # also those before an error
                    # the parser has to know all lines, the writer only those that it does not have
                    if line.number > taken:
                        report.lines += 1
                        writer.take(items, line.raw, known=known)
                if line.finished or self._is_whole(line):
                    self.lines, self.offset = line.number, line.end
                if line.number % _STEP == 0:
                    step(bytes_read(stream))
        transcript = self._items.transcript
        if last:
            writer.take(transcript.take(self._items.parser.end()), None, known=known)
        writer.take(transcript.guesses(), None, known=known)
        writer.flush()
        self.messages += writer.found - before

    def _is_whole(self, line: Line) -> bool:
        """Return whether a last line without a newline cannot be the beginning of a longer one."""
        raw = line.raw
        if raw is None or len(raw) != line.end - self.offset or not raw.startswith((b"{", b"[")):
            return False
        try:
            decode(raw)
        except BadLine:
            return False
        self._prefix.add(raw)
        return True

    def entry(self) -> Entry:
        """Return the entry for the ledger."""
        format, digest = self.format, self._prefix.digest()
        marks = _MISSING if self._items.is_missing else ""
        waits = self.lines_format.waits(self._items.parser)
        known = self.lines if waits == 0 else min(self.lines, waits - 1)
        return Entry(format.name, format.version, known, self.offset, digest, marks)


def known_tail(ledger: Ledger, path: Path, first_path: Path, format: SourceFormat) -> Tail | None:
    """Return the state of a file of lines from the ledger; None if it has none.

    Args:
        ledger: the ledger.
        path: the present path.
        first_path: the path from which ids are made.
        format: the format.
    """
    if format.lines is None:
        return None
    try:
        with open_source(path) as stream:
            for known_as in (path, first_path):
                known = ledger.known(known_as, format, stream)
                if known is not None:
                    return Tail(path, format, format.lines, known, 0, 0, 0, first_path, known.place)
    except OSError:
        pass  # reading it reports the error
    return None
