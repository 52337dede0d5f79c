"""Counts of local hours as counts of days, weeks or months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from projector.views.browsing.local_time import DAY_HOURS

if TYPE_CHECKING:
    from collections.abc import Mapping

Unit = Literal["day", "week", "month"]

_MOST = 62
"""Most bars of a chart; if there were more, they are longer."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A time and what was counted in it.

    Attributes:
        since, until: dates as `2026-01-31`; the second is not included.
        count: of messages.
    """

    since: str
    until: str
    count: int


def buckets(hours: Mapping[int, int]) -> tuple[Bucket, ...]:
    """Return counts by day, or by week or month if there are many days; empty ones, too."""
    days: dict[date, int] = {}
    for hour, count in hours.items():
        day = date.fromordinal(hour // DAY_HOURS)
        days[day] = days.get(day, 0) + count
    if not days:
        return ()
    unit = _unit(min(days), max(days))
    summed: dict[date, int] = {}
    for day, count in days.items():
        first = _first(day, unit)
        summed[first] = summed.get(first, 0) + count
    found, at, last = [], min(summed), max(summed)
    while at <= last:
        after = _next(at, unit)
        found.append(Bucket(at.isoformat(), after.isoformat(), summed.get(at, 0)))
        at = after
    return tuple(found)


def _unit(first: date, last: date) -> Unit:
    days = (last - first).days + 1
    return "day" if days <= _MOST else "week" if days <= _MOST * 7 else "month"


def _first(day: date, unit: Unit) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def _next(day: date, unit: Unit) -> date:
    if unit == "month":
        return date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return day + timedelta(days=7 if unit == "week" else 1)


def steps(first: str, last: str, unit: Unit) -> tuple[str, ...]:
    """Return the names of all days, weeks or months between two, with both.

    Args:
        first: a name as `projector.views.usage` has it: `2026-01-31`, `2026-W05` or `2026-01`.
        last: the same, not before `first`.
        unit: what is named.
    """
    at, end, found = _day_of(first, unit), _day_of(last, unit), []
    while at <= end:
        found.append(at.strftime(_NAMES[unit]))
        at = _next(at, unit)
    return tuple(found)


_NAMES: Mapping[Unit, str] = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}


def _day_of(name: str, unit: Unit) -> date:
    if unit == "day":
        return date.fromisoformat(name)
    year, _, part = name.replace("W", "").partition("-")
    if unit == "week":
        return date.fromisocalendar(int(year), int(part), 1)
    return date(int(year), int(part), 1)


def heat(hours: Mapping[int, int]) -> tuple[tuple[int, ...], ...]:
    """Return counts by the day of the week, Monday first, and by the hour of the day."""
    grid = [[0] * 24 for _ in range(7)]
    for hour, count in hours.items():
        day, at = divmod(hour, DAY_HOURS)
        grid[date.fromordinal(day).weekday()][at] += count
    return tuple(map(tuple, grid))
