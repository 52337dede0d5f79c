"""One source being read: from its beginning, and on when it has grown."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from journal.importers.claude_code.parser import ClaudeCode
from journal.importers.codex.parser import Codex
from journal.importers.files.decode import BadLine, decode, unfinished
from journal.importers.files.detect import is_enveloped
from journal.importers.files.document import items_of
from journal.importers.files.lines import Prefix, read_lines
from journal.importers.files.side_files import NEW, read_side_file
from journal.importers.files.sources import shown, stem_of
from journal.importers.files.torn import parts_of
from journal.importers.items import Found, Place, Repaired, SideFile, Skipped
from journal.importers.ledger import PARSER, Entry
from journal.importers.marks import Marks
from journal.importers.openai.parser import OpenAI
from journal.importers.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.importers.files.lines import Line
    from journal.importers.items import Item, Parser
    from journal.importers.ledger import Ledger
    from journal.importers.sink import Sink

PARSERS: dict[str, Callable[[Place], Parser]] = {
    "claude-code": ClaudeCode,
    "codex": Codex,
    "openai": OpenAI,
}
_MISSING = "side files were missing"
"""What the ledger says of a source whose side files were not all there: it looks again."""


@dataclass(slots=True)
class Tail:
    """A file of JSON lines, read as far as its last finished line.

    Attributes:
        path: the file.
        format: what it is read as.
        known: what an earlier import noted of it.
        offset: bytes that were read.
        lines: lines that these are.
        messages: messages that these hold, new or not.
        place: the path that stands for the file in ids, where it was renamed.
        rest: whether an unfinished line stands behind them.
    """

    path: Path
    format: str
    known: Entry | None
    offset: int = 0
    lines: int = 0
    messages: int = 0
    place: Path | None = None
    rest: bool = False
    _prefix: Prefix = field(default_factory=Prefix)
    _parser: Transcript = field(init=False)
    _more: int = 0  # objects beyond the first on a line
    _missing: bool = False  # a side file was not there

    def __post_init__(self) -> None:
        self._parser = Transcript(PARSERS[self.format](place_of(self.place or self.path)))

    def goes_on(self, stream: BinaryIO) -> bool:
        """Tell whether the file still holds what was read of it."""
        last = self._prefix.last
        stream.seek(self.offset - len(last))
        return stream.read(len(last)) == last

    def read(
        self, stream: BinaryIO, sink: Sink, *, last: bool, step: Callable[[int], None]
    ) -> None:
        """Read on to the end of the file.

        Args:
            stream: the file.
            sink: takes what is found.
            last: whether an unfinished last line is all that will come of it.
            step: is told the offset after each line.
        """
        stream.seek(self.offset)
        before = sink.found
        known = self.known.lines if self.known is not None else 0
        self.rest = False
        for line in read_lines(stream, number=self.lines, prefix=self._prefix):
            if not line.finished and not last:
                self.rest = True
                break
            sink.report.lines += 1
            sink.take(self._with_side_files(line, known, sink), line.raw, known=known)
            if line.finished or self._is_whole(line):
                self.lines, self.offset = line.number, line.end
            step(line.end)
        if last:
            sink.take(self._parser.end(), None)
        sink.flush()
        self.messages += sink.found - before

    def _is_whole(self, line: Line) -> bool:
        """Tell whether a last line without a newline can be no part of a longer one."""
        raw = line.raw
        if raw is None or len(raw) != line.end - self.offset or not raw.startswith((b"{", b"[")):
            return False
        try:
            decode(raw)
        except BadLine:
            return False
        self._prefix.take(iter((raw,)))
        return True

    def _with_side_files(self, line: Line, known: int, sink: Sink) -> Iterator[Item]:
        """Give what a line gives, and the texts of the side files that it names."""
        again = self.known is not None and self.known.marks == _MISSING
        for item in self._items(line):
            if isinstance(item, Found):
                yield replace(item, line=line.number)
            elif not isinstance(item, SideFile):
                yield item
            elif line.number > known or again:
                yield from self._side_file(item, sink)

    def _side_file(self, item: SideFile, sink: Sink) -> Iterator[Item]:
        try:
            texts = read_side_file(self.path, item)
        except OSError as error:
            self._missing = True
            sink.report.pass_over(f"tool output: {error.strerror or error}", item.name)
            return
        sink.report.side_files.add(shown(texts.path))
        for found in texts.messages:
            yield replace(found, line=NEW)

    def _items(self, line: Line) -> Iterator[Item]:
        # more than one object on a line: each counts as a line of its own
        number, raw = line.number + self._more, line.raw
        if raw is None:
            if line.digest:
                yield from self._parser.left_out(number, line.size, line.digest)
            else:
                yield Skipped(number, "unfinished last line, over 64 MiB")
            return
        if not raw.strip():
            yield Skipped(number, "blank line")
            return
        try:
            value, repairs = decode(raw)
        except BadLine as bad:
            yield from self._torn(line, raw, str(bad) if line.finished else unfinished(raw, bad))
            return
        yield from (Repaired(number, repair) for repair in repairs)
        yield from self._parser.value(number, value, raw)

    def _torn(self, line: Line, raw: bytes, reason: str) -> Iterator[Item]:
        """Take the whole objects of a line that is no JSON; the rest is skipped by name."""
        parts = parts_of(raw, is_enveloped)
        if not parts.objects:
            yield Skipped(line.number, reason)
            return
        if parts.torn:
            yield Skipped(line.number, "torn part of a line, beside a whole object")
        else:
            yield Repaired(line.number, "objects on one line, without newlines between them")
        number = line.number + self._more
        for at, whole in enumerate(parts.objects, number):
            value, repairs = decode(whole)
            yield from (Repaired(line.number, repair) for repair in repairs)
            yield from self._parser.value(at, value, whole)
        self._more += len(parts.objects) - 1

    def entry(self) -> Entry:
        """Say how far the file was read."""
        digest = self._prefix.digest()
        marks = _MISSING if self._missing else ""
        parser = PARSER[self.format]
        return Entry(shown(self.path), self.format, parser, self.lines, self.offset, digest, marks)


def read_document(
    path: Path, format: str, stream: BinaryIO, sink: Sink, ledger: Ledger, *, reread: bool
) -> Entry:
    """Read one JSON document whole; append those of its events that were not appended before.

    What an earlier import appended stays known when the document no longer holds it: it may
    have been read while a program was writing it anew.
    """
    size = os.fstat(stream.fileno()).st_size
    noted = ledger.read(path)
    marks = Marks.unpack(noted.marks if noted is not None else "")
    pieces = 0
    transcript = Transcript(OpenAI(place_of(path)))
    for item in transcript.all(items_of(stream, place_of(path))):
        if isinstance(item, SideFile):
            sink.report.pass_over("tool output that a document names", item.name)
            continue
        pieces = max(pieces, item.line)
        known = isinstance(item, Found) and marks.add(item.event) and not reread
        sink.take(iter((item,)), None, known=item.line if known else 0)
    sink.report.lines += pieces
    sink.flush()
    return Entry(shown(path), format, PARSER[format], pieces, size, "", marks.packed())


def place_of(path: Path) -> Place:
    """Give what ids are made of where a source has none."""
    resolved = path.resolve()
    mark = hashlib.blake2b(os.fsencode(resolved), digest_size=4).hexdigest()
    folders = tuple(shown(folder.name) for folder in resolved.parents[:2])
    return Place(shown(stem_of(resolved)), folders, mark)
