"""`journal relay init`: what a server for a fleet needs."""

from __future__ import annotations

from pathlib import Path
from shutil import which

import click

from journal.cli.kit.exits import ExitCommand
from journal.cli.kit.output import print_block, print_line
from projector.relay.chunk import NAME
from projector.relay.cli.codes import CODES
from projector.relay.cli.unit import relay_unit
from projector.relay.errors import RelayError
from projector.relay.server.fleet_files import make_files, read_users, server_conf
from projector.relay.server.permissions import ADMIN


@click.command("init", cls=ExitCommand, codes=CODES)
@click.option("--name", required=True, help="Name of the machine that runs the server.")
@click.option("--machines", default="", help="Names of the others, separated by commas.")
@click.option("--fleet", default="home", show_default=True, help="Name of the fleet.")
@click.option("--host", "hosts", multiple=True, help="Further name or address of the server.")
@click.option("--port", default=4222, show_default=True, type=click.IntRange(1, 65_535))
@click.option("--replicas", default=1, show_default=True, type=click.Choice([1, 3]))
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the files are written.  [default: here]",
)
def command(
    *,
    name: str,
    machines: str,
    fleet: str,
    hosts: tuple[str, ...],
    port: int,
    replicas: int,
    folder: Path,
) -> None:
    """Make what a NATS server for a fleet needs, and print its configuration.

    It writes certificates, and for each machine a file of credentials, which that machine needs to
    join: NAME.creds. Carry it there as you would carry a password, and delete it when it has
    joined. The configuration that is printed has only hashes of the passwords.

    What is there already stays: to add a machine, give all options again with the new name, put
    the new configuration into place, and let the server read it (nats-server --signal reload).

    With --replicas 3, give --host three times: three servers keep the stream. docs/relay.md says
    how they are started.

    A systemd user unit for `journal relay run` is printed on stderr. There is no time limit.

    \b
        journal relay init --name hub --machines desk,laptop > nats.conf
        nats-server -c nats.conf
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    others = [each for each in machines.split(",") if each]
    for each in (name, fleet, *others):
        if not NAME.fullmatch(each) or each == ADMIN:
            raise RelayError(f"{each!r:.80} can be no name: use letters, digits, - and _")
    if len({name, *others}) <= len(others):
        raise RelayError("two machines have one name: give each its own")
    if replicas > 1 and len(hosts) != replicas:
        raise click.UsageError(f"--replicas {replicas} needs {replicas} times --host: the servers")
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    reached = [name, "localhost", "127.0.0.1", *hosts]
    written = make_files(folder, name, others, fleet, reached, replicas)
    servers = hosts if replicas > 1 else ()
    print_block(server_conf(folder, fleet, name, read_users(folder), port, servers))
    for path in written:
        print_line(f"credentials: {path}", err=True)
    program = which("journal") or "journal"
    print_line(
        "to keep a relay running, write ~/.config/systemd/user/journal-relay.service:", err=True
    )
    print_block(relay_unit(program), err=True)
