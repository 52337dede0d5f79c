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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from journal.errors import ImportFailed, RedactionError
from journal.importers.files.compressed import open_source
from journal.importers.registry import installed
from journal.importers.run.ahead.frames import (
    BEGIN,
    END,
    FAILED,
    UNSENDABLE,
    Begin,
    End,
    Failed,
    Task,
    read_frame,
    write_frame,
)
from journal.importers.run.ahead.made import Maker
from journal.importers.run.ahead.pieces import parser_apart, send_pieces
from journal.importers.run.ahead.sender import Sender
from journal.importers.run.detect import Detector
from journal.importers.run.tail import Tail
from journal.importers.run.watched import settled_state, state_of
from journal.process.garbage import collect_rarely

if TYPE_CHECKING:
    from journal.importers.formats import SourceFormat
    from journal.importers.run.detect import Kind
    from journal.redact.redactor import Redactor


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
        for name, part, parts in task.paths:
            files.read(name, out, part, parts)
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

    def read(self, name: bytes, out: BinaryIO, part: int = 0, parts: int = 1) -> None:
        """Write the frames of one file.

        Args:
            name: its path.
            out: gets the frames.
            part: of a document, as of `send_pieces`.
            parts: the same.

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
            sender = Sender(out)
            try:
                kind = self.detector.detect(stream, name=path.name)
                format = self._format(kind)
                parser = parser_apart(stream, kind, format)
                lines = None if format is None or kind.document else format.lines
                if format is None or (parser is None and lines is None):
                    write_frame(out, BEGIN, begin)
                    return
                write_frame(out, BEGIN, begin._replace(importer=format.importer))
                if self.encodes:
                    sender.maker = Maker(format.importer, self.redactor)
                if parser is not None:
                    send_pieces(path, stream, parser, sender, part, parts)
                if lines is None:
                    return
                end = _end(Tail(path, format, lines, None), stream, sender)
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


def _end(tail: Tail, stream: BinaryIO, sender: Sender) -> End | Failed:
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
