"""`journal relay`: one journal on many machines. One module holds one command, as `command`."""

from __future__ import annotations

from typing import cast

import click

from journal.process.loading import load
from projector.relay.cli.codes import need

_COMMANDS = {
    "audit": "audit",
    "copy": "copy",
    "erased": "erased",
    "init": "init",
    "join": "join",
    "leave": "leave",
    "repair": "repair",
    "retire": "retire",
    "run": "run",
    "scrub": "scrub",
    "status": "status",
}
_SERVER = {"init": "cryptography", "join": "nats", "run": "nats", "scrub": "nats"}
"""Commands that need a package of the extra, and which."""


class _Lazy(click.Group):
    """The commands below `relay`, whose modules are loaded when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own
        """Return the names."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command.

        Raises:
            click.ClickException: what it needs is not installed.
        """
        if cmd_name not in _COMMANDS:
            return None
        needed = _SERVER.get(cmd_name)
        if needed is not None:
            need(cmd_name, needed)
        return cast("click.Command", load(f"projector.relay.cli.{_COMMANDS[cmd_name]}").command)


@click.group("relay", cls=_Lazy)
def command() -> None:
    """Share one journal among many machines.

    Every machine keeps its own lanes, and mirrors those of the others in folders beside them: each
    machine finds everything, also without the network. A NATS server carries what is new, or a
    folder does (`copy`). What the server loses, the machines send again. There is no time limit.

    \b
    hub$  journal relay init --name hub --machines desk > nats.conf
    hub$  nats-server -c nats.conf &
    hub$  journal relay join tls://hub:4222 --fleet home --creds hub.creds --keep
    hub$  journal relay run &
    desk$ journal relay join tls://hub:4222 --fleet home --creds desk.creds
    desk$ journal relay run &

    docs/relay.md says what is promised, and how to operate it. The commands for a server need
    `pip install 'agent-journal[relay]'`.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
