"""`projector salvage`: write back to the journal what only the projection has."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from journal.cli.kit.output import print_json, print_line, warn
from journal.erasure.receipts import find_lost_requests, warnings
from journal.errors import counted
from journal.fs.directory import open_directory
from projector.upkeep.salvage import salvage

if TYPE_CHECKING:
    from pathlib import Path


@click.command("salvage")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(path: Path, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Write back events that only the projection still has.

    After a disk lost what it had synced, after a restored backup or a deleted segment the
    projection holds events that are in no lane, and a rebuild would drop them. They are written to
    a lane of their own, with their times, and the projection is rebuilt. To run it again changes
    nothing. There is no time limit.

    JSON: {"events", "sessions", "lane", "generation", "forgotten"}

    `lane` is the name of the lane's folder, empty if no event was missing. `forgotten` counts the
    records that are not written back, since they are to be forgotten. A request to forget that is
    in no lane and not in this database is named on stderr: what it forgets is not recognized.
    """
    journal = open_directory(path, create=False)
    saved = salvage(journal)
    for text in warnings((), find_lost_requests(journal)):
        warn(text)
    if as_json:
        print_json(asdict(saved))
    elif saved.events:
        print_line(
            f"{counted(saved.events, 'event')} of {counted(saved.sessions, 'session')} missing in"
            f" the journal: written back to lane {saved.lane} (generation {saved.generation})"
        )
    else:
        print_line("nothing is missing in the journal")
    if saved.forgotten and not as_json:
        print_line(f"forgotten, and not written back: {counted(saved.forgotten, 'record')}")
