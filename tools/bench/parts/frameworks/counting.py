"""What is lost, doubled or torn apart: pure functions on the names of items."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Batch:
    """Items that are added at once.

    Attributes:
        id: its name, unique in a session.
        size: how many items it has.
        number: its place in the session, if only one process adds to it; None if several do.
    """

    id: str
    size: int
    number: int | None = None

    @property
    def names(self) -> list[str]:
        """The names of its items."""
        return [f"{self.id}.{at}" for at in range(self.size)]


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a session.

    Attributes:
        lost: items of acknowledged batches that are not there.
        doubled: items that are there more than once: each further one.
        interleaved: batches that are there, and not whole and in one piece; or whose place another
            one has, in a store that has places.
    """

    lost: int = 0
    doubled: int = 0
    interleaved: int = 0

    def __add__(self, other: Faults) -> Faults:
        return Faults(
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.interleaved + other.interleaved,
        )


def faults(there: Sequence[str], acknowledged: Iterable[Batch], failed: Iterable[Batch]) -> Faults:
    """Compare a session with what was added to it.

    Args:
        there: the names of its items, in order.
        acknowledged: batches whose add returned.
        failed: batches whose add raised an error or was killed: they may be there, but whole.
    """
    counts = Counter(there)
    first: dict[str, int] = {}
    for at, name in enumerate(there):
        first.setdefault(name, at)
    done = list(acknowledged)
    lost = sum(1 for batch in done for name in batch.names if name not in counts)
    torn = 0
    for batch in (*done, *failed):
        places = [first.get(name) for name in batch.names]
        if places == [None] * batch.size:
            continue
        begin = places[0]
        torn += begin is None or places != list(range(begin, begin + batch.size))
    return Faults(lost, sum(counts.values()) - len(counts), torn)
