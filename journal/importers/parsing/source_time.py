"""Converts a source's timestamp, in any known form, to microseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from journal.format.timestamps import is_timestamp, to_microseconds

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_NUMBER = re.compile(r"[0-9]{9,20}(?:\.[0-9]{0,9})?Z?")
"""A number of seconds or smaller units as text; eight digits are a date of ISO 8601."""

_READ, _SHORT = 16, 64
"""Texts that are remembered, and characters of the longest: the events of a line have one time."""
_new = tuple.__new__
"""Makes a time in half of the time of a call of `SourceTime`."""
OUTSIDE = "timestamp outside of 1970 to 2255, kept as text"
UNREADABLE = "timestamp that is no time, kept as text"
ZONELESS = "timestamp without a zone, read as UTC"


class SourceTime(NamedTuple):
    """A time that a source gives: each line has another one, so it is made in little time.

    Attributes:
        micros: microseconds since 1970; None if there is no time that a journal can store.
        repair: how it differs from the source's value, or None.
        original: the source's value, if it is stored because of that difference.
    """

    micros: int | None = None
    repair: str | None = None
    original: Json = None


def read_time(value: Json) -> SourceTime:
    """Read an ISO 8601 string, or a number of seconds, milli-, micro- or nanoseconds.

    Some programs write the number as text, and a Z after it ("1767268802Z").

    A number's unit follows from its size: each unit's years 1973 to 5138 do not overlap with the
    next one's. A string without a time zone is read as UTC, as all known programs write it; the
    report counts it.
    """
    if isinstance(value, str):
        return _read_short(value) if len(value) <= _SHORT else _read_text(value)
    if value is None:
        return SourceTime()
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN is not itself
        return SourceTime(None, UNREADABLE, value)
    found = _from_number(value)
    return SourceTime(found) if is_timestamp(found) else SourceTime(None, OUTSIDE, value)


def _read_text(value: str) -> SourceTime:
    if not value:
        return SourceTime()
    zoned = True
    # almost all are dates with hyphens
    if value[4:5] != "-" and _NUMBER.fullmatch(value):
        # whole digits first: a float of microseconds would lose the last digits
        digits = value.removesuffix("Z")
        found = _from_number(float(digits) if "." in digits else int(digits))
    else:
        when = _datetime(value)
        if when is None:
            return SourceTime(None, UNREADABLE, value)
        zoned = when.tzinfo is not None
        found = to_microseconds(when if zoned else when.replace(tzinfo=UTC))
    if not is_timestamp(found):
        return SourceTime(None, OUTSIDE, value)
    return _new(SourceTime, (found, None, None)) if zoned else SourceTime(found, ZONELESS, value)


_read_short = lru_cache(maxsize=_READ)(_read_text)


def micros(value: Json) -> int | None:
    """Return a datetime's microseconds since 1970, or None if a journal cannot store it."""
    return read_time(value).micros


def _datetime(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _from_number(value: float) -> int:
    """Return microseconds; a number that fits no unit gives a value that no journal accepts."""
    if not 0 < value < 1e20:  # noqa: PLR2004 - beyond nanoseconds of any date
        return 0
    if value < 1e11:  # noqa: PLR2004 - seconds
        return round(value * 1_000_000)
    if value < 1e14:  # noqa: PLR2004 - milliseconds
        return round(value * 1_000)
    if value < 1e17:  # noqa: PLR2004 - microseconds
        return round(value)
    return round(value) // 1_000
