"""Find the items that two lists have in the same order: pure functions."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

_MOST_BITS = 2**29
"""Product of two lengths up to which the longest common subsequence is found: 64 MiB of bits."""

Pair = tuple[int, int]
"""Index of an item in the list, and index of the same one in the other."""


def align(
    count: int,
    others: int,
    same: Callable[[int, int], bool],
    label: Callable[[int], Hashable],
    labels: Callable[[int], Sequence[Hashable]],
) -> list[Pair]:
    """Pair the items of a list with those of another, as a diff does: no two pairs cross.

    First the longest common beginning, then the longest common end, then the longest common
    subsequence between them. Items that only one of them has cost linear time; the others between
    the ends take `n * m / 64` machine steps. If that is more than 2**23, equal items are paired by
    their number of occurrence, counted from the end, and the longest increasing sequence of these
    pairs is used: `n log n` steps.

    Args:
        count: items of the list.
        others: items of the other.
        same: whether two items are the same, by their indices.
        label: the label of an item of the list.
        labels: the labels of an item of the other; one that is equal is enough.

    Returns:
        The pairs, in order.
    """
    start = 0
    while start < count and start < others and same(start, start):
        start += 1
    common = 0
    while common < min(count, others) - start and same(count - 1 - common, others - 1 - common):
        common += 1
    pairs = [(index, index) for index in range(start)]
    end, other_end = count - common, others - common
    if end > start and other_end > start:
        wanted = [(index, label(index)) for index in range(start, end)]
        there = [(index, labels(index)) for index in range(start, other_end)]
        pairs += _between(wanted, there)
    return pairs + [(end + n, other_end + n) for n in range(common)]


def _between(
    wanted: list[tuple[int, Hashable]], there: list[tuple[int, Sequence[Hashable]]]
) -> list[Pair]:
    """Pair items between the common ends; both are given with their indices."""
    # an item of one list alone has no partner: without such items, a window is a common end
    names = {name for _, name in wanted}
    there = [(j, found) for j, found in there if not names.isdisjoint(found)]
    names = {name for _, found in there for name in found}
    wanted = [(i, name) for i, name in wanted if name in names]
    end, other_end = len(wanted), len(there)
    while end and other_end and wanted[end - 1][1] in there[other_end - 1][1]:
        end, other_end = end - 1, other_end - 1
    pairs = [(end + n, other_end + n) for n in range(len(wanted) - end)]
    if end and other_end:
        one, other = [name for _, name in wanted[:end]], [found for _, found in there[:other_end]]
        find = _subsequence if end * other_end <= _MOST_BITS else _by_occurrence
        pairs = find(one, other) + pairs
    return [(wanted[i][0], there[j][0]) for i, j in pairs]


def _subsequence(wanted: list[Hashable], there: list[Sequence[Hashable]]) -> list[Pair]:
    """Return the longest common subsequence; of two equal items the later one in `there`.

    A row of the table of lengths is one integer of as many bits as there are items (Hyyro,
    "Bit-Parallel LCS-Length Computation Revisited", AWOCA 2004).
    """
    # the lowest bit is the last item: the first match is the latest item
    masks: defaultdict[Hashable, int] = defaultdict(int)
    for bit, names in enumerate(reversed(there)):
        for name in names:
            masks[name] |= 1 << bit
    full = (1 << len(there)) - 1
    row, rows = full, [full]
    for name in reversed(wanted):
        met = row & masks.get(name, 0)
        row = ((row + met) | (row - met)) & full
        rows.append(row)
    pairs = []
    i, j = len(wanted), len(there)
    while i and j:
        # a bit is 0 where the length grows
        if rows[i] >> (j - 1) & 1:
            j -= 1
            continue
        i -= 1
        if rows[i] >> (j - 1) & 1:
            j -= 1
            pairs.append((len(wanted) - 1 - i, len(there) - 1 - j))
    return pairs


def _by_occurrence(wanted: list[Hashable], there: list[Sequence[Hashable]]) -> list[Pair]:
    """Return the longest sequence of pairs that have equally many equal items behind them."""
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, names in enumerate(there):
        for name in names:
            places[name].append(index)
    used: set[int] = set()
    pairs: list[Pair] = []
    for index in range(len(wanted) - 1, -1, -1):
        left = places.get(wanted[index], [])
        while left and left[-1] in used:
            left.pop()
        if left:
            used.add(left[-1])
            pairs.append((index, left.pop()))
    return _increasing(pairs[::-1])


def _increasing(pairs: list[Pair]) -> list[Pair]:
    """Return the longest sequence of pairs, given by their first, whose second grows."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int | None] = []
    for index, (_, j) in enumerate(pairs):
        at = bisect_left(ends, j)
        before.append(last[at - 1] if at else None)
        if at == len(ends):
            ends.append(j)
            last.append(index)
        else:
            ends[at], last[at] = j, index
    found = []
    at_pair = last[-1] if last else None
    while at_pair is not None:
        found.append(pairs[at_pair])
        at_pair = before[at_pair]
    return found[::-1]
