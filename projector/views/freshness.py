"""The freshness of an answer: what the journal held when the query began, and is not in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from projector.errors import Behind


@dataclass(frozen=True, slots=True)
class Freshness:
    """Whether an answer contains all that the journal held when the query began: true if so.

    Attributes:
        behind: what is missing; None if nothing is.
    """

    behind: Behind | None = None

    def __bool__(self) -> bool:
        return self.behind is None


FRESH = Freshness()

Item = TypeVar("Item")


class Listing(list[Item]):
    """A list, and what is missing in it.

    Attributes:
        behind: what is missing of all that the journal held at the call; None if nothing is.
    """

    def __init__(self, items: Iterable[Item], behind: Behind | None) -> None:
        super().__init__(items)
        self.behind = behind

    @property
    def fresh(self) -> bool:
        """Whether nothing is missing."""
        return self.behind is None

    @property
    def items(self) -> tuple[Item, ...]:
        """The items as a tuple."""
        return tuple(self)
