"""Cursors: where the next page of an answer begins, and what the pages before it showed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from secrets import randbits
from threading import Lock
from typing import TYPE_CHECKING
from zlib import crc32

from projector.mcp.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Sequence

_CURSOR = re.compile(r"([0-9a-f]{8})((?:-[0-9]{1,12})+)")

_BITS = 39
"""Bits of the number of a page; in decimal it has 12 digits at most."""
_PAGES = 100
"""Pages that are remembered."""


@dataclass(frozen=True, slots=True)
class Before:
    """The pages before one.

    Attributes:
        shown: the sessions that they showed.
        newest: the rowid of the newest event when the first of them was made.
    """

    shown: tuple[str, ...]
    newest: int


class Pages:
    """What the pages that end with a cursor showed, with the pages before them: of the latest ones.

    Lists change between two pages, so an offset would repeat a session or pass one over. Safe for
    threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._shown: dict[int, Before] = {}

    def keep(self, shown: Sequence[str], newest: int) -> int:
        """Remember what was shown; return the number by which `get` returns it."""
        number = randbits(_BITS)
        with self._lock:
            self._shown[number] = Before(tuple(shown), newest)
            if len(self._shown) > _PAGES:
                del self._shown[next(iter(self._shown))]
        return number

    def get(self, number: int) -> Before | None:
        """Return what was shown; None if it is not known any more."""
        with self._lock:
            return self._shown.get(number)


def cursor(asked: object, *places: int) -> str:
    """Return a cursor of at most 60 characters.

    Args:
        asked: what was asked, but for the page; another question cannot use the cursor.
        places: where the next page begins.
    """
    return "-".join((_of(asked), *map(str, places)))


def places(text: str, asked: object, count: int) -> tuple[int, ...]:
    """Return the places of a cursor.

    Raises:
        ToolError: it is no cursor of this question.
    """
    found = _CURSOR.fullmatch(text)
    if found is None or found[1] != _of(asked) or found[2].count("-") != count:
        raise ToolError(
            "the cursor is not of this question: repeat the arguments of the first call with it,"
            " or leave it out"
        )
    return tuple(int(place) for place in found[2][1:].split("-"))


def _of(asked: object) -> str:
    return f"{crc32(repr(asked).encode('utf-8', 'backslashreplace')):08x}"
