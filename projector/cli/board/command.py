"""`projector board`: the group of its commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from journal.cli.kit.names import Name
from journal.process.loading import load
from projector.cli.board.options import Named
from projector.cli.kit.timeout import timeout_option

if TYPE_CHECKING:
    from pathlib import Path

_MODULES = {
    "add": "adding",
    "beat": "claiming",
    "block": "ending",
    "claim": "claiming",
    "comment": "adding",
    "complete": "ending",
    "depend": "adding",
    "history": "reading",
    "list": "reading",
    "release": "ending",
    "show": "reading",
    "unblock": "adding",
}


class _Lazy(click.Group):
    """The commands below `board`, whose modules are loaded when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own
        """Return the names."""
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command."""
        module = _MODULES.get(cmd_name)
        if module is None:
            return None
        found: click.Command = load(f"projector.cli.board.{module}").COMMANDS[cmd_name]
        return found


@click.group("board", cls=_Lazy)
@click.option(
    "--board", "name", type=Name(), default="board", show_default=True, help="Name of the board."
)
@timeout_option(default=5.0)
@click.pass_context
def command(context: click.Context, /, name: str, timeout: float) -> None:
    """Share tasks among workers.

    Each task is held by one worker at a time.

    \b
        id=$(projector board add 'Write the parser' --priority 5)
        projector board add 'Test the parser' --after "$id"
        projector board claim --worker w1 --seconds 60
        projector board beat "$id" --worker w1 --token 1 --seconds 60
        projector board comment "$id" 'Half of it is written.' --author w1
        projector board complete "$id" --worker w1 --token 1
        projector board list --state done

    A claim has a token, which is higher than that of any earlier claim of the task. A claim that
    has expired can be replaced by another worker's. To complete, block or release the task with
    the old token then fails, and nothing is written.

    Tasks are sessions of the journal: `projector search` finds their titles, bodies and comments.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    path: Path = context.obj
    context.obj = Named(path, name, timeout)
