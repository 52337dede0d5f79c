"""`journal relay retire`: do not wait for a machine any more."""

from __future__ import annotations

import click

from journal.cli.kit.exits import NOT_FOUND, ExitCommand
from journal.cli.kit.output import print_line
from journal.fs.directory import open_directory
from projector.relay.cli.codes import CODES
from projector.relay.config import read_config
from projector.relay.fleet.status import read_status
from projector.relay.identity import RELAY
from projector.relay.state import STATE, State


@click.command("retire", cls=ExitCommand, codes=CODES)
@click.argument("machine", metavar="MACHINE")
@click.pass_context
def command(context: click.Context, machine: str) -> None:
    """Do not wait for MACHINE any more: it is gone for ever.

    MACHINE is its name or its uuid. `journal relay status` does not show it as behind any more,
    unless it reports itself again. What it wrote stays. Run it on each machine whose status you
    read, and remove the machine's user from the server (docs/relay.md). There is no time limit.
    """
    journal = open_directory(context.obj, create=False)
    read_config(journal)
    peers = read_status(journal).peers
    found = [peer.machine for peer in peers if machine in {peer.name, peer.machine}]
    with State(journal.path / RELAY / STATE) as state:
        dropped = [uuid for uuid in found if state.drop_peer(uuid)]
    if not dropped:
        names = ", ".join(sorted(peer.name for peer in peers)) or "none"
        print_line(f"Error: no machine {machine!r:.80} is known: {names}", err=True)
        context.exit(NOT_FOUND)
    for uuid in dropped:
        print_line(f"machine {uuid} is not waited for any more")
