"""One JSON document of any size, piece by piece in constant memory.

The document is read twice: first for its shape (its lists, and the values beside them, which may
follow the lists), then the pieces of one list are built one by one. Those of a document that is a
list are decoded and repaired like lines. Another document that the streaming reader refuses (NaN,
an integer over 64 bits, a byte that is no UTF-8) is read whole and repaired like a line, if it is
small enough for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from journal.importers.files.decode import (
    DEPTH,
    BadLine,
    decode,
    decode_shallow,
    is_exact,
    too_deep,
)
from journal.importers.files.document_shape import Shape, shape_of
from journal.importers.files.list_items import raw_items
from journal.importers.files.streaming import (
    DEEP,
    Broken,
    Builder,
    TooDeep,
    events_of,
    member_of,
    pieces_of,
)
from journal.importers.parsing.parser import Repaired, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json

NO_MESSAGES = "a JSON document without a list of messages"

Numbered = tuple[int, "Iterator[Item]"]
"""The number of a piece, from 1, and the items that it gives."""


@dataclass(slots=True)
class Document:
    """One JSON document.

    Attributes:
        stream: the file, at any position.
        shape: the shape of the document.
        deep: whether its format cannot be detected because it is nested too deeply.
    """

    stream: BinaryIO
    shape: Shape = field(init=False)
    deep: bool = field(init=False)

    def __post_init__(self) -> None:
        self.shape = shape_of(self.stream)
        self.deep = self.shape.deep

    def first(self) -> Json:
        """Return the first item of a document that is a list; None if it cannot be read."""
        try:
            found = next(pieces_of(self.stream, None), None)
        except Broken as broken:
            self.deep = isinstance(broken, TooDeep)
            return None
        self.deep = too_deep(found)
        return None if self.deep else found

    def whole(self) -> Json:
        """Build the document in memory.

        Raises:
            Broken: it is no JSON.
        """
        builder = Builder()
        for event, value in events_of(self.stream):
            builder.take(event, value)
        return builder.value

    def member(self, name: str) -> Json:
        """Build an object beside the lists that the shape names as too large.

        Raises:
            Broken: the document is no JSON before the end of it.
        """
        return member_of(self.stream, name)

    def pieces(
        self, name: str | None, parse: Callable[[int, Json], Iterator[Item]]
    ) -> Iterator[Numbered]:
        """Yield the items of a list with their numbers; one that is nested too deeply is skipped.

        Args:
            name: the list's name in the object that the document is; None where the document is
                the list itself.
            parse: returns the items of a piece with this number.

        Raises:
            Broken: the document is no JSON from here on.
        """
        if name is None:
            for number, (raw, levels, value) in enumerate(raw_items(self.stream), 1):
                yield number, items_of_piece(number, raw, levels, value, parse)
            return
        for number, piece in enumerate(pieces_of(self.stream, name), 1):
            yield number, _deep(number) if too_deep(piece) else parse(number, piece)


def items_of_piece(
    number: int,
    raw: bytes,
    levels: int,
    value: Json,
    parse: Callable[[int, Json], Iterator[Item]],
) -> Iterator[Item]:
    """Return the items of an item of a list.

    Args:
        number: its number, from 1.
        raw: its bytes.
        levels: its levels of nesting, as `raw_items` yields them.
        value: its value, as orjson reads it; None if it was not decoded.
        parse: returns the items of its value.

    Raises:
        Broken: it is no JSON.
    """
    if value is not None and is_exact(raw, value):
        return parse(number, value)
    try:
        is_shallow = value is None and levels < DEPTH
        piece, repairs = decode_shallow(raw) if is_shallow else decode(raw)
    except BadLine as bad:
        if str(bad) != DEEP:
            # its end may be wrong, too: what follows could be a text within a message
            raise Broken(f"item {number} is {bad}") from bad
        return _deep(number)
    found = parse(number, piece)
    return chain((Repaired(number, repair) for repair in repairs), found) if repairs else found


def _deep(number: int) -> Iterator[Item]:
    return iter((Skipped(number, DEEP),))
