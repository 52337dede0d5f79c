"""One process that reads files ahead, as the import sees it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from journal.importers.run.ahead.frames import BEGIN, Begin, Task, read_frame, write_frame

if sys.platform == "linux":
    from fcntl import F_SETPIPE_SZ, fcntl

if TYPE_CHECKING:
    from typing import Any

_PIPE = 1024 * 1024
"""Bytes by which it can be ahead, beside the frame that it is about to write."""
_WORKER = "journal.importers.run.ahead.worker"


class Ended(Exception):  # noqa: N818 - named after what happened; its callers continue
    """The process has ended, or cannot send the file."""


@dataclass(slots=True)
class Reader:
    """A process that reads files, and sends them in their order."""

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
        with contextlib.suppress(OSError):  # it has ended: the next read shows that
            write_frame(process.stdin, BEGIN, task)
            _widen(process.stdout)
            self._waiting.update(task.paths)

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
        process = self._process
        if process is None or process.stdout is None:
            raise Ended
        frame = read_frame(process.stdout)
        if frame is None:
            self.end()
            raise Ended
        return frame

    def end(self) -> None:
        """End the process; again does nothing."""
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
