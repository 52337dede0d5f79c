"""`journal relay leave`: stop sharing this journal."""

from __future__ import annotations

import click

from journal.cli.kit.exits import ExitCommand
from journal.cli.kit.output import print_line
from journal.fs.directory import open_directory
from projector.relay.cli.codes import CODES
from projector.relay.config import remove_config
from projector.relay.lock import relay_lock


@click.command("leave", cls=ExitCommand, codes=CODES)
@click.pass_obj
def command(path: str) -> None:
    """Stop sharing this journal.

    What is here stays here, also the mirrors of the others, and what they have of this machine
    stays with them. The configuration with the password is removed; the machine keeps its uuid, so
    that it can join again. Remove its user from the server, too (docs/relay.md). Stop `journal
    relay run` first. There is no time limit.
    """
    journal = open_directory(path, create=False)
    with relay_lock(journal):
        removed = remove_config(journal)
    print_line(f"removed {removed}")
