"""`journal relay run`: send and receive."""

from __future__ import annotations

import click

from journal.cli.kit.exits import ExitCommand
from journal.fs.directory import open_directory
from projector.relay.cli.codes import CODES
from projector.relay.config import read_config
from projector.relay.lock import relay_lock
from projector.relay.loop.run import relay_always, relay_once


@click.command("run", cls=ExitCommand, codes=CODES)
@click.option("--once", is_flag=True, help="End when nothing is left to send or receive.")
@click.pass_obj
def command(path: str, *, once: bool) -> None:
    """Send what is new in this journal, and mirror what is new in the others.

    It runs until SIGTERM or Ctrl-C, and connects again where the server was away. Killed at any
    moment, it continues where it was. One relay works for a journal: a second one ends with 7.

    --once ends when everything is sent and received: for cron, or before a laptop sleeps. If the
    server cannot be reached it ends with 1. There is no time limit.

    \b
        journal relay run &
        journal relay run --once
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    journal = open_directory(path, create=False)
    config = read_config(journal)
    with relay_lock(journal):
        if once:
            relay_once(journal, config)
        else:
            relay_always(journal, config)
