"""Which sequence numbers of a lane were seen, and which are missing. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Ends = Mapping[str, int]
"""Of lanes, by their uuid, a sequence number in each."""

Seen = Literal["next", "jump", "again", "other"]
"""What a number is: next to one that was seen; new without such a neighbour; seen with the same
order; seen with another order."""


@dataclass(slots=True)
class _Run:
    """Numbers without a gap: `first`, `first` + 1, ... and the order of each."""

    first: int
    orders: array[int] = field(default_factory=lambda: array("q"))

    @property
    def next(self) -> int:
        return self.first + len(self.orders)


def highest(ends: Iterable[Ends]) -> dict[str, int]:
    """Return the highest number of each lane in any of the mappings."""
    found: dict[str, int] = {}
    for each in ends:
        for lane, seq in each.items():
            if seq > found.get(lane, -1):
                found[lane] = seq
    return found


class Sequence:
    """The sequence numbers of one lane, with the order of each: 8 bytes an event.

    Orders grow with every event of a lane, so number and order together distinguish a record that
    was written again after a failed sync from another record with its number.
    """

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self._erased: list[tuple[int, int]] = []

    @property
    def first(self) -> int:
        """The lowest number seen; 1 if there is none."""
        firsts = [run.first for run in self._runs[:1]] + [first for first, _ in self._erased]
        return min(firsts, default=1)

    @property
    def next(self) -> int:
        """One above the highest number seen; 1 if there is none."""
        behind = [run.next for run in self._runs[-1:]] + [end for _, end in self._erased]
        return max(behind, default=1)

    def skip(self, first: int, count: int) -> None:
        """Record numbers that no event has any more, or that no event ever had."""
        self._erased.append((first, first + count))

    def add(self, seq: int, order: int) -> Seen:
        """Record a number with its event's order; return whether it was known."""
        index = bisect_right(self._runs, seq, key=lambda run: run.first) - 1
        run = self._runs[index] if index >= 0 else None
        if run is not None and seq < run.next:
            return "again" if run.orders[seq - run.first] == order else "other"
        if run is not None and seq == run.next:
            run.orders.append(order)
            return "next"
        run = _Run(seq)
        run.orders.append(order)
        self._runs.insert(index + 1, run)
        return "jump"

    def missing(self, first: int = 1) -> Iterator[tuple[int, int]]:
        """Yield the ranges not seen, from `first` on: their first and last number."""
        for start, end in sorted([*((run.first, run.next) for run in self._runs), *self._erased]):
            if start > first:
                yield first, start - 1
            first = max(first, end)
