"""A large set of marks of eight bytes, in little memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field

MERGED = 1 << 16
"""Number of new marks that are kept outside the sorted ones."""


def _array() -> array[int]:
    return array("Q")


@dataclass(slots=True)
class Marks:
    """A set of marks, most of them in a sorted array.

    Attributes:
        sorted: the marks that were merged.
        new: the others.
    """

    sorted: array[int] = field(default_factory=_array)
    new: set[int] = field(default_factory=set)

    def __contains__(self, mark: int) -> bool:
        if mark in self.new:
            return True
        at = bisect_left(self.sorted, mark)
        return at < len(self.sorted) and self.sorted[at] == mark

    def add(self, mark: int) -> None:
        """Add a mark that is not in the set."""
        self.new.add(mark)
        if len(self.new) > max(MERGED, len(self.sorted) // 16):
            self.merge()

    def merge(self) -> None:
        """Put the new marks among the sorted ones."""
        # a list of all marks would take five times the memory of the array
        old, merged, start = self.sorted, _array(), 0
        for mark in sorted(self.new):
            end = bisect_left(old, mark, start)
            merged.extend(old[start:end])
            merged.append(mark)
            start = end
        merged.extend(old[start:])
        self.sorted = merged
        self.new.clear()

    def __len__(self) -> int:
        return len(self.sorted) + len(self.new)
