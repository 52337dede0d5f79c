"""A large set of marks of eight bytes, in little memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

MERGED = 1 << 16
"""Number of new marks that are kept outside the sorted ones."""
_BLOCK = 1 << 15


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

    def has_any(self, marks: Collection[int]) -> bool:
        """Return whether one of some marks is in the set."""
        if not self.new.isdisjoint(marks):
            return True
        found, count = self.sorted, len(self.sorted)
        for mark in marks:
            at = bisect_left(found, mark)
            if at < count and found[at] == mark:
                return True
        return False

    def add(self, *marks: int) -> None:
        """Add marks; one that is in the set may take its place twice."""
        self.new.update(marks)
        if len(self.new) > max(MERGED, len(self.sorted) // 16):
            self.merge()

    def merge(self) -> None:
        """Put the new marks among the sorted ones."""
        old, new, merged, at = self.sorted, array("Q", sorted(self.new)), _array(), 0
        # block by block: a list of all marks would take five times the memory of the array
        for start in range(0, len(old), _BLOCK):
            block = old[start : start + _BLOCK]
            end = bisect_left(new, block[-1], at)
            # two sorted runs, which `sorted` merges
            merged.fromlist(sorted([*block, *new[at:end]]))
            at = end
        merged.extend(new[at:])
        self.sorted = merged
        self.new.clear()

    def __len__(self) -> int:
        return len(self.sorted) + len(self.new)
