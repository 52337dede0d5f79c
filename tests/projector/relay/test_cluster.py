"""Three servers of one cluster: what fails, and what happens then."""

from __future__ import annotations

import asyncio
import secrets
import sys
from typing import TYPE_CHECKING

import nats
import pytest

from journal.cli.kit.exits import DAMAGED
from projector.relay.cli.codes import BEHIND
from projector.relay.errors import CarrierError
from tests.support.disks.in_memory import in_memory
from tests.support.programs.end import end
from tests.support.relay.fleet import Machine, assert_same, until
from tests.support.relay.servers import Cluster

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("relay_cluster")]  # three servers for all


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Three servers; each test has a fleet of its own on them, and leaves them as they were."""
    with in_memory() as folder, Cluster(folder) as cluster:
        yield cluster


def _machines(cluster: Cluster, folder: Path, fleet: str, urls: list[str]) -> list[Machine]:
    """Return machines that have found their stream."""
    machines = [
        Machine(folder / name, url, replicas=3, fleet=fleet, timeout=1)
        for name, url in zip("abc", urls, strict=False)
    ]
    cluster.mend()
    until(machines[0].relay)
    return machines


def test_one_of_three_servers_may_be_down(cluster: Cluster, tmp_path: Path) -> None:
    """The two others choose another leader of the stream, and everything goes on."""
    a, b = _machines(cluster, tmp_path, "one", [cluster.url] * 2)
    a.append("a1")
    until(lambda: assert_same(a, b))
    leader = cluster.servers["abc".index(asyncio.run(_leader(cluster, "AJ_one")))]
    leader.kill()
    a.append("a2")
    until(a.relay)
    until(b.relay)
    assert b.found() == {"a1", "a2"}
    leader.start()
    until(a.relay)
    assert_same(a, b)


async def _leader(cluster: Cluster, stream: str) -> str:
    """Return the name of the server that leads a stream."""
    client = await nats.connect(cluster.url.split(","))
    try:
        info = await client.jetstream().stream_info(stream)
        assert info.cluster is not None
        return str(info.cluster.leader)
    finally:
        await client.close()


def test_with_two_of_three_down_only_sending_waits(cluster: Cluster, tmp_path: Path) -> None:
    """Appending and searching go on; what waits is sent when one of them is back."""
    a, b = _machines(cluster, tmp_path, "two", [cluster.url] * 2)
    a.append("a1")
    assert_same(a, b)
    for server in cluster.servers[:2]:
        server.kill()
    a.append("a2")
    with pytest.raises(CarrierError):
        a.relay()
    assert a.found() == {"a1", "a2"}
    assert a.run("relay", "status", "--check").exit_code == BEHIND
    cluster.servers[0].start()
    until(a.relay)
    cluster.servers[1].start()
    until(b.relay)
    assert_same(a, b)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("groups", [("a", "bc"), ("a", "b", "c")], ids=["minority", "all"])
def test_a_cluster_that_parts_loses_nothing(
    cluster: Cluster, tmp_path: Path, groups: tuple[str, ...]
) -> None:
    """A server without a majority takes nothing, and one with a majority goes on.

    One machine reaches one server alone, and the other one the two others.
    """
    first, *others = [server.url for server in cluster.servers]
    fleet = f"parted{len(groups)}"
    a, b = _machines(cluster, tmp_path, fleet, [first, ",".join(others)])
    a.append("a1")
    b.append("b1")
    until(lambda: assert_same(a, b))
    cluster.part(*groups)
    a.append("a2")
    b.append("b2")
    with pytest.raises(CarrierError):
        a.relay()
    assert a.found() == {"a1", "a2", "b1"}
    if len(groups) == 2:
        until(b.relay)
        assert b.status().unsent == 0
    else:
        with pytest.raises(CarrierError):
            b.relay()
    cluster.mend()
    until(a.relay)
    until(b.relay)
    assert_same(a, b)


def test_what_is_erased_leaves_the_logs_of_three_servers(cluster: Cluster, tmp_path: Path) -> None:
    """A deleted message is overwritten at once; the cluster's logs have it until `scrub`."""
    a, b = _machines(cluster, tmp_path, "erased", [cluster.url] * 2)
    secret = secrets.token_hex(16)
    a.append("a1", content=secret)
    b.append("b1")
    until(lambda: assert_same(a, b))
    assert _files_with(cluster, secret)
    assert a.run("forget", "a", "--yes").exit_code == 0
    a.ids.clear()
    for machine in (a, b):
        until(machine.relay)
    assert b.run("forget", "--finish").exit_code == 0
    assert _files_with(cluster, secret), "the logs have it: without that the test proves nothing"
    done = a.run("relay", "scrub", "--json")
    assert done.exit_code == 0, done.output
    assert '"replicas":3,"pending":[]' in done.stdout
    assert _files_with(cluster, secret) == []
    b.append("b2")
    assert_same(a, b)
    for machine in (a, b):
        files = [path for path in machine.path.rglob("*") if path.is_file()]
        assert [path for path in files if secret.encode() in path.read_bytes()] == []
    assert b.run("forget", "b", "--yes").exit_code == 0
    early = b.run("relay", "scrub")
    assert (early.exit_code, "1 segment not yet erased" in early.stderr) == (BEHIND, True)
    b.ids.clear()
    assert_same(a, b)


def test_a_scrub_that_was_killed_is_told_and_finished(
    cluster: Cluster, tmp_path: Path, start_command: Callable[..., subprocess.Popen[str]]
) -> None:
    """The stream is on one server then: each machine says so, and the next scrub mends it."""
    a, b = _machines(cluster, tmp_path, "killed", [cluster.url] * 2)
    a.append("a1")
    until(lambda: assert_same(a, b))
    for _ in range(5):
        started = start_command(
            sys.executable, "-m", "journal", "--journal", a.path, "relay", "scrub"
        )
        while asyncio.run(_replicas(cluster, "AJ_killed")) == 3 and started.poll() is None:
            pass
        end(started)
        if asyncio.run(_replicas(cluster, "AJ_killed")) == 1:
            break
    for machine in (a, b):
        until(machine.relay)
        [problem] = machine.status().problems
        assert "1 server of 3 has the stream" in problem
        assert machine.run("relay", "status", "--check").exit_code == DAMAGED
    done = a.run("relay", "scrub")
    assert (done.exit_code, "3 servers of AJ_killed" in done.stdout) == (0, True), done.output
    assert a.status().problems == ()
    until(lambda: assert_same(a, b))
    assert b.status().problems == ()


async def _replicas(cluster: Cluster, stream: str) -> int:
    """Return how many servers are to have a stream."""
    client = await nats.connect(cluster.url.split(","))
    try:
        return (await client.jetstream().stream_info(stream)).config.num_replicas or 0
    finally:
        await client.close()


def _files_with(cluster: Cluster, text: str) -> list[Path]:
    found = []
    for server in cluster.servers:
        for path in server.store.rglob("*"):
            try:
                if path.is_file() and text.encode() in path.read_bytes():
                    found.append(path)
            except FileNotFoundError:  # a log that a server has just removed
                continue
    return found
