"""What a reader of a source is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tools.texts_check.pieces import Item
    from tools.texts_check.raw_files import RawFile


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of the raw files of one source.

    Attributes:
        name: name of the importer's format.
        claims: whether a file is of this source and holds a conversation.
        read: yields the items of a file in their order.
    """

    name: str
    claims: Callable[[RawFile], bool]
    read: Callable[[RawFile], Iterable[Item]]
