"""Standard streams: closed or full ones are handled, and text is cleaned."""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from journal.cli.kit.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

_NAMES = {"stdout": "standard output", "stderr": "standard error"}


class OutputError(OSError):
    """Standard output or standard error cannot be written, although its reader is there."""


class _Output(io.FileIO):
    """A standard stream whose errors name it."""

    def __init__(self, fd: int, name: str) -> None:
        super().__init__(fd, "wb", closefd=False)
        self._what = name

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write to {self._what}: {error.strerror or error}") from error


class _Cleaned(io.TextIOWrapper):
    """A standard stream that cleans what libraries write to it: errors of click, tracebacks.

    Attributes:
        plain: the same stream for `journal.cli.kit.output`, which has cleaned what it writes.
    """

    def __init__(self, buffer: io.BufferedWriter, encoding: str) -> None:
        # backslashreplace: an encoding that lacks a character must not end the command;
        # write_through: both wrappers write to one buffer, and their order must stay
        super().__init__(buffer, encoding, "backslashreplace", write_through=True)
        self.plain = io.TextIOWrapper(buffer, encoding, "backslashreplace", write_through=True)

    def write(self, text: str, /) -> int:
        super().write(clean(text))
        return len(text)


class _Terminal(io.FileIO):
    """The pipe to a program that shows on the terminal what it reads."""

    def isatty(self) -> bool:
        return True


@contextmanager
def output_to_pager(fd: int) -> Iterator[None]:
    """Write what is meant for standard output, a terminal, to a pipe. Colours are shown as before.

    Args:
        fd: the pipe; it stays open.

    Raises:
        BrokenPipeError: its reader was ended.
    """
    outer = sys.stdout
    pipe: io.BufferedWriter = io.BufferedWriter(_Terminal(fd, "wb", closefd=False))
    sys.stdout = inner = _Cleaned(pipe, outer.encoding)
    try:
        yield
        inner.flush()
    finally:
        sys.stdout = outer
        with suppress(BrokenPipeError):
            inner.close()


def prepare_streams() -> None:
    """Make standard output and error writable; an error in writing names the stream.

    If the caller closed one of the three, its descriptor becomes /dev/null: otherwise the next file
    that is opened, such as a segment, would get it, and output would go there. A closed standard
    input stays None: no message is not the same as an empty one.
    """
    if sys.stdin is None:
        _take_descriptor(0)
    for fd, name in enumerate(_NAMES, 1):
        stream = getattr(sys, name)
        if stream is None:
            _take_descriptor(fd)
            nowhere = io.FileIO(os.devnull, "w")
            setattr(sys, name, _Cleaned(io.BufferedWriter(nowhere), "utf-8"))
        elif stream is getattr(sys, f"__{name}__") and isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, _named(stream, _NAMES[name]))


def _take_descriptor(fd: int) -> None:
    """Open /dev/null as a descriptor that is closed."""
    try:
        os.fstat(fd)
    except OSError:
        # the lowest free number is this one: all below are open
        os.open(os.devnull, os.O_RDWR)


def _named(stream: io.TextIOWrapper, name: str) -> io.TextIOWrapper:
    # in an ASCII locale click would replace this stream to write UTF-8
    is_ascii = codecs.lookup(stream.encoding).name == "ascii"
    encoding = "utf-8" if is_ascii else stream.encoding
    return _Cleaned(io.BufferedWriter(_Output(stream.fileno(), name)), encoding)


def flush_or_discard() -> None:
    """Flush both streams; discard what cannot be written.

    The interpreter flushes again when it ends, and would fail with an exit code of its own.
    """
    for fd, name in enumerate(_NAMES, 1):
        try:
            getattr(sys, name).flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, fd)
            os.close(nowhere)
