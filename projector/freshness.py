"""How old an answer is: what stood in the journal at the question, and is not in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Behind:
    """What an answer does not know.

    Attributes:
        bytes: of records that stood in the journal at the question and were not applied.
        events: how many records these are.
        as_of: when something was applied last, microseconds since 1970; None if never.
        why: why they were not applied before the answer.
    """

    bytes: int
    events: int
    as_of: int | None
    why: str

    def __str__(self) -> str:
        since = (
            ""
            if self.as_of is None
            else f" of {_EPOCH + timedelta(microseconds=self.as_of):%Y-%m-%d %H:%M:%S} UTC"
        )
        return (
            f"the projection{since} is behind: {self.events:,} events ({self.bytes:,} bytes)"
            f" are not applied yet, since {self.why}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


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
