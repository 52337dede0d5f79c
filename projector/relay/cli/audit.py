"""`journal relay audit`: read every byte of the mirrors."""

from __future__ import annotations

from dataclasses import asdict

import click

from journal.cli.kit.exits import DAMAGED, ExitCommand
from journal.cli.kit.output import print_json, print_line
from journal.errors import counted
from journal.fs.directory import open_directory
from projector.relay.audit import audit
from projector.relay.cli.codes import CODES
from projector.relay.config import read_config
from projector.relay.lock import relay_lock


@click.command("audit", cls=ExitCommand, codes=CODES)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(context: click.Context, *, as_json: bool) -> None:
    """Read every byte of the mirrors, and compare it with what arrived.

    A mirror that differs is moved to `relay/damaged/`, and the next `journal relay run` fetches it
    again, from the server or from another machine. The exit code is 5 then. Our own lanes are
    checked by `journal verify`. Stop `journal relay run` first. There is no time limit.

    JSON: {"mirrors", "bytes", "damaged": [[folder, number]]}
    """
    journal = open_directory(context.obj, create=False)
    read_config(journal)
    with relay_lock(journal):
        found = audit(journal)
    if as_json:
        print_json(asdict(found))
    else:
        for folder, number in found.damaged:
            print_line(f"damaged: lane {folder} segment {number}: it will be fetched again")
        print_line(
            f"{counted(found.mirrors, 'segment')} of other machines,"
            f" {counted(found.bytes, 'byte')}: {counted(len(found.damaged), 'problem')}"
        )
    if found.damaged:
        context.exit(DAMAGED)
