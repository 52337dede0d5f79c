"""`projector verify`: check the projection."""

from __future__ import annotations

from dataclasses import asdict

import click

from journal.cli.kit.exits import DAMAGED
from journal.cli.kit.output import print_json, print_line
from journal.errors import counted
from journal.fs.directory import open_directory
from projector.upkeep.verify import verify


@click.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Check the database and its full-text index against the journal.

    Nothing is changed. `projector rebuild` repairs each fault but those of the kind `log`: there
    the journal has lost events that the projection still has, and `projector salvage` writes them
    back. `journal verify` checks the records themselves. There is no time limit.

    The exit code is 5 if there are faults.

    JSON: {"faults": [{"kind", "what", "remedy"}]}

    \b
    Kinds:
        database    SQLite finds it damaged, or it cannot be opened
        index       the full-text index is damaged, or does not fit the messages
        count       a counter is wrong
        log         a segment is missing, shorter, or not the one that was read
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    faults = verify(open_directory(context.obj, create=False))
    if as_json:
        print_json({"faults": [asdict(fault) for fault in faults]})
    else:
        for fault in faults:
            print_line(f"{fault.kind}: {fault.what}; run `{fault.remedy}`")
        print_line(counted(len(faults), "fault") if faults else "no faults")
    if faults:
        context.exit(DAMAGED)
