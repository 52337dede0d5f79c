"""`projector status`: counts, sizes and lag of the projection."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from journal.cli.kit.machines import machine_line
from journal.cli.kit.output import print_json, print_line
from projector.cli.kit.part import part_option
from projector.projection import Projection

if TYPE_CHECKING:
    from pathlib import Path

    from projector.fold.part import Part


@click.command("status")
@part_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(path: Path, part: Part | None, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Show counts, lag and sizes, and whether a projector runs.

    It applies nothing and waits for nothing. A lag that stays above zero while a projector runs
    means that the projector is too slow; without a projector the next query applies what is
    missing.

    JSON: {"lanes", "segments", "events", "messages", "sessions", "replays", "duplicates",
    "conflicts", "quarantined", "unknown", "reread", "unprojected", "lag_bytes", "generation",
    "projector_running", "wal_bytes", "database_bytes", "unknown_keys", "retired", "machines":
    [{"machine", "name", "lanes", "segments", "bytes", "seen", "skew"}]}

    `unknown_keys` lists the keys of requests to forget and of redacted events that are not in the
    journal's file `key`: what these requests forget is shown until the key is added.
    `retired` lists lanes that no writer continues. `machines` lists the other machines whose lanes
    are mirrored here: `seen` is when each reported itself, in µs since 1970, and `skew` by how
    many µs its clock was ahead.

    Of a part, "events" to "conflicts" and "unknown" are of its own sessions, and "lag_bytes" is of
    all lanes.
    """
    with Projection.open(path, part=None if part is None else str(part)) as projection:
        found = projection.status()
    status = asdict(found)
    if as_json:
        print_json(status)
        return
    del status["machines"]
    for name, value in status.items():
        print_line(f"{name.replace('_', ' '):<18} {_shown(value)}")
    for machine in found.machines:
        print_line(f"{'machine':<18} {machine_line(machine)}")


def _shown(value: bool | int | tuple[str, ...]) -> str:  # noqa: FBT001 - a value of the status
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return ("no", "yes")[value] if isinstance(value, bool) else f"{value:,}"
