"""`projector verify` and `projector salvage`: check the projection, and save what only it knows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from journal.cli.exits import DAMAGED
from journal.cli.output import say, say_json
from journal.fs.directory import open_directory
from projector.upkeep.salvage import salvage
from projector.upkeep.verify import verify

if TYPE_CHECKING:
    from pathlib import Path


@click.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def verify_command(context: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Check the projection: the database, the full-text index, and the journal beside them.

    Nothing is changed. Everything but `log` is mended by `projector rebuild`; a fault of the kind
    `log` means that the journal has lost what the projection still knows, and `projector salvage`
    writes that back. Records themselves are checked by `journal verify`.

    Exit code 5 if there are faults.

    \b
    JSON: faults, each with kind, what, remedy. Kinds:
        database    SQLite finds it damaged, or it cannot be opened
        index       the full-text index is damaged, or does not fit the messages
        count       a counter is not what is there
        log         a segment is gone, shorter, or another than the one that was applied
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    faults = verify(open_directory(context.obj, create=False))
    if as_json:
        say_json({"faults": [asdict(fault) for fault in faults]})
    else:
        for fault in faults:
            say(f"{fault.kind}: {fault.what}; run `{fault.remedy}`")
        say(f"{len(faults):,} faults" if faults else "no faults")
    if faults:
        context.exit(DAMAGED)


@click.command("salvage")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def salvage_command(path: Path, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Write back to the journal what only the projection still knows.

    After a disk that lied, a restored backup or a deleted segment the projection holds events that
    no lane holds any more, and a rebuild would drop them. They are written to a lane of their own,
    with the times that they had, and the projection is built anew. Doing it again changes nothing.

    \b
    JSON: events, sessions, lane (name of the folder; empty if nothing was missing), generation.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    saved = salvage(open_directory(path, create=False))
    if as_json:
        say_json(asdict(saved))
    elif saved.events:
        say(
            f"{saved.events:,} events of {saved.sessions:,} sessions were missing in the journal;"
            f" they are written back to lane {saved.lane} (generation {saved.generation})"
        )
    else:
        say("nothing is missing in the journal")
