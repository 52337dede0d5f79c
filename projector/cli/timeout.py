"""`--timeout`: how long a query may take."""

from __future__ import annotations

import click

timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long it may take at the most, bringing the projection up to date included.",
)
