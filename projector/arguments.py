"""Checks of arguments: a method calls them before it writes or asks anything.

Each raises the error that it is given, a kind of ValueError; the message names the argument, what
it must be and what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeGuard, get_args

from journal.errors import EventError
from journal.format.bounds import LARGEST
from journal.format.lossless import check_text
from journal.format.position import Position
from journal.format.timestamps import moment
from projector.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Has = Literal["errors"]
"""What messages or sessions can be filtered by having it."""

LONGEST_CLAIM = 100 * 365 * 86_400
"""Seconds, a hundred years: a claim that ends later could have an end that no event can have."""


def check_names(names: Mapping[str, object]) -> None:
    """Refuse what is no text, given by the name of the argument; None is refused too.

    Raises:
        QueryError: a value is no string, or has a lone surrogate.
    """
    for name, value in names.items():
        check_text(name, value, QueryError)


def check_filters(filters: Mapping[str, object]) -> None:
    """Do the same for arguments that may be None.

    Raises:
        QueryError: as `check_names`.
    """
    check_names({name: value for name, value in filters.items() if value is not None})


def check_count(name: str, value: object, least: int = 0, most: int = LARGEST) -> None:
    """Refuse what is no whole number in a range.

    Raises:
        ValueError: it is of another kind, too small or too large.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(
            f"{name} must be a whole number from {least} to {most:,}, not {value!r:.60}"
        )


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Refuse what is none of the allowed names.

    Raises:
        ValueError: it is none; the message lists them.
    """
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r:.60}")


def check_has(has: object) -> None:
    """Refuse what nothing can be filtered by; None means no filter.

    Raises:
        ValueError: it is unknown.
    """
    if has is not None:
        check_choice("has", has, get_args(Has))


def bound(name: str, value: datetime | str | int | None) -> int | None:
    """Return the bound of a time in microseconds since 1970; None if there is none.

    Raises:
        EventError: it is no moment.
    """
    return None if value is None else moment(name, value)


def check_seconds(name: str, value: object) -> None:
    """Refuse what is no length of time; infinite is one.

    Raises:
        ValueError: it is no number, not a number (NaN), or negative.
    """
    if not _is_number(value) or not value >= 0:
        raise ValueError(f"{name} must be a number of seconds from 0 up, not {value!r:.60}")


def check_length(name: str, value: object) -> None:
    """Refuse what no claim can be in force for.

    Raises:
        EventError: it is no number of seconds above 0, or is more than a hundred years.
    """
    if not _is_number(value) or not 0 < value <= LONGEST_CLAIM:
        raise EventError(
            f"{name} must be a number of seconds above 0, up to {LONGEST_CLAIM:,},"
            f" not {value!r:.60}"
        )


def check_position(position: object) -> None:
    """Refuse what is no position of a record.

    Raises:
        ValueError: it is of another kind, or its parts are.
    """
    if not isinstance(position, Position):
        raise ValueError(  # noqa: TRY004 - a wrong kind is the same error as a wrong value
            f"position must be a Position, such as an append returns, not {position!r:.60}"
        )
    check_text("position.lane", position.lane, ValueError)
    check_count("position.seq", position.seq)


def check_callable(name: str, value: object, error: type[ValueError] = ValueError) -> None:
    """Refuse what is no function.

    Raises:
        ValueError: of the kind that is given.
    """
    if not callable(value):
        raise error(f"{name} must be a function of a connection, not {value!r:.60}")


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
