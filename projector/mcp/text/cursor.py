"""Cursors: where the next page of an answer begins."""

from __future__ import annotations

import re
from zlib import crc32

from projector.mcp.errors import ToolError

_CURSOR = re.compile(r"([0-9a-f]{8})((?:-[0-9]{1,12})+)")


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
