"""Takes the lines of files from a process that reads ahead.

The import asks for its files in the order in which that process reads them. It uses what was read
of a file only if the file is still as it was then, and reads it itself otherwise. So the events,
their order and all that is reported are those of one process.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, BinaryIO, Self

from journal.errors import ImportFailed
from journal.importers.files.walk import COMPRESSED
from journal.importers.run.ahead.frames import (
    BEGIN,
    END,
    FAILED,
    LINES,
    Begin,
    End,
    Failed,
    Lines,
    read_frame,
    unpacked,
    write_frame,
)
from journal.importers.run.ledger import Entry
from journal.importers.run.watched import state_of

if sys.platform == "linux":
    from fcntl import F_SETPIPE_SZ, fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from journal.importers.files.walk import Source
    from journal.importers.run.event_writer import EventWriter
    from journal.importers.run.tail import Tail

LEAST = 16 * 1024 * 1024
"""Bytes of new files from which on another process pays: it takes 0.2 s to start."""
_LINES = (".jsonl", f".jsonl{COMPRESSED}")
"""Endings of the files that it reads."""
_PIPE = 1024 * 1024
"""Bytes by which it can be ahead, beside the frame that it is about to write."""
_WORKER = "journal.importers.run.ahead.worker"


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


class _Ended(Exception):  # noqa: N818 - named after what happened; its callers continue
    """The process that reads ahead has ended, or cannot send the file."""


@dataclass(slots=True)
class ReadAhead:
    """The process that reads ahead; it ends with the `with` block.

    Attributes:
        least: bytes of new files from which on it is started.
        files: number of files that were taken from it.
    """

    least: int
    files: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _waiting: set[bytes] = field(default_factory=set)  # files that it has not begun

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def start(self, found: Iterable[Source], forced: str) -> None:
        """Start the process, if it has enough to do.

        Args:
            found: the files that no import has read, in the order of this one.
            forced: the name of their format; empty if it is detected.
        """
        paths: list[bytes] = []
        size = 0
        for source in found:
            if source.path.name.endswith(_LINES):
                with contextlib.suppress(OSError):  # the import reports it
                    size += source.path.stat().st_size
                    paths.append(os.fsencode(source.path))
        if not paths or size < self.least:
            return
        try:
            process = subprocess.Popen(  # noqa: S603 - this program
                [sys.executable, "-P", "-m", _WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # whatever fails there is done, and reported, here
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        except OSError:
            return  # one process is enough
        self._process = process
        assert process.stdin is not None  # noqa: S101 - it was asked for
        with contextlib.suppress(OSError):  # it has ended: the next read shows that
            write_frame(process.stdin, BEGIN, (forced, paths))
            _widen(process.stdout)
            self._waiting.update(paths)

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
        begin = self._begin(os.fsencode(source.path))
        state = state_of(source.path, os.fstat(stream.fileno()), database=False)
        taken = 0
        if begin is not None and (begin.format, begin.state) == (tail.format.name, state):
            before, writer.sessions = writer.found, tail.sessions
            try:
                for frame in self._lines(writer):
                    if isinstance(frame, End):
                        entry, messages = Entry(*frame.entry), writer.found - before
                        self.files += 1
                        return Taken(entry, messages, frame.names_files, begin.settled)
                    taken += frame.lines
                    step(frame.read)
            except _Ended:
                tail.messages = writer.found - before
        tail.read(stream, writer, last=True, step=step, taken=taken)
        return Taken(tail.entry(), tail.messages, tail.names_files)

    def _begin(self, path: bytes) -> Begin | None:
        """Return the beginning of a file, behind the rest of those before it; None without one."""
        while path in self._waiting:
            try:
                kind, fields = self._frame()
            except _Ended:
                return None
            if kind == BEGIN:
                begin = Begin(*fields)
                self._waiting.discard(begin.path)
                if begin.path == path:
                    return begin
        return None

    def _lines(self, writer: EventWriter) -> Iterator[Lines | End]:
        while True:
            kind, fields = self._frame()
            if kind == LINES:
                lines = Lines(*fields)
                writer.report.lines += lines.lines
                for size, mark, items in lines.items:
                    writer.take_line(map(unpacked, items), size, mark)
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
                raise _Ended

    def _frame(self) -> tuple[int, tuple[Any, ...]]:
        process = self._process
        if process is None or process.stdout is None:
            raise _Ended
        frame = read_frame(process.stdout)
        if frame is None:
            self._end()
            raise _Ended
        return frame

    def _end(self) -> None:
        process, self._process = self._process, None
        self._waiting.clear()
        if process is None:
            return
        process.kill()  # it has nothing to save
        with process:  # closes its pipes, and waits
            pass


def _widen(pipe: IO[bytes] | None) -> None:
    """Let a pipe hold more, where the system allows it."""
    if pipe is not None and sys.platform == "linux":
        with contextlib.suppress(OSError):  # the user's pipes have too many bytes already
            fcntl(pipe, F_SETPIPE_SZ, _PIPE)
