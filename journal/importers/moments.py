"""A source's timestamp, in whatever form, to microseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from journal.importers.items import Json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST, _LATEST = 10**13, 2**53
"""What a journal takes as a timestamp."""


def micros(value: Json) -> int | None:
    """Read an ISO 8601 string, or a number of seconds, milli-, micro- or nanoseconds.

    A number's unit is told by its size: each unit's years 1973 to 5138 do not overlap with the
    next one's. A string without a time zone is taken as UTC.

    Returns:
        Microseconds since 1970, or None when the value is no moment that a journal can hold.
    """
    moment = _from_text(value) if isinstance(value, str) else _from_number(value)
    return moment if moment is not None and _EARLIEST <= moment < _LATEST else None


def _from_text(text: str) -> int | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    # whole microseconds: a float of seconds would lose the last digit
    return (when - _EPOCH) // _MICROSECOND


def _from_number(value: Json) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 < value < 1e20:  # noqa: PLR2004 - beyond nanoseconds of any date, and NaN
        return None
    if value < 1e11:  # noqa: PLR2004 - seconds
        return round(value * 1_000_000)
    if value < 1e14:  # noqa: PLR2004 - milliseconds
        return round(value * 1_000)
    if value < 1e17:  # noqa: PLR2004 - microseconds
        return round(value)
    return round(value) // 1_000
