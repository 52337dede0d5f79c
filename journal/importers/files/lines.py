"""A file's lines with their numbers and offsets, never more than one of them in memory."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LIMIT = 64 * 1024 * 1024
"""Bytes of a line that is read; a record of a journal is smaller, but its line may hold more."""
CHECKED = 64
"""Bytes before the offset that must be unchanged when a file is read further."""
_TOGETHER = 16
_BYTES = 64 * 1024
"""Lines that are read before anything is done with them, and bytes of them."""
_new = tuple.__new__
"""Makes a line in half of the time of a call of `Line`."""


class Line(NamedTuple):
    """One line of a file.

    Attributes:
        number: from 1.
        end: byte offset after the line and its newline.
        raw: the line without its newline; None when it is over the limit.
        finished: whether it ends in a newline; the last line of a growing file may not.
        size: its bytes, with the newline.
        digest: of a finished line over the limit, 32 hex digits that identify its bytes.
    """

    number: int
    end: int
    raw: bytes | None
    finished: bool
    size: int
    digest: str = ""


class Prefix:
    """A checksum over the finished lines that were read, from the file's beginning."""

    __slots__ = ("_hash", "_last")

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self._last = b""  # it ends with the last bytes of them

    def add(self, chunk: bytes) -> None:
        """Add bytes to the checksum."""
        self._hash.update(chunk)
        self._last = chunk if len(chunk) >= CHECKED else self.last + chunk

    @property
    def last(self) -> bytes:
        """The last bytes of them."""
        return self._last[-CHECKED:]

    def digest(self) -> str:
        """Return the checksum so far."""
        return self._hash.hexdigest()


def read_lines(
    stream: BinaryIO, *, number: int = 0, limit: int = LIMIT, prefix: Prefix | None = None
) -> Iterator[Line]:
    r"""Read lines from the stream's position; only `\n` ends a line.

    Args:
        stream: a file.
        number: the number of the previous line.
        limit: bytes of the longest line that is yielded.
        prefix: gets every finished line.
    """
    end = stream.tell()  # counted from here on, because a system call for each line would be slow
    while chunk := stream.readline(limit + 1):
        number += 1
        start, raw = end, chunk
        end += len(chunk)
        if chunk.endswith(b"\n") and len(chunk) <= limit + 1:  # almost every line
            if prefix is not None:
                prefix.add(chunk)
            yield _new(Line, (number, end, chunk.rstrip(b"\r\n"), True, end - start, ""))
            continue
        long = len(chunk) > limit and not chunk.endswith(b"\n")
        while long and chunk and not chunk.endswith(b"\n"):
            chunk = stream.readline(limit)
            end += len(chunk)
        finished = chunk.endswith(b"\n")
        digest = ""
        if prefix is not None and finished:
            if long:
                own = Prefix()
                for piece in read_between(stream, start, end):
                    prefix.add(piece)
                    own.add(piece)
                digest = own.digest()
            else:
                prefix.add(raw)
        text = None if long else raw.rstrip(b"\r\n")
        yield Line(number, end, text, finished, end - start, digest)


def together(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield lines, a few at once, up to the first one that is not finished.

    To do one thing with several lines, and then the next thing, takes less time than to do all with
    each line: the code of all does not fit into the nearest cache of a processor.
    """
    some: list[Line] = []
    size = 0
    for line in lines:
        some.append(line)
        size += line.size
        if not line.finished:
            break
        if len(some) >= _TOGETHER or size >= _BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


def read_between(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """Read the bytes from one offset to another, in pieces; the stream's position is then `end`."""
    stream.seek(start)
    while start < end and (chunk := stream.read(min(1 << 20, end - start))):
        start += len(chunk)
        yield chunk
