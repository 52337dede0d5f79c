"""The processes that read files ahead, as the import sees them.

A pipe holds less than what is read of one file. So while the import waits for one process, it also
takes what the others have written, up to `_AHEAD` bytes each: else these would wait for their turn,
and one process would read at a time.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from journal.importers.run.ahead.frames import BEGIN, Begin, Task, taken_frame, write_frame

if sys.platform == "linux":
    from fcntl import F_SETPIPE_SZ, fcntl

if TYPE_CHECKING:
    from typing import Any

_PIPE = 1024 * 1024
"""Bytes that a pipe holds."""
_AHEAD = 2 * 1024 * 1024
"""Bytes by which a process can be ahead, beside its pipe and the frame that it is about to write:
with the pipe about the events of a transcript of 4 MB."""
_READ = 256 * 1024
"""Bytes of one read."""
_WORKER = "journal.importers.run.ahead.worker"


class Ended(Exception):  # noqa: N818 - named after what happened; its callers continue
    """The process has ended, or cannot send the file."""


@dataclass(slots=True)
class Pipes:
    """The pipes of all processes that have not ended."""

    _ready: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _full: dict[int, Reader] = field(default_factory=dict)  # those from which nothing is taken

    def add(self, pipe: IO[bytes], reader: Reader) -> None:
        """Read from a pipe from now on."""
        os.set_blocking(pipe.fileno(), False)
        self._ready.register(pipe.fileno(), selectors.EVENT_READ, reader)

    def drop(self, pipe: IO[bytes]) -> None:
        """Read no more from a pipe, before it is closed."""
        if self._full.pop(pipe.fileno(), None) is None:
            self._ready.unregister(pipe.fileno())

    def wait(self, wanted: Reader) -> None:
        """Wait until a process has written, or has ended; take what the others have, too."""
        for number, reader in list(self._full.items()):
            if reader is wanted or len(reader.taken) < _AHEAD:
                del self._full[number]
                self._ready.register(number, selectors.EVENT_READ, reader)
        for key, _ in self._ready.select():
            reader = key.data
            try:
                read = os.read(key.fd, _READ)
            except BlockingIOError:
                continue
            reader.taken += read
            reader.is_at_end = not read
            if reader.is_at_end or (reader is not wanted and len(reader.taken) >= _AHEAD):
                self._ready.unregister(key.fd)
                self._full[key.fd] = reader

    def close(self) -> None:
        """Free what the system holds for it; the pipes are dropped."""
        self._ready.close()


@dataclass(slots=True, eq=False)
class Reader:
    """A process that reads files, and sends them in their order.

    Attributes:
        taken: bytes that were taken from its pipe and not used.
        is_at_end: whether it writes no more.
    """

    pipes: Pipes
    taken: bytearray = field(default_factory=bytearray)
    is_at_end: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _waiting: set[bytes] = field(default_factory=set)  # files that it has not begun

    def start(self, task: Task) -> None:
        """Start the process; where none can be started, it has no file."""
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
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(OSError):  # it has ended: the next read shows that
            write_frame(process.stdin, BEGIN, task)
            _widen(process.stdout)
            self._waiting.update(path for path, _, _ in task.paths)
        self.pipes.add(process.stdout, self)

    def begin(self, path: bytes) -> Begin | None:
        """Return the beginning of a file, behind the rest of those before it; None without one."""
        while path in self._waiting:
            try:
                kind, fields = self.frame()
            except Ended:
                return None
            if kind == BEGIN:
                begin = Begin(*fields)
                self._waiting.discard(begin.path)
                if begin.path == path:
                    return begin
        return None

    def frame(self) -> tuple[int, tuple[Any, ...]]:
        """Read the next frame.

        Raises:
            Ended: there is none.
        """
        if self._process is None:
            raise Ended
        while (frame := taken_frame(self.taken)) is None:
            if self.is_at_end:
                self.end()
                raise Ended
            self.pipes.wait(self)
        return frame

    def end(self) -> None:
        """End the process; again does nothing."""
        process, self._process = self._process, None
        self._waiting.clear()
        self.taken.clear()
        if process is None:
            return
        assert process.stdout is not None  # noqa: S101 - as in `start`
        self.pipes.drop(process.stdout)
        process.kill()  # it has nothing to save
        with process:  # closes its pipes, and waits
            pass


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold more, where the system allows it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the user's pipes have too many bytes already
            fcntl(pipe, F_SETPIPE_SZ, _PIPE)
