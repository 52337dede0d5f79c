"""Servers, relays and projectors are killed and paused while machines append: nothing is lost.

Each round has three machines and a real server, or a cluster of three. Whatever happens meanwhile,
all machines end with the same bytes and one digest, without damage, and with each event once.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from random import Random
from typing import TYPE_CHECKING

from tests.support.disks.in_memory import MEMORY
from tests.support.programs.restarted import Program
from tests.support.relay.fleet import Machine, assert_same
from tests.support.relay.servers import Server, cluster
from tests.torture.arguments import Amount, step_parser
from tests.torture.rounds import run_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_AMOUNT = Amount(whole=200, sample=2, unit="rounds")
_ACTIONS = 6
_CLUSTERED = 0.2
"""Part of the rounds that have a cluster of three."""


def run_round(seed: int, folder: Path) -> dict[str, int]:
    """Run one round in an empty folder; return how many events were appended.

    Raises:
        AssertionError: something is lost, doubled, damaged or different.
    """
    random = Random(seed)
    with ExitStack() as stack:
        servers = [Server(folder / "server")]
        if random.random() < _CLUSTERED:
            servers = cluster(folder / "cluster")
        for server in servers:
            stack.callback(server.kill)
            server.start(wait=False)
        for server in servers:
            server.wait()
        url = ",".join(server.url for server in servers)
        machines = [Machine(folder / name, url, replicas=len(servers)) for name in "abc"]
        _until_ready(machines[0])
        relays = [Program("journal", "--journal", m.path, "relay", "run") for m in machines]
        projector = Program("projector", "--journal", machines[0].path, "run")
        programs = [*relays, projector]
        for program in programs:
            stack.callback(program.end)
        for number in range(_ACTIONS):
            for machine in machines:
                size = random.choice([10, 10, 1000, 600_000])
                count = random.randint(1, 12) if size < 10_000 else 1
                ids = [f"{machine.name}{number}-{n}" for n in range(count)]
                machine.append(*ids, content="x" * size)
            _hit(random, servers, programs)
            time.sleep(random.uniform(0, 0.5))
        for program in programs:
            program.end()
        _until_ready(machines[0])
        assert_same(*machines)
        return {"events": sum(len(machine.ids) for machine in machines)}


def _hit(random: Random, servers: list[Server], programs: list[Program]) -> None:
    """Kill or pause a server or a program."""
    server, program = random.choice(servers), random.choice(programs)
    match random.choice(["server", "server paused", "program", "program paused", "wiped"]):
        case "server":
            server.kill()
            time.sleep(random.uniform(0, 0.3))
            server.start()
        case "server paused":
            server.pause()
            time.sleep(random.uniform(0, 0.5))
            server.resume()
        case "program":
            program.kill()
        case "program paused":
            program.pause(random.uniform(0, 0.5))
        case _ if len(servers) == 1:
            server.kill()
            server.wipe()
            server.start()


def _until_ready(machine: Machine) -> None:
    """Wait until the servers have a leader, and the stream is made."""
    until = time.monotonic() + 30
    while True:
        try:
            machine.relay()
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds of the command line; return the exit code."""
    parser = step_parser(__doc__, seed=1)
    _AMOUNT.add_to(parser)
    given = parser.parse_args(arguments)
    holds = "nothing is lost, and nothing is there twice"
    return run_seeds("relay.kills", run_round, _AMOUNT, given, holds, parent=MEMORY)


if __name__ == "__main__":
    sys.exit(main())
