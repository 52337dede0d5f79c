"""Times on the command line, and in the output for people."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

import click

from journal.format.timestamps import to_microseconds

_BACK = re.compile(r"(\d{1,9})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(text: str, now: datetime) -> int:
    """Convert `2026-01-31`, `2026-01-31T12:00`, or `2h` (before `now`) to µs since 1970.

    A time without a zone is local.

    Raises:
        ValueError: the text is none of these.
    """
    if (back := _BACK.fullmatch(text.strip())) is not None:
        try:
            moment = now - timedelta(**{_UNITS[back[2]]: int(back[1])})
        except OverflowError as error:
            raise ValueError(f"{text!r} is before the year 1") from error
    else:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError as error:
            raise ValueError(
                f"{text!r} is not a time: give a date (2026-01-31), a time (2026-01-31T12:00:00Z),"
                " or how far back (30m, 2h, 3d, 1w)"
            ) from error
    if moment.tzinfo is None:
        try:
            moment = moment.astimezone()
        except (ValueError, OverflowError) as error:
            raise ValueError(
                f"{text!r} has no UTC time: give a time in the years 2 to 9998"
            ) from error
    return to_microseconds(moment)


def format_time(microseconds: int) -> str:
    """Return a time in the local zone, to the second."""
    moment = local(microseconds)
    return _no_date(microseconds) if moment is None else moment.isoformat(" ", "seconds")


def format_local_time(microseconds: int, timespec: Literal["minutes", "seconds"]) -> str:
    """Return a time in the local zone, without the zone."""
    moment = local(microseconds)
    if moment is None:
        return _no_date(microseconds)
    return moment.replace(tzinfo=None).isoformat(" ", timespec)


def local(microseconds: int) -> datetime | None:
    """Return a time in the local zone; None if it is outside of the years 1 to 9999."""
    try:
        return (_EPOCH + timedelta(microseconds=microseconds)).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _no_date(microseconds: int) -> str:
    return f"{microseconds} µs since 1970"


class Moment(click.ParamType[int]):
    """A time on the command line; microseconds since 1970 in the program."""

    name = "time"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Convert what was typed."""
        if isinstance(value, int):
            return value
        try:
            return parse_time(value, datetime.now(UTC))
        except (ValueError, OverflowError) as error:
            self.fail(str(error), param, ctx)
