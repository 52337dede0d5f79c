"""The items of a document that is a list, as bytes: each is then decoded like a line.

Where an item ends follows from its brackets and quotes alone. So an export of a gigabyte is read in
the memory that its largest item needs, and in half the time of the streaming reader, which builds
each value in Python.

To look for brackets and quotes takes as long as four decoders. The items of an export are objects
that begin with the same name: where the next one seems to begin, the bytes before it are decoded.
If they are a whole object, it ends there, because no beginning of an object is one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

import orjson

from journal.importers.files.streaming import DEEP, Broken, TooDeep, past_bom

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.values import Json

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
_NAME = re.compile(rb'\{[ \t\r\n]*+"[^"\\]{1,64}+"')
"""The beginning of an object, up to the end of its first name."""
_LONGEST = 4 * 1024 * 1024
"""Bytes of an item whose end is looked for by the beginning of the next one."""
_TRIES = 4
"""Places where an item may end that are tried, and items without success after which none is."""
_ENDED = "it ends within the list"


def raw_items(stream: BinaryIO) -> Iterator[tuple[bytes, int, Json]]:
    """Yield the bytes of each item of a list, its levels of nesting, and its value.

    The bytes are JSON only if the document is. The levels are 0 for a single value. The value, as
    orjson reads it, is None if the item was not decoded; if it was, its levels are not counted.

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
        yield text.item(), text.levels, text.value
        end, mark = text.at, text.mark()
        if mark == b",":
            text.at += 1
            if text.mark() == b"]":
                raise Broken("no item after a comma")
            text.note_between(end)
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
        value: its value, if it was decoded; else None.
    """

    __slots__ = ("_between", "_failed", "_held", "_stream", "at", "levels", "value")

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._held = bytearray()
        self.at = self.levels = 0
        self.value: Json = None
        self._between = b""  # the last byte of an object to the first name of the next one
        self._failed = 0  # items whose end was not found by that

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
        self.value = None
        first = bytes(self._held[:1])
        if first == b"{" and self._between and (raw := self._up_to_next()):
            return raw
        if first in (b"[", b"{"):
            self._skip_container()
        elif first == b'"':
            self._skip_string()
        else:
            self._skip_scalar()
        return bytes(self._held[: self.at])

    def note_between(self, end: int) -> None:
        """Note what is between two items, of which one ends at an offset and one begins here."""
        found = _NAME.match(self._held, self.at)
        is_known = found is not None and end < self.at and self._failed < _TRIES
        self._between = b"}" + self._held[end : found.end()] if found and is_known else b""

    def _up_to_next(self) -> bytes:
        """Return an object up to where the next one seems to begin; empty if it does not."""
        begin = tries = 0
        while tries < _TRIES:
            end = self._held.find(self._between, begin) + 1
            if end:
                with memoryview(self._held) as held:
                    raw = bytes(held[:end])
                try:
                    self.value = orjson.loads(raw)
                except orjson.JSONDecodeError:
                    begin, tries = end, tries + 1
                else:
                    self.at, self._failed = end, 0
                    return raw
            else:
                begin = max(begin, len(self._held) - len(self._between) + 1)
                if len(self._held) > _LONGEST or not self._read_on():
                    break
        self._failed += 1
        return b""

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
