"""What a reader sends to its import of the items of a file."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from journal.importers.parsing.parser import Found
from journal.importers.run.ahead.frames import (
    LINES,
    MADE,
    End,
    Lines,
    MadeLines,
    packed,
    packed_event,
    repaired,
    write_frame,
)
from journal.importers.run.fingerprints import print_of
from journal.importers.run.known.recent import mark_of, size_of
from journal.importers.run.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from journal.importers.parsing.parser import Item
    from journal.importers.run.ahead.made import Maker, Packed
    from journal.importers.run.tail import Tail

_LINES = 64
_BYTES = 256 * 1024
"""A frame is sent when it has so many lines, or bytes of them."""
_TOGETHER = 16
"""Lines that are parsed, and then encoded."""


@dataclass(slots=True)
class Noted(Report):
    """Notes what is passed over, for the report of the import."""

    noted: list[tuple[str, str]] = field(default_factory=list)

    def pass_over(self, reason: str, path: str) -> None:
        """Note a path that is not read."""
        self.noted.append((reason, path))


@dataclass(slots=True)
class Sender:
    """Takes the items of a file as `EventWriter` does, and sends them.

    Attributes:
        out: gets the frames.
        maker: encodes the events; None if the import has to look at all of them.
        prints: whether the fingerprints of events are sent, as those of a document are.
        report: counts the lines.
        found: 0: the import counts the messages.
        sessions: not used: the import has them.
        read: bytes of the file that were read so far, about.
    """

    out: BinaryIO
    maker: Maker | None = None
    prints: bool = False
    report: Noted = field(default_factory=Noted)
    found: int = 0
    sessions: set[str] = field(default_factory=set)
    read: int = 0
    _taken: list[tuple[int, bytes | None, list[Item]]] = field(default_factory=list)
    _waiting: int = 0  # bytes of the lines that were taken
    _made: list[Packed] = field(default_factory=list)
    _others: list[tuple[Any, ...]] = field(default_factory=list)
    _prints: list[int] = field(default_factory=list)
    _lines: int = 0  # in the next frame
    _bytes: int = 0  # of these
    _counted: int = 0  # lines

    def take(self, items: Iterable[Item], raw: bytes | None, *, known: int = 0) -> None:
        """Send the items of a line; none of the lines is known."""
        assert known == 0  # noqa: S101 - an import whose lines are known reads them itself
        lines, self._counted = self.report.lines - self._counted, self.report.lines
        self._taken.append((lines, raw, [*items]))
        self._waiting += size_of(raw)
        # the parser and the encoder in turn, line by line, would take a tenth longer: the code of
        # both does not fit into the nearest cache of the processor
        if len(self._taken) >= _TOGETHER or self._bytes + self._waiting >= _BYTES:
            self._encode()
            if self._lines >= _LINES or self._bytes >= _BYTES:
                self._send()

    def _encode(self) -> None:
        """Encode the lines that were taken; send those at which the import has to look."""
        taken, self._taken, self._waiting = self._taken, [], 0
        for lines, raw, items in taken:
            made: list[Packed] = []
            others: list[tuple[Any, ...]] = []
            for item in items:
                if isinstance(item, Found):
                    one = None if self.maker is None else self.maker.make(item)
                    if one is None:
                        break
                    made.append(one)
                    if item.repairs:
                        others += (repaired(item.line, why) for why in item.repairs)
                elif (values := packed(item)) is not None:
                    others.append(values)
            else:
                self._lines += lines
                self._bytes += size_of(raw)
                self._made += made
                self._others += others
                if self.prints:
                    self._prints += (print_of(it.event) for it in items if isinstance(it, Found))
                continue
            if self._lines or self._made or self._others:
                self._send()  # what is before it
            every = (packed_event(it) if isinstance(it, Found) else packed(it) for it in items)
            sent = [values for values in every if values is not None]
            # an item of a document has no mark, as it is known by its events
            size, mark = (size_of(raw), None) if self.prints else mark_of(raw)
            write_frame(self.out, LINES, Lines(self.read, lines, size, mark, sent))

    def step(self, read: int) -> None:
        """Note how far the file was read."""
        self.read = read

    def flush(self) -> None:
        """Send the lines so far."""
        self._encode()
        self._send()

    def _send(self) -> None:
        """Send the lines so far whose events are encoded."""
        made = self._made, self._others, self._prints
        frame = MadeLines(self.read, self._lines, self._bytes, *made)
        self._made, self._others, self._prints, self._lines, self._bytes = [], [], [], 0, 0
        write_frame(self.out, MADE, frame)

    def end(self, tail: Tail) -> End:
        """Return what is known of the file at its end."""
        passed_over, side_files = self.report.noted, sorted(self.report.side_files)
        return End(astuple(tail.entry()), tail.names_files, side_files, passed_over)
