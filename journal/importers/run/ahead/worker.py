"""The process that reads and parses files ahead: `python -m journal.importers.run.ahead.worker`.

It gets the paths on its standard input, and writes frames to its standard output, a file after the
other. It opens no journal. It encodes the events that the import appends as they are; where secrets
are to be redacted, those in which there can be none. The pipe bounds how far it is ahead of the
import; it ends when that closes the pipe.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from journal.errors import ImportFailed, RedactionError
from journal.importers.files.compressed import open_source
from journal.importers.parsing.parser import Found
from journal.importers.registry import installed
from journal.importers.run.ahead.frames import (
    BEGIN,
    END,
    FAILED,
    LINES,
    MADE,
    UNSENDABLE,
    Begin,
    End,
    Failed,
    Lines,
    MadeLines,
    Task,
    packed,
    packed_event,
    read_frame,
    repaired,
    write_frame,
)
from journal.importers.run.ahead.made import Maker
from journal.importers.run.detect import Detector
from journal.importers.run.known.recent import mark_of, size_of
from journal.importers.run.report import Report
from journal.importers.run.tail import Tail
from journal.importers.run.unchanged import settled_state
from journal.importers.run.watched import state_of
from journal.process.garbage import collect_rarely

if TYPE_CHECKING:
    from collections.abc import Iterable

    from journal.importers.formats import SourceFormat
    from journal.importers.parsing.parser import Item
    from journal.importers.run.ahead.made import Packed
    from journal.importers.run.detect import Kind
    from journal.redact.redactor import Redactor

_LINES = 64
_BYTES = 256 * 1024
"""A frame is sent when it has so many lines, or bytes of them."""
_TOGETHER = 16
"""Lines that are parsed, and then encoded."""


@dataclass(slots=True)
class _Noted(Report):
    """Notes what is passed over, for the report of the import."""

    noted: list[tuple[str, str]] = field(default_factory=list)

    def pass_over(self, reason: str, path: str) -> None:
        """Note a path that is not read."""
        self.noted.append((reason, path))


@dataclass(slots=True)
class _Sender:
    """Takes the items of a file as `EventWriter` does, and sends them."""

    out: BinaryIO
    maker: Maker | None = None
    report: _Noted = field(default_factory=_Noted)
    found: int = 0
    sessions: set[str] = field(default_factory=set)
    read: int = 0
    _taken: list[tuple[int, bytes | None, list[Item]]] = field(default_factory=list)
    _waiting: int = 0  # bytes of the lines that were taken
    _made: list[Packed] = field(default_factory=list)
    _others: list[tuple[Any, ...]] = field(default_factory=list)
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
                continue
            if self._lines or self._made or self._others:
                self._send()  # what is before it
            every = (packed_event(it) if isinstance(it, Found) else packed(it) for it in items)
            sent = [values for values in every if values is not None]
            write_frame(self.out, LINES, Lines(self.read, lines, *mark_of(raw), sent))

    def step(self, read: int) -> None:
        """Note how far the file was read."""
        self.read = read

    def flush(self) -> None:
        """Send the lines so far."""
        self._encode()
        self._send()

    def _send(self) -> None:
        """Send the lines so far whose events are encoded."""
        made = MadeLines(self.read, self._lines, self._bytes, self._made, self._others)
        self._made, self._others, self._lines, self._bytes = [], [], 0, 0
        write_frame(self.out, MADE, made)

    def end(self, tail: Tail) -> End:
        """Return what is known of the file at its end."""
        passed_over, side_files = self.report.noted, sorted(self.report.side_files)
        return End(astuple(tail.entry()), tail.names_files, side_files, passed_over)


def main() -> None:
    """Read the files that are asked for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the import, which ends this
    gc.freeze()
    collect_rarely()
    out = open(1, "wb", closefd=False)  # noqa: SIM115 - frames, and no text
    found = read_frame(sys.stdin.buffer)
    if found is None:
        return
    task = Task(*found[1])
    formats = installed()
    wanted = formats.named(task.forced) if task.forced else None
    files = Files(Detector(formats.formats), wanted, *_redaction(task))
    try:
        for path in task.paths:
            files.read(path, out)
    except BrokenPipeError:
        # the import needs no more: nothing is left to be written at the end of this process
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


def _redaction(task: Task) -> tuple[Redactor | None, bool]:
    """Return the redactor of the journal, and whether this process has the same rules."""
    if not task.rules:
        return None, True
    from journal.redact.setup import redactor_of  # noqa: PLC0415 - few imports need the rules

    try:
        redactor = redactor_of(Path(os.fsdecode(task.journal)), redact=True)
    except RedactionError:
        return None, False  # the rules were changed meanwhile
    return redactor, redactor is not None and redactor.rules == task.rules


@dataclass(frozen=True, slots=True)
class Files:
    """Reads files.

    Attributes:
        detector: detects their formats.
        wanted: their format; None if it is detected.
        redactor: of the journal; None if it has none.
        encodes: whether events are encoded: the rules of the journal are known.
    """

    detector: Detector
    wanted: SourceFormat | None = None
    redactor: Redactor | None = None
    encodes: bool = True

    def read(self, name: bytes, out: BinaryIO) -> None:
        """Write the frames of one file.

        Args:
            name: its path.
            out: gets the frames.

        Raises:
            BrokenPipeError: the import has ended.
        """
        path = Path(os.fsdecode(name))
        try:
            stream = open_source(path)
        except OSError:
            return  # the import meets the error itself
        with stream:
            found = os.fstat(stream.fileno())
            begin = Begin(
                name,
                "",
                state_of(path, found, database=False),
                settled_state(path, found, database=False),
            )
            sender = _Sender(out)
            try:
                kind = self.detector.detect(stream, name=path.name)
                format = self._format(kind)
                if kind.document or format is None or format.lines is None:
                    write_frame(out, BEGIN, begin)
                    return
                write_frame(out, BEGIN, begin._replace(importer=format.importer))
                if self.encodes:
                    sender.maker = Maker(format.importer, self.redactor)
                tail = Tail(path, format, format.lines, None)
                end = _end(tail, stream, sender)
                if isinstance(end, Failed):
                    sender.flush()  # items before the error
                    write_frame(out, FAILED, end)
                else:
                    write_frame(out, END, end)
            except BrokenPipeError:
                raise
            except ValueError:
                write_frame(out, UNSENDABLE, ())
            except OSError as error:
                write_frame(out, FAILED, _failed(error))

    def _format(self, kind: Kind) -> SourceFormat | None:
        known = self.detector.formats
        return self.wanted or next((it for it in known if it.name == kind.format), None)


def _end(tail: Tail, stream: BinaryIO, sender: _Sender) -> End | Failed:
    """Read a file of lines; return what is known of it then, or why it cannot be read further."""
    try:
        tail.read(stream, sender, last=True, step=sender.step)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _failed(error)
    except ImportFailed as error:
        return Failed(None, str(error))
    return sender.end(tail)


def _failed(error: OSError) -> Failed:
    return Failed(error.errno or 0, error.strerror or str(error))


if __name__ == "__main__":
    main()
