"""Which sequence numbers of a lane were seen, and which are missing. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Seen = Literal["next", "jump", "again", "other"]
"""What a number is: next to one that was seen; new without such a neighbour; seen with the same
time; seen with another time."""


@dataclass(slots=True)
class _Run:
    """Numbers without a gap: `first`, `first` + 1, ... and the time of each, microseconds."""

    first: int
    times: array[int] = field(default_factory=lambda: array("q"))

    @property
    def next(self) -> int:
        return self.first + len(self.times)


class Sequence:
    """The sequence numbers of one lane, with the time of each: 8 bytes an event.

    Times grow with every event of a lane, so number and time together tell a record that was
    written again after a failed sync from another record that took its number.
    """

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def add(self, seq: int, time: int) -> Seen:
        """Note a number with its event's time in microseconds; say whether it was known."""
        index = bisect_right(self._runs, seq, key=lambda run: run.first) - 1
        run = self._runs[index] if index >= 0 else None
        if run is not None and seq < run.next:
            return "again" if run.times[seq - run.first] == time else "other"
        if run is not None and seq == run.next:
            run.times.append(time)
            return "next"
        run = _Run(seq)
        run.times.append(time)
        self._runs.insert(index + 1, run)
        return "jump"

    def missing(self, first: int = 1) -> Iterator[tuple[int, int]]:
        """Yield the ranges not seen, from `first` on: their first and last number."""
        for run in self._runs:
            if run.first > first:
                yield first, run.first - 1
            first = max(first, run.next)
