"""`--timeout`: how long a query may take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


class _Seconds(click.FloatRange):
    """A number of seconds; "nan" is none, although it is not outside of any range."""

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or refuse the argument."""
        seconds = float(super().convert(value, param, ctx))  # type: ignore[arg-type]
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return seconds


def timeout_option(*, default: float | None = 60.0) -> Callable[[Any], Any]:
    """Return the decorator that adds `--timeout` to a command.

    Args:
        default: seconds; None if there is no limit unless one is given.
    """
    limit = "no limit" if default is None else f"{default:g}"
    return click.option(
        "--timeout",
        type=_Seconds(min=0, min_open=True),
        default=default,
        metavar="SECONDS",
        help=f"Time limit, including the time to update the projection.  [default: {limit}]",
    )
