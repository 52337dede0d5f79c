"""`journal relay scrub`: remove what was erased from the logs of a cluster."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import click

from journal.cli.kit.exits import ExitCommand
from journal.cli.kit.output import print_json, print_line
from journal.errors import counted
from journal.fs.directory import open_directory
from projector.relay.cli.codes import BEHIND, CODES
from projector.relay.config import read_config
from projector.relay.files.own import Names, superseded
from projector.relay.identity import RELAY
from projector.relay.server.scrub import scrub
from projector.relay.state import STATE, State


@click.command("scrub", cls=ExitCommand, codes=CODES)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(context: click.Context, *, as_json: bool) -> None:
    """Remove what was erased from the logs of three servers.

    The machines erase what `journal forget` names in the stream, message by message. One server
    has no bytes of it then. Three servers have it in their logs, too, until these are compacted.
    This command moves the stream to one of the servers and back to all three: they remove the
    logs, and get the stream as it is now. It runs on the hub, while the relays run. All three
    servers must be up. It takes some seconds, and gives up after two minutes. If it was killed,
    `journal relay status` says so, and the next one finishes it.

    The exit code is 8 if the stream still has chunks of segments that were replaced: run
    `journal relay run` on the machines that wrote them, and then this again.

    JSON: {"stream", "replicas", "pending": [segment]}
    """
    journal = open_directory(context.obj, create=False)
    config = read_config(journal)
    replaced = superseded(journal.lanes, Names())
    with State(journal.path / RELAY / STATE) as state:
        found = asyncio.run(scrub(config, replaced, state.note_replicas))
    if as_json:
        print_json(asdict(found))
    elif found.replicas > 1:
        print_line(f"{counted(found.replicas, 'server')} of {found.stream} have new logs")
    else:
        print_line(f"{found.stream} has one server, which has no log: nothing to do")
    if found.pending:
        print_line(
            f"{counted(len(found.pending), 'segment')} not yet erased in the stream by their"
            " machines: run `journal relay run` there, and then this again",
            err=True,
        )
        context.exit(BEHIND)
