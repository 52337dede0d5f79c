"""Standard streams that are closed, full, or read by nobody, and that clean what they are given."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TYPE_CHECKING

from journal.cli.clean import clean

if TYPE_CHECKING:
    from typing_extensions import Buffer

_NAMES = {"stdout": "standard output", "stderr": "standard error"}


class OutputError(OSError):
    """Standard output or standard error cannot be written, and somebody still reads it."""


class _Output(io.FileIO):
    """A standard stream that says which one it is when it cannot be written."""

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
        plain: the same stream for `journal.cli.output`, which has cleaned what it writes.
    """

    def __init__(self, buffer: io.BufferedWriter, encoding: str) -> None:
        # an encoding without some character must not turn an answer into a traceback; nothing is
        # kept back in either of the two, so what they write stays in order
        super().__init__(buffer, encoding, "backslashreplace", write_through=True)
        self.plain = io.TextIOWrapper(buffer, encoding, "backslashreplace", write_through=True)

    def write(self, text: str, /) -> int:
        super().write(clean(text))
        return len(text)


def prepare_streams() -> None:
    """Make standard output and error writable, and let them tell which one is full.

    Where the caller closed one of the three, its descriptor gets /dev/null: the next file to be
    opened, such as a segment, would get it otherwise, and what is printed would go there.
    Standard input stays None then: nothing is not the same as an empty message.
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
    """Put /dev/null in the place of a descriptor that is closed."""
    try:
        os.fstat(fd)
    except OSError:
        # the lowest one that is free, and all below are taken: it is this one
        os.open(os.devnull, os.O_RDWR)


def _named(stream: io.TextIOWrapper, name: str) -> io.TextIOWrapper:
    # in a locale of ASCII click would go around this stream to write UTF-8
    is_ascii = codecs.lookup(stream.encoding).name == "ascii"
    encoding = "utf-8" if is_ascii else stream.encoding
    return _Cleaned(io.BufferedWriter(_Output(stream.fileno(), name)), encoding)


def end_output() -> None:
    """Write what is buffered; send nowhere what cannot be written.

    The interpreter flushes once more when it ends, and would complain of it with a code of its
    own.
    """
    for fd, name in enumerate(_NAMES, 1):
        try:
            getattr(sys, name).flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, fd)
            os.close(nowhere)
