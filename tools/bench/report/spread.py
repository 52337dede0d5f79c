"""Medians and percentiles of measurements."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` percent of all do not exceed.

    The nearest-rank definition: the result is always one of the values.

    Raises:
        ValueError: there are no values, or the share is not in 0 < share <= 100.
    """
    if not values or not 0 < share <= 100:  # noqa: PLR2004 - percent
        raise ValueError(f"percentile {share} of {len(values)} values")
    ordered = sorted(values)
    # 99.9 / 100 * 1000 is slightly more than 999, and would be rounded up to the 1,000th
    return ordered[max(0, ceil(round(share * len(ordered) / 100, 9)) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the middle value; of an even number the mean of the two in the middle.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("the median of no values")
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
