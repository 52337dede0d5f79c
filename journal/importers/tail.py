"""One source being read: from its beginning, and on when it has grown."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from journal.importers.claude_code import ClaudeCode
from journal.importers.codex import Codex
from journal.importers.decode import BadLine, decode, unfinished
from journal.importers.document import items_of
from journal.importers.items import Found, Place, Repaired, Skipped
from journal.importers.ledger import PARSER, Entry
from journal.importers.lines import Prefix, read_lines
from journal.importers.marks import Marks
from journal.importers.openai import OpenAI
from journal.importers.sources import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.importers.items import Item, Parser
    from journal.importers.ledger import Ledger
    from journal.importers.lines import Line
    from journal.importers.sink import Sink

PARSERS: dict[str, Callable[[Place], Parser]] = {
    "claude-code": ClaudeCode,
    "codex": Codex,
    "openai": OpenAI,
}
_CHECKED = 64
"""Bytes before the offset that must still be there when a file is read on."""


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
    """

    path: Path
    format: str
    known: Entry | None
    offset: int = 0
    lines: int = 0
    messages: int = 0
    _prefix: Prefix = field(default_factory=Prefix)
    _last: bytes = b""
    _parser: Parser = field(init=False)

    def __post_init__(self) -> None:
        self._parser = PARSERS[self.format](place_of(self.path))

    def goes_on(self, stream: BinaryIO) -> bool:
        """Tell whether the file still holds what was read of it."""
        stream.seek(self.offset - len(self._last))
        return stream.read(len(self._last)) == self._last

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
        for line in read_lines(stream, number=self.lines, prefix=self._prefix):
            if not line.finished and not last:
                break
            sink.report.lines += 1
            sink.take(self._items(line), line.raw, known=known)
            if line.finished or self._is_whole(line):
                self.lines, self.offset = line.number, line.end
            step(line.end)
        if last:
            sink.take(self._parser.end(), None)
        sink.flush()
        self.messages += sink.found - before
        stream.seek(max(0, self.offset - _CHECKED))
        self._last = stream.read(min(_CHECKED, self.offset))

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

    def _items(self, line: Line) -> Iterator[Item]:
        number, raw = line.number, line.raw
        if raw is None:
            yield Skipped(number, "line over 16 MiB")
            return
        if not raw.strip():
            yield Skipped(number, "blank line")
            return
        try:
            value, repairs = decode(raw)
        except BadLine as bad:
            yield Skipped(number, str(bad) if line.finished else unfinished(raw, bad))
            return
        yield from (Repaired(number, repair) for repair in repairs)
        yield from self._parser.value(number, value, raw)

    def entry(self) -> Entry:
        """Say how far the file was read."""
        digest = self._prefix.digest()
        return Entry(shown(self.path), self.format, PARSER, self.lines, self.offset, digest)


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
    for item in items_of(stream, place_of(path)):
        pieces = max(pieces, item.line)
        known = isinstance(item, Found) and marks.add(item.event) and not reread
        sink.take(iter((item,)), None, known=item.line if known else 0)
    sink.report.lines += pieces
    sink.flush()
    return Entry(shown(path), format, PARSER, pieces, size, "", marks.packed())


def place_of(path: Path) -> Place:
    """Give what ids are made of where a source has none."""
    resolved = path.resolve()
    mark = hashlib.blake2b(os.fsencode(resolved), digest_size=4).hexdigest()
    folders = tuple(shown(folder.name) for folder in resolved.parents[:2])
    return Place(shown(resolved.stem), folders, mark)
