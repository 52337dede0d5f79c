"""Texts of a few words that are written or sent in larger blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def blocks(pieces: Iterable[str], size: int) -> Iterator[str]:
    """Yield a text in blocks of at least so many characters; the last one may be shorter or empty.

    Each write, and each turn of a thread, costs as much as thousands of characters.
    """
    waiting, length = list[str](), 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= size:
            yield "".join(waiting)
            waiting, length = [], 0
    yield "".join(waiting)
