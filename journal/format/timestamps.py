"""Times in microseconds since 1970, and what is converted to one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from journal.errors import EventError, shown
from journal.format.bounds import LARGEST

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = 10**13
"""Microseconds; an integer below this (April 1970) is seconds or milliseconds by mistake."""


def is_timestamp(value: int) -> bool:
    """Return whether a number can be the timestamp of a new event: microseconds since 1970.

    A number before the end of April 1970 cannot: it is seconds or milliseconds by mistake. The
    latest one is in the year 2255.
    """
    return EARLIEST <= value <= LARGEST


def to_microseconds(value: datetime) -> int:
    """Convert a datetime with a zone to microseconds since 1970.

    The conversion is exact: a float of seconds would lose the last digit.
    """
    since = value - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def check_moment(name: str, value: int) -> None:
    """Refuse a moment that is not in microseconds.

    Raises:
        EventError: the number is too small or too large to be microseconds since 1970.
    """
    if not is_timestamp(value):
        raise EventError(
            f"{name} must be microseconds since 1970 (such as {_now()}), not {value};"
            " give a datetime or an ISO 8601 string and it is converted"
        )


def moment(name: str, value: int | str | datetime) -> int:
    """Turn a datetime, an ISO 8601 string or microseconds into microseconds since 1970.

    Raises:
        EventError: the value is none of these, or has no time zone.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise EventError(
                f"{name} must be an ISO 8601 time such as 2026-01-31T12:00:00Z, not {shown(value)}"
            ) from None  # the error of `datetime` has the text, which can be a secret
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise EventError(f"{name} needs a time zone: {value.isoformat()} could be anywhere")
        return to_microseconds(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise EventError(
            f"{name} must be a datetime, an ISO 8601 string or microseconds, not {shown(value)}"
        )
    return value


def to_datetime(microseconds: int) -> datetime:
    """Return microseconds since 1970 as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _now() -> int:
    return to_microseconds(datetime.now(UTC))
