"""The parameters of an address, checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from journal.cli.kit.times import parse_time
from journal.format.timestamps import check_moment

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LONGEST = 4_096
"""Characters of the longest parameter."""
_DIGITS = 19
"""A number of so many digits may be larger than SQLite has them."""
_YEAR = 10
"""A number of more digits than this is microseconds; a shorter one could be a date."""


def text(params: Mapping[str, str], name: str) -> str | None:
    """Return a text; None if it is missing or empty.

    Raises:
        ValueError: it is too long.
    """
    value = params.get(name)
    if value is not None and len(value) > LONGEST:
        raise ValueError(f"{name} is longer than {LONGEST:,} characters")
    return value or None


def choice(params: Mapping[str, str], name: str, values: Collection[str], default: str) -> str:
    """Return one of some values.

    Raises:
        ValueError: it is another one.
    """
    value = text(params, name) or default
    if value not in values:
        raise ValueError(f"{name} must be one of {', '.join(values)}")
    return value


def number(params: Mapping[str, str], name: str, default: int, most: int) -> int:
    """Return a whole number from 0 up to a bound.

    Raises:
        ValueError: it is none, or out of range.
    """
    value = text(params, name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < _DIGITS) or int(value) > most:
        raise ValueError(f"{name} must be a whole number from 0 to {most:,}")
    return int(value)


def integer(params: Mapping[str, str], name: str) -> int | None:
    """Return a whole number of at most 18 digits; None if it is missing.

    Raises:
        ValueError: it is none.
    """
    value = text(params, name)
    if value is None:
        return None
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < _DIGITS):
        raise ValueError(f"{name} must be a whole number")
    return int(value)


def flag(params: Mapping[str, str], name: str) -> bool:
    """Return whether a parameter is there, and not `0`."""
    return (text(params, name) or "0") != "0"


def time(params: Mapping[str, str], name: str) -> int | None:
    """Return a time in microseconds since 1970; None if it is missing.

    Raises:
        ValueError: it is no time.
    """
    value = text(params, name)
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) > _YEAR:
        check_moment(name, int(value))
        return int(value)
    return parse_time(value, datetime.now(UTC))
