"""`projector status`: how the projection stands."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from journal.cli.output import say, say_json
from projector.projection import Projection

if TYPE_CHECKING:
    from pathlib import Path


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def status_command(path: Path, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Show counts, lag and sizes, and whether a projector runs.

    Nothing is applied by looking. A lag that stays above zero while a projector runs means that
    it cannot keep up; without a projector the next query applies what is missing.

    \b
    JSON: lanes, segments, events, messages, sessions, duplicates, conflicts, quarantined,
    unknown, reread, unprojected, lag_bytes, generation, projector_running, wal_bytes,
    database_bytes.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with Projection.open(path) as projection:
        status = asdict(projection.status())
    if as_json:
        say_json(status)
        return
    for name, value in status.items():
        shown = ("no", "yes")[value] if isinstance(value, bool) else f"{value:,}"
        say(f"{name.replace('_', ' '):<18} {shown}")
