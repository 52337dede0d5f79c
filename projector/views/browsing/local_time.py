"""Days and hours as people count them: in the zone of this machine, whatever is counted."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR = 3_600_000_000
"""Microseconds of an hour."""
QUARTER = HOUR // 4
"""Microseconds of a quarter of an hour: a local hour begins with one, whatever the zone."""
DAY_HOURS = 24
_EPOCH = 719_163 * DAY_HOURS
"""The first hour of 1970, as `local_hour` counts."""


def local_hour(quarter: int) -> int:
    """Return the local hour in which a quarter of an hour lies.

    Args:
        quarter: as many quarters after the beginning of 1970, in UTC.

    Returns:
        24 times the day, as `datetime.date.toordinal` counts, and the hour of the day.
    """
    return _EPOCH + (quarter * 900 + _offset(quarter // 4)) // 3600


def local_day(microseconds: int) -> int:
    """Return the local day of a time since 1970, as `datetime.date.toordinal` counts."""
    return local_hour(microseconds // QUARTER) // DAY_HOURS


def local_hours(quarters: Iterable[tuple[int, int]]) -> Counter[int]:
    """Return counts of local hours, of counts of quarters of an hour."""
    found = Counter[int]()
    for quarter, count in quarters:
        found[local_hour(quarter)] += count
    return found


@lru_cache(maxsize=8_784)  # the hours of a year: each chart asks again
def _offset(hour: int) -> int:
    """Return the seconds by which the local time of an hour since 1970 is ahead of UTC."""
    offset = datetime.fromtimestamp(hour * 3600).astimezone().utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
