"""`journal relay`: one journal on many machines. One module holds one command, as `command`."""

from __future__ import annotations

from typing import cast

import click

from journal.process.loading import load

_COMMANDS = ("copy",)


class _Lazy(click.Group):
    """The commands below `relay`, whose modules are loaded when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own
        """Return the names."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command."""
        if cmd_name not in _COMMANDS:
            return None
        return cast("click.Command", load(f"projector.relay.cli.{cmd_name}").command)


@click.group("relay", cls=_Lazy)
def command() -> None:
    """Share one journal among many machines.

    Every machine keeps its own lanes, and mirrors those of the others in folders beside them: each
    machine finds everything, also without the network. There is no time limit.

    \b
        journal relay copy /mnt/stick/journal
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
