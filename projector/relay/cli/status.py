"""`journal relay status`: who is behind, and by how much."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from journal.cli.kit.exits import DAMAGED, ExitCommand
from journal.cli.kit.machines import skew_text
from journal.cli.kit.output import print_json, print_line
from journal.cli.kit.times import format_local_time
from journal.errors import counted
from journal.fs.directory import open_directory
from projector.relay.cli.codes import BEHIND, CODES
from projector.relay.fleet.status import read_status

if TYPE_CHECKING:
    from projector.relay.fleet.status import Peer, Status


@click.command("status", cls=ExitCommand, codes=CODES)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; times in µs.")
@click.option(
    "--check", is_flag=True, help="Exit with 5 on a problem, with 8 if one is behind or offline."
)
@click.pass_context
def command(context: click.Context, *, as_json: bool, check: bool) -> None:
    """Show which machine is behind, by how many bytes, and what is wrong.

    It reads what the relay of this machine noted, and asks no server: of machines that did not
    report while it ran nothing is known. An event counts as replicated when another machine
    reported that it has it, not when the server acknowledged it.

    --check is for monitoring: it exits with 5 if there is a fork, a hole, damage or something that
    has stopped, and with 8 if bytes are missing on a machine, or if this one did not reach the
    server the last time. There is no time limit.

    JSON: {"fleet", "machine", "former", "name", "url", "offline", "offline_since", "unsent",
    "unreplicated", "hash", "mirrored", "replicas", "holes", "problems", "peers": [{"machine",
    "name", "version", "seen", "receives", "behind", "lacking", "unsent", "skew", "is_same"}]}
    """
    found = read_status(open_directory(context.obj, create=False))
    if as_json:
        print_json(asdict(found))
    else:
        _print(found)
    if check and (found.problems or found.holes):
        context.exit(DAMAGED)
    if check and (found.is_behind or found.offline):
        context.exit(BEHIND)


def _print(found: Status) -> None:
    print_line(f"fleet {found.fleet} at {found.url}")
    if found.offline:
        since = format_local_time(found.offline_since, "minutes")
        print_line(f"no connection to the server since {since}: {found.offline}")
    state = "all sent" if not found.unsent else f"{counted(found.unsent, 'byte')} not sent"
    if found.unreplicated:
        state += f", {counted(found.unreplicated, 'byte')} on no other machine that reported"
    print_line(f"{found.name}  {found.machine}  this machine: {state}")
    for peer in found.peers:
        print_line(f"{peer.name}  {peer.machine}  {_state(peer)}")
    if not found.peers:
        print_line("no other machine has reported to this one", err=True)
    if found.holes:
        print_line(f"{counted(found.holes, 'segment')} with missing bytes", err=True)
    for problem in found.problems:
        print_line(f"problem: {problem}", err=True)


def _state(peer: Peer) -> str:
    parts = []
    if peer.behind:
        parts.append(f"lacks {counted(peer.behind, 'byte')}")
    if peer.lacking:
        parts.append(f"has {counted(peer.lacking, 'byte')} that are not here")
    if peer.unsent:
        parts.append(f"has not sent {counted(peer.unsent, 'byte')}")
    if not peer.receives:
        parts.append("sends only")
    if not parts:
        parts.append("has the same bytes" if peer.is_same else "has as many bytes")
    text = f"{', '.join(parts)}{skew_text(peer.skew)}"
    return f"{text} (heard {format_local_time(peer.seen, 'minutes')})"
