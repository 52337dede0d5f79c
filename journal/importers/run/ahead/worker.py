"""The process that reads and parses files ahead: `python -m journal.importers.run.ahead.worker`.

It gets the paths on its standard input, and writes frames to its standard output, a file after the
other. It opens no journal. The pipe bounds how far it is ahead of the import; it ends when that
closes the pipe.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from journal.errors import ImportFailed
from journal.importers.files.compressed import open_source
from journal.importers.parsing.parser import Found
from journal.importers.registry import installed
from journal.importers.run.ahead.frames import (
    BEGIN,
    END,
    FAILED,
    FOUND,
    LINES,
    UNSENDABLE,
    Begin,
    End,
    Failed,
    Lines,
    packed,
    read_frame,
    write_frame,
)
from journal.importers.run.detect import Detector
from journal.importers.run.event_writer import mark_of
from journal.importers.run.report import Report
from journal.importers.run.tail import Tail
from journal.importers.run.unchanged import settled_state
from journal.importers.run.watched import state_of
from journal.process.garbage import collect_rarely

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.formats import SourceFormat
    from journal.importers.parsing.parser import Item

_LINES = 64
_BYTES = 256 * 1024
"""Maximum of a frame: lines, and bytes of them."""


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
    report: _Noted = field(default_factory=_Noted)
    found: int = 0
    sessions: set[str] = field(default_factory=set)
    read: int = 0
    _batch: list[tuple[int, int | None, list[tuple[Any, ...]]]] = field(default_factory=list)
    _bytes: int = 0
    _sent: int = 0  # lines

    def take(self, items: Iterator[Item], raw: bytes | None, *, known: int = 0) -> None:
        """Send the items of a line, also those before an error; none of the lines is known."""
        assert known == 0  # noqa: S101 - an import whose lines are known reads them itself
        line: list[tuple[Any, ...]] = []
        has_events = False
        try:
            for item in items:
                if isinstance(item, Found):
                    has_events = True
                    line.append((FOUND, item.line, item.event, item.repairs, item.revisable))
                elif (values := packed(item)) is not None:
                    line.append(values)
        finally:  # also those before an error
            size, mark = mark_of(raw) if has_events or raw is None else (len(raw), None)
            self._batch.append((size, mark, line))
            self._bytes += size
        if len(self._batch) >= _LINES or self._bytes >= _BYTES:
            self.flush()

    def step(self, read: int) -> None:
        """Note how far the file was read."""
        self.read = read

    def flush(self) -> None:
        """Send the lines so far."""
        batch, self._batch, self._bytes = self._batch, [], 0
        lines, self._sent = self.report.lines - self._sent, self.report.lines
        write_frame(self.out, LINES, Lines(self.read, lines, batch))


def main() -> None:
    """Read the files that are asked for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the import, which ends this
    gc.freeze()
    collect_rarely()
    out = open(1, "wb", closefd=False)  # noqa: SIM115 - frames, and no text
    found = read_frame(sys.stdin.buffer)
    if found is None:
        return
    _, (forced, paths) = found
    formats = installed()
    wanted = formats.named(forced) if forced else None
    detector = Detector(formats.formats)
    try:
        for path in paths:
            read_file(path, wanted, detector, out)
    except BrokenPipeError:
        # the import needs no more: nothing is left to be written at the end of this process
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


def read_file(name: bytes, wanted: SourceFormat | None, detector: Detector, out: BinaryIO) -> None:
    """Write the frames of one file.

    Args:
        name: its path.
        wanted: its format; None if it is detected.
        detector: detects it.
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
            kind = detector.detect(stream, name=path.name)
            format = wanted or next((it for it in detector.formats if it.name == kind.format), None)
            if kind.document or format is None or format.lines is None:
                write_frame(out, BEGIN, begin)
                return
            write_frame(out, BEGIN, begin._replace(format=format.name))
            tail = Tail(path, format, format.lines, None)
            tail.read(stream, sender, last=True, step=sender.step)
            end = End(
                astuple(tail.entry()),
                tail.names_files,
                sorted(sender.report.side_files),
                sender.report.noted,
            )
            write_frame(out, END, end)
        except BrokenPipeError:
            raise
        except ValueError:
            write_frame(out, UNSENDABLE, ())
        except OSError as error:
            sender.flush()  # items before the error
            write_frame(out, FAILED, Failed(error.errno or 0, error.strerror or str(error)))
        except ImportFailed as error:
            sender.flush()
            write_frame(out, FAILED, Failed(None, str(error)))


if __name__ == "__main__":
    main()
