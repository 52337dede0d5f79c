"""`journal relay join`: make this journal one of a fleet."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from journal.cli.kit.exits import ExitCommand
from journal.cli.kit.output import print_line
from journal.fs.directory import open_directory
from journal.fs.ownership import read_own
from journal.fs.toml_file import parse_toml
from projector.relay.cli.codes import CODES
from projector.relay.config import Config, make, write_config
from projector.relay.errors import CarrierError, RelayError
from projector.relay.fleet.names import note_machines
from projector.relay.identity import RELAY, machine_of, name_machine
from projector.relay.lock import relay_lock
from projector.relay.server.connection import check_url, connect
from projector.relay.server.jetstream import JetStream
from projector.relay.server.stream import make_stream

_MOST = 1 << 20


@click.command("join", cls=ExitCommand, codes=CODES)
@click.argument("url", metavar="URL")
@click.option("--fleet", required=True, help="Name of the fleet.")
@click.option("--name", help="Name of this machine.  [default: that of the credentials]")
@click.option("--creds", type=click.Path(path_type=Path), help="File that `init` wrote.")
@click.option("--send-only", is_flag=True, help="Do not mirror the others here.")
@click.option("--receive-only", is_flag=True, help="Do not send the lanes of this machine.")
@click.option("--keep", is_flag=True, help="Send what absent machines wrote and the server lost.")
@click.pass_obj
def command(
    path: str,
    /,
    *,
    url: str,
    fleet: str,
    name: str | None,
    creds: Path | None,
    send_only: bool,
    receive_only: bool,
    keep: bool,
) -> None:
    """Make this journal one of a fleet that shares the server at URL.

    URL is tls://HOST:PORT; several are separated by commas. Without TLS (nats://) only a server on
    this machine is taken. The machine gets a uuid, and `relay/config.toml` what is given here:
    change it there. Then `journal relay run` shares the journal.

    All machines of a fleet see everything. The machine with the hub's credentials makes the
    stream on the server.

    With --send-only a laptop needs no space for the mirrors, and searches at a hub. There is no
    time limit.

    \b
        journal relay join tls://hub:4222 --fleet home --creds laptop.creds
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if send_only and receive_only:
        raise click.UsageError("--send-only and --receive-only exclude each other")
    check_url(url)
    values: dict[str, Any] = {}
    if creds is not None:
        values = _read(creds, fleet)
    named = name or values.get("user")
    if not named:
        raise click.UsageError("give --creds FILE, or --name for a server without users")
    values |= {"fleet": fleet, "name": named, "url": url, "keep": keep}
    values |= {"send": not receive_only, "receive": not send_only}
    try:
        config = make(values)
    except ValueError as error:
        raise RelayError(f"{creds}: {error}") from error
    journal = open_directory(path)
    with relay_lock(journal):
        made = asyncio.run(_try(config))
        if not (journal.path / RELAY / "machine").exists():
            name_machine(journal)
        write_config(journal, config)
        note_machines(journal, config.name)
    if made:
        print_line(f"made the stream {config.stream}", err=True)
    print_line(f"machine {machine_of(journal)} ({config.name}) is in the fleet {config.fleet}")


def _read(creds: Path, fleet: str) -> dict[str, Any]:
    try:
        values = parse_toml(read_own(creds.absolute(), _MOST))
    except OSError as error:
        raise RelayError(f"cannot read {creds}: {error.strerror or error}") from error
    except ValueError as error:
        raise RelayError(f"{creds}: {error}") from error
    if values.get("fleet") != fleet:
        raise RelayError(f"{creds} is of the fleet {values.get('fleet')!r:.80}, not {fleet!r:.80}")
    return values


async def _try(config: Config) -> bool:
    """Check that the server takes this machine; make the stream if it is missing and may be made.

    Returns:
        Whether the stream was made.
    """
    connection = await connect(config)
    try:
        if await JetStream(connection, config, lambda _: config.sender).exists():
            return False
    finally:
        await connection.close()
    if config.user and not config.admin:
        raise CarrierError(
            f"the server has no stream {config.stream}: join with the hub's credentials first"
        )
    return await make_stream(config)
