"""`--timeout`: how long a query may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


def timeout_option(*, default: float | None = 60.0) -> Callable[[Any], Any]:
    """Return the decorator that adds `--timeout` to a command.

    Args:
        default: seconds; None if there is no limit unless one is given.
    """
    limit = "no limit" if default is None else f"{default:g}"
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=default,
        metavar="SECONDS",
        help=f"Time limit, including the time to update the projection.  [default: {limit}]",
    )
