"""How old an answer is: what stood in the journal at the question, and is not in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from projector.errors import Behind


@dataclass(frozen=True, slots=True)
class Freshness:
    """Whether an answer knows everything that stood in the journal at the question: true if so.

    Attributes:
        behind: what it does not know; None if it knows everything.
    """

    behind: Behind | None = None

    def __bool__(self) -> bool:
        return self.behind is None


FRESH = Freshness()

Item = TypeVar("Item")


class Listing(list[Item]):
    """A list that says how old it is.

    Attributes:
        behind: what it does not know; None if it knows all that stood in the journal at the call.
    """

    def __init__(self, items: Iterable[Item], behind: Behind | None) -> None:
        super().__init__(items)
        self.behind = behind

    @property
    def fresh(self) -> bool:
        """Whether all that stood in the journal at the call was looked at."""
        return self.behind is None

    @property
    def items(self) -> tuple[Item, ...]:
        """What was listed."""
        return tuple(self)
