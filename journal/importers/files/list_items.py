"""The items of a document that is a list, as bytes: each is then decoded like a line.

Where an item ends follows from its brackets and quotes alone. So an export of a gigabyte is read in
the memory that its largest item needs, and in half the time of the streaming reader, which builds
each value in Python.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from journal.importers.files.streaming import DEEP, Broken, TooDeep, past_bom

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 256 * 1024
_GIVEN_UP = 10_000
"""Levels at which reading stops: the document is no transcript."""
_OPENS, _CLOSES, _UNFINISHED = 1, 2, 3
"""Groups of `_BRACKET`: what ends the text that it skips. None: the end of what is held."""
_BRACKET = re.compile(
    rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+(?:([\[{])|([\]}])|(")|\Z)', re.DOTALL
)
"""It matches at each place, so that a search never moves on into a string."""
_UP_TO_QUOTE = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SCALAR = re.compile(rb'[^\[\]{},:" \t\r\n]*+')
_SPACE = re.compile(rb"[ \t\r\n]*+")
_ENDED = "it ends within the list"


def raw_items(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield the bytes of each item of a list, and its levels of nesting; 0 for a single value.

    The bytes are JSON only if the document is.

    Args:
        stream: the document, which is read from its beginning.

    Raises:
        Broken: the document is no list of JSON from here on.
    """
    text = _Text(past_bom(stream))
    if text.mark() != b"[":
        raise Broken("it is no list")
    text.at += 1
    mark = text.mark()
    while mark != b"]":
        yield text.item(), text.levels
        mark = text.mark()
        if mark == b",":
            text.at += 1
            if text.mark() == b"]":
                raise Broken("no item after a comma")
        elif mark != b"]":
            raise Broken("no comma between two items" if mark else _ENDED)
    text.at += 1
    if text.mark():
        raise Broken("text after the end of the list")


class _Text:
    """The text of a document from the item on that is read.

    Attributes:
        at: offset in the bytes that are held, up to which they were read.
        levels: levels of nesting of the item.
    """

    __slots__ = ("_held", "_stream", "at", "levels")

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._held = bytearray()
        self.at = self.levels = 0

    def mark(self) -> bytes:
        """Return the next character that is no white space, unread; empty at the end."""
        while True:
            self._skip(_SPACE)
            if self.at < len(self._held):
                return bytes(self._held[self.at : self.at + 1])
            self._held.clear()
            self.at = 0
            if not self._read_on():
                return b""

    def item(self) -> bytes:
        """Read an item, which begins with the next character.

        Raises:
            Broken: none begins there, or the document ends within it.
        """
        # at most a chunk is behind an item, so this moves few bytes
        del self._held[: self.at]
        self.at = self.levels = 0
        first = bytes(self._held[:1])
        if first in (b"[", b"{"):
            self._skip_container()
        elif first == b'"':
            self._skip_string()
        else:
            self._skip_scalar()
        return bytes(self._held[: self.at])

    def _skip_container(self) -> None:
        depth = 0
        while True:
            for found in _BRACKET.finditer(self._held, self.at):
                self.at = found.end()
                if found.lastindex == _OPENS:
                    depth += 1
                    self.levels = max(self.levels, depth)
                elif found.lastindex == _CLOSES:
                    depth -= 1
                else:
                    break
                if depth == 0:
                    return
                if depth > _GIVEN_UP:
                    raise TooDeep(DEEP)
            if found.lastindex == _UNFINISHED:
                self.at -= 1
                self._skip_string()
            else:
                self._require_more()

    def _skip_string(self) -> None:
        self.at += 1
        while True:
            self._skip(_UP_TO_QUOTE)
            if self._held[self.at : self.at + 1] == b'"':
                self.at += 1
                return
            self._require_more()

    def _skip_scalar(self) -> None:
        while True:
            self._skip(_SCALAR)
            if self.at < len(self._held) or not self._read_on():
                break
        if self.at == 0:
            raise Broken("no item where one must be")

    def _skip(self, pattern: re.Pattern[bytes]) -> None:
        found = pattern.match(self._held, self.at)
        if found is not None:
            self.at = found.end()

    def _require_more(self) -> None:
        if not self._read_on():
            raise Broken(_ENDED)

    def _read_on(self) -> bool:
        chunk = self._stream.read(_CHUNK)
        self._held += chunk
        return bool(chunk)
