"""A file's lines with their numbers and offsets, never more than one of them in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 16 * 1024 * 1024
"""Bytes of a line; a longer one could not be one record of a journal."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file.

    Attributes:
        number: from 1.
        end: byte offset behind the line and its newline.
        raw: the line without its newline; None when it is over the limit.
        finished: whether it ends in a newline; the last line of a growing file may not.
    """

    number: int
    end: int
    raw: bytes | None
    finished: bool


class Prefix:
    """A checksum over the finished lines that were read, from the file's beginning."""

    __slots__ = ("_hash",)

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def take(self, chunks: Iterator[bytes]) -> None:
        """Add bytes."""
        for chunk in chunks:
            self._hash.update(chunk)

    def digest(self) -> str:
        """Give the checksum so far."""
        return self._hash.hexdigest()


def read_lines(
    stream: BinaryIO, *, number: int = 0, limit: int = LIMIT, prefix: Prefix | None = None
) -> Iterator[Line]:
    r"""Read lines from where the stream stands; only `\n` ends a line.

    Args:
        stream: a file.
        number: of the line before.
        limit: bytes of the longest line that is given out.
        prefix: is given every finished line.
    """
    while chunk := stream.readline(limit + 1):
        number += 1
        start, raw = stream.tell() - len(chunk), chunk
        long = len(chunk) > limit and not chunk.endswith(b"\n")
        while long and chunk and not chunk.endswith(b"\n"):
            chunk = stream.readline(limit)
        end, finished = stream.tell(), chunk.endswith(b"\n")
        if prefix is not None and finished:
            prefix.take(read_between(stream, start, end) if long else iter((raw,)))
        yield Line(number, end, None if long else raw.rstrip(b"\r\n"), finished)


def read_between(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """Read the bytes from one offset to another, in pieces; the stream then stands at `end`."""
    stream.seek(start)
    while start < end and (chunk := stream.read(min(1 << 20, end - start))):
        start += len(chunk)
        yield chunk
