"""Reads one file of JSON lines: from its beginning, and further when it has grown."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

from journal.errors import ImportFailed
from journal.importers.files.compressed import bytes_read, open_source
from journal.importers.files.decode import BadLine, decode, unfinished
from journal.importers.files.lines import Prefix, read_lines
from journal.importers.files.location import location_of
from journal.importers.files.side_files import message_without_file, read_side_file
from journal.importers.files.torn import parts_of
from journal.importers.files.walk import shown
from journal.importers.parsing.events import NEW
from journal.importers.parsing.parser import Found, Repaired, SideFile, Skipped
from journal.importers.parsing.transcript import Transcript
from journal.importers.run.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.importers.files.lines import Line
    from journal.importers.formats import LineFormat, SourceFormat
    from journal.importers.parsing.parser import Item, Parser
    from journal.importers.parsing.values import Json
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

    def take(self, items: Iterator[Item], raw: bytes | None, *, known: int = 0) -> None:
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
        names_files: whether its lines name side files.
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
    names_files: bool = False
    sessions: set[str] = field(default_factory=set)
    name: str = field(init=False)
    _prefix: Prefix = field(default_factory=Prefix)
    _parser: Parser = field(init=False)
    _transcript: Transcript = field(init=False)
    _more: int = 0  # objects after the first one on a line
    _missing: bool = False  # a side file was missing
    _has_side_files: bool = False

    def __post_init__(self) -> None:
        location = location_of(self.first_path or self.path, self.first_name)
        self.name = location.name
        self._parser = self.lines_format.parser(location)
        self._transcript = Transcript(self._parser.equal_is_same, location.modified)

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
        known = self.known.lines if self.known is not None else 0
        self.rest = False
        for line in read_lines(stream, number=self.lines, prefix=self._prefix):
            if not line.finished and not last:
                self.rest = True
                break
            items = self._with_side_files(line, known, writer)
            if line.number > taken:
                writer.report.lines += 1
                writer.take(items, line.raw, known=known)
            else:
                deque(items, maxlen=0)  # the parser has to know them
            if line.finished or self._is_whole(line):
                self.lines, self.offset = line.number, line.end
            if line.number % _STEP == 0:
                step(bytes_read(stream))
        if last:
            writer.take(self._transcript.take(self._parser.end()), None, known=known)
        writer.take(self._transcript.guesses(), None, known=known)
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

    def _with_side_files(self, line: Line, known: int, writer: LineWriter) -> Iterator[Item]:
        """Yield the items of a line, and the texts of the side files that it names."""
        again = self.known is not None and self.known.marks == _MISSING
        # of a text, a message is known by its own lines: the next one shows that it ended
        number, is_text = line.number, self.lines_format.text is not None
        for item in self._items(line):
            if isinstance(item, Found):
                same = item.line == number or is_text or item.line == NEW
                yield item if same else replace(item, line=number)
            elif not isinstance(item, SideFile):
                yield item
            else:
                self.names_files = True
                if line.number > known or again:
                    yield from self._side_file(item, writer)

    def _side_file(self, item: SideFile, writer: LineWriter) -> Iterator[Item]:
        try:
            texts = read_side_file(self.path, item)
        except OSError as error:
            self._missing = True
            reason = "tool output" if item.instead is None else "rest of a tool output"
            name = f"{item.session}/{item.folder}/{item.name}"
            writer.report.pass_over(f"{reason}: {error.strerror or error}", name)
            for found in message_without_file(item):
                yield from self._beside(found)
            return
        writer.report.side_files.add(shown(texts.path))
        for found in texts.messages:
            yield from self._beside(found)

    def _beside(self, found: Found) -> Iterator[Item]:
        """Yield the message of a side file, and a time for one whose line has none."""
        yield replace(found, line=NEW)
        if "timestamp" not in found.event["data"]:
            yield from self._transcript.estimate(found)

    def _items(self, line: Line) -> Iterator[Item]:
        # more than one object on a line: each counts as a line of its own
        number, raw = line.number + self._more, line.raw
        if raw is None:
            if line.digest:
                yield from self._parsed(number, None, line)
            else:
                yield Skipped(number, "unfinished last line, over 64 MiB")
            return
        if self.lines_format.text is not None:
            yield from self._parsed(number, self.lines_format.text(raw), line)
            return
        if not raw.strip():
            yield Skipped(number, "blank line")
            return
        try:
            value, repairs = decode(raw)
        except BadLine as bad:
            yield from self._torn(line, raw, str(bad) if line.finished else unfinished(raw, bad))
            return
        for repair in repairs:
            yield Repaired(number, repair)
        yield from self._parsed(number, value, line)

    def _torn(self, line: Line, raw: bytes, reason: str) -> Iterator[Item]:
        """Yield the items of complete objects on a line that is no JSON; skip the rest by name."""
        parts = parts_of(raw, self.lines_format.is_envelope)
        if not parts.objects:
            yield Skipped(line.number, reason)
            return
        if parts.torn:
            yield Skipped(line.number, "torn part of a line, beside a whole object")
        else:
            yield Repaired(line.number, "objects on one line, without newlines between them")
        for at, whole in enumerate(parts.objects, line.number + self._more):
            value, repairs = decode(whole)
            yield from (Repaired(line.number, repair) for repair in repairs)
            yield from self._parsed(at, value, line._replace(raw=whole))
        self._more += len(parts.objects) - 1

    def _parsed(self, number: int, value: Json, line: Line) -> Iterator[Item]:
        """Yield the items of a parser for a line; the parser may be of another package."""
        try:
            if line.raw is None:
                items = self._parser.left_out(number, line.size, line.digest)
            else:
                items = self._parser.value(number, value, line.raw)
            yield from self._transcript.take(items)
        except Exception as error:
            raise parser_failed(self.format, number, error) from error

    def entry(self) -> Entry:
        """Return the entry for the ledger."""
        format, digest = self.format, self._prefix.digest()
        marks = _MISSING if self._missing else ""
        waits = self.lines_format.waits(self._parser)
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


def parser_failed(format: SourceFormat, number: int, error: Exception) -> ImportFailed:
    """Return the error to report for an exception of a format's parser at a line or piece."""
    why = f"{type(error).__name__}: {error}"
    return ImportFailed(f"the importer {format.name!r} failed at line {number}: {why}")
