"""What fails, and what happens then: each with a real server."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import nats
import orjson
import pytest

from journal import Journal
from journal.process import clock
from journal.verify import verify
from projector.relay.cli.codes import BEHIND
from projector.relay.config import write_config
from projector.relay.errors import CarrierError
from projector.relay.files.own import Names, own_segments
from projector.relay.fleet.have import parse_have
from projector.relay.identity import RELAY
from projector.relay.lock import relay_lock
from projector.relay.loop.ending import end as end_tasks
from projector.relay.server.connection import connect
from projector.relay.server.jetstream import JetStream
from projector.relay.state import STATE, State
from tests.support.programs.end import end
from tests.support.relay.fleet import Machine, assert_same, until
from tests.support.relay.servers import Server

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path


def _peers(machine: Machine) -> list[tuple[int, str]]:
    """Return when the others reported to a machine, and what."""
    with State(machine.path / RELAY / STATE) as state:
        return list(state.peers().values())


def test_a_server_that_is_away_stops_nothing_else(server: Server, tmp_path: Path) -> None:
    """Appending and searching go on; `status` shows what is not sent; then all of it is."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    assert_same(a, b)
    server.kill()
    a.append("a2")
    with pytest.raises(CarrierError, match="cannot connect"):
        a.relay()
    assert a.run("relay", "run", "--once").exit_code == 1
    assert a.found() >= {"a1", "a2"}
    assert a.status().unsent > 0
    assert a.run("relay", "status", "--check").exit_code == BEHIND
    server.start()
    assert_same(a, b)
    assert a.status().unsent == 0


def test_state_that_is_lost_is_made_again(server: Server, tmp_path: Path) -> None:
    """Sizes and checksums come from the files, fences from the server."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    assert_same(a, b)
    for machine in (a, b):
        for path in (machine.path / RELAY).glob("state.db*"):
            path.unlink()
        machine.append(f"{machine.name}2")
    assert_same(a, b)


def test_status_says_since_when_the_server_is_not_reached(server: Server, tmp_path: Path) -> None:
    """Else a machine that sends nothing any more looks like one that has nothing to send."""
    a = Machine(tmp_path / "a", server.url)
    a.relay()
    assert (a.status().offline, a.status().offline_since) == ("", 0)
    server.kill()
    began, since = clock.wall(), []
    for _ in range(2):
        with pytest.raises(CarrierError, match="cannot connect"):
            a.relay()
        since.append(a.status().offline_since)
    assert since[0] == since[1]
    assert began <= since[0] <= clock.wall()
    shown = a.run("relay", "status")
    assert "no connection to the server since" in shown.stdout
    assert "cannot connect" in shown.stdout
    assert a.run("relay", "status", "--check").exit_code == BEHIND
    server.start()
    a.relay()
    assert (a.status().offline, a.status().offline_since) == ("", 0)
    assert "no connection" not in a.run("relay", "status").output


def test_status_names_a_server_that_does_not_answer_any_more(
    server: Server, tmp_path: Path, start_command: Callable[..., subprocess.Popen[str]]
) -> None:
    """It hangs, and the connection stands: nothing can be sent, and nothing comes."""
    a = Machine(tmp_path / "a", server.url, timeout=1)
    a.relay()
    relay = start_command(sys.executable, "-m", "journal", "--journal", a.path, "relay", "run")

    def is_offline(*, expected: bool) -> None:
        assert bool(a.status().offline) == expected

    try:
        server.pause()
        until(lambda: is_offline(expected=True), AssertionError)
        server.resume()
        until(lambda: is_offline(expected=False), AssertionError)
    finally:
        server.resume()
        end(relay)


def test_status_says_why_a_server_that_answers_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path
) -> None:
    """As one whose streams are switched off: the relay would try for days, and show nothing."""

    async def exists(_self: JetStream) -> bool:
        raise CarrierError("no streams here")

    a = Machine(tmp_path / "a", server.url)
    monkeypatch.setattr(JetStream, "exists", exists)
    with pytest.raises(CarrierError):
        a.relay()
    assert a.status().offline == "no streams here"
    monkeypatch.undo()
    a.relay()
    assert not a.status().offline


def test_what_others_have_stands_when_a_disk_is_lost(server: Server, tmp_path: Path) -> None:
    """`status` shows beforehand what only this machine has; the rest stays on the others."""
    a, b, c = (Machine(tmp_path / name, server.url) for name in "abc")
    a.append("a1")
    assert_same(a, b)
    a.append("a2")
    assert a.status().unreplicated > 0
    b.ids, a.ids = {"a1"}, {"a1"}
    shutil.rmtree(a.path)
    assert_same(b, c)


def test_a_task_that_loses_a_cancellation_ends() -> None:
    """A relay that gives up would else wait for ever for the task that receives."""

    async def work() -> None:
        lost = 0

        async def receive() -> None:
            nonlocal lost
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    lost += 1
                    if lost > 1:
                        raise

        task = asyncio.create_task(receive())
        await asyncio.sleep(0)
        await asyncio.wait_for(end_tasks([task]), 10)
        assert task.cancelled()

    asyncio.run(work())


def test_a_second_relay_of_one_journal_is_busy(server: Server, tmp_path: Path) -> None:
    """It ends with 7, and the first one is not disturbed."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    with relay_lock(a.directory):
        for command in (("run", "--once"), ("repair",), ("audit",), ("leave",)):
            done = a.run("relay", *command)
            assert done.exit_code == 7, command
            assert f"process {os.getpid()}" in done.stderr
    assert_same(a, b)


def test_a_damaged_mirror_is_fetched_again(server: Server, tmp_path: Path) -> None:
    """`journal verify` finds it, `audit` sets it aside, and the next run brings it back."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    assert_same(a, b)
    assert b.run("relay", "audit").exit_code == 0
    [path] = b.path.glob("lanes/m-*/*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"hello", b"HELLO"))
    assert verify(b.path / "lanes").problems
    done = b.run("relay", "audit", "--json")
    assert done.exit_code == 5
    assert '"damaged":[["m-' in done.stdout
    assert list((b.path / RELAY / "damaged").iterdir())
    assert_same(a, b)


def test_chunks_of_a_newer_version_wait(server: Server, tmp_path: Path) -> None:
    """They are left alone and reported, the cursor stays in front, and the rest arrives."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    a.relay()
    [segment] = own_segments(a.directory.lanes, Names())
    subject = f"aj.f.seg.x.{a.status().machine}.9.1.{segment.name}"

    async def publish() -> int:
        client = await nats.connect(server.url)
        sent = await client.jetstream().publish(subject, b"?", headers={"Aj-V": "2"})
        await client.close()
        return sent.seq

    number = asyncio.run(publish())
    a.append("a2")
    a.relay()
    b.relay()
    assert b.found() == {"a1", "a2"}
    assert "newer agent-journal" in b.status().problems[0]
    assert b.run("relay", "status", "--check").exit_code == 5
    with State(b.path / RELAY / STATE) as state:
        assert int(state.get("cursor")) == 1
    assert_same(a, b)
    server.lose("AJ_f", number)  # as if a program that can read it had been installed
    assert_same(a, b)
    assert b.run("relay", "status", "--check").exit_code == 0


def test_a_hole_is_read_from_another_machine(
    server: Server, tmp_path: Path, start_command: Callable[..., subprocess.Popen[str]]
) -> None:
    """Chunks that are gone in the middle of the stream come from the machine that wrote them."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("long", content="x" * 1_800_000)
    a.append("a2")
    a.relay()

    server.lose("AJ_f", 1, 3)
    b.relay()
    assert b.status().holes == 1
    assert b.found() == set()
    origin = start_command(sys.executable, "-m", "journal", "--journal", a.path, "relay", "run")
    late = time.monotonic() + 30
    while b.status().holes and time.monotonic() < late:
        until(b.relay, CarrierError)
    end(origin)
    assert b.found() == {"long", "a2"}
    assert_same(a, b)


def test_a_keeper_sends_what_an_absent_machine_wrote(server: Server, tmp_path: Path) -> None:
    """The server forgot it; a new machine gets it; its origin comes back later, with news."""
    a, hub = Machine(tmp_path / "a", server.url), Machine(tmp_path / "hub", server.url)
    hub.config = replace(hub.config, keep=True, keep_after=0)
    write_config(hub.directory, hub.config)
    a.append("a1", "a2")
    assert_same(a, hub)
    [(seen, text)] = _peers(hub)
    have, then = parse_have(text.encode()), seen - 3 * 3_600_000_000
    with State(hub.path / RELAY / STATE) as state:
        state.drop_peer(have.machine)
        earlier = replace(have, clock=have.clock - seen + then)
        state.note_peer(have.machine, then, earlier.encode().decode())
    server.kill()
    server.wipe()
    server.start()
    hub.relay()
    late = Machine(tmp_path / "late", server.url)
    late.relay()
    assert late.found() == {"a1", "a2"}
    assert late.run("search", "--machine", "a", "hello", program="projector").exit_code == 0
    [peer] = [peer for peer in late.status().peers if peer.name == "a"]
    assert abs(peer.seen - then) < 60_000_000, "when `a` reported, not when the hub left it"
    assert abs(peer.skew) < 60_000_000, "its clock is not wrong"
    a.append("a3")
    assert_same(a, hub, late)


def test_a_machine_that_only_sends_is_not_waited_for(server: Server, tmp_path: Path) -> None:
    """It mirrors nothing, and is neither behind nor pending after an erasure."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    b.config = replace(b.config, receive=False)
    write_config(b.directory, b.config)
    a.append("a1")
    b.append("b1")
    for machine in (a, b, a, b):
        machine.relay()
    assert a.found() == {"a1", "b1"}
    assert b.found() == {"b1"}
    for machine in (a, b):
        assert machine.run("relay", "status", "--check").exit_code == 0
    assert "sends only" in a.run("relay", "status").stdout
    assert b.status().unreplicated == 0, "it reads the report of `a`, though it mirrors nothing"
    assert a.run("forget", "a", "--yes").exit_code == 0
    a.relay()
    assert a.run("relay", "erased").exit_code == 0


def test_a_clock_that_is_hours_away_is_reported(server: Server, tmp_path: Path) -> None:
    """Dates are wrong, and the order is not."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    assert_same(a, b)
    connection_of = asyncio.run(_have(b))
    report = parse_have(connection_of)
    older = {k: v for k, v in orjson.loads(connection_of).items() if k != "receives"}
    assert parse_have(orjson.dumps(older)) == report, "of a program that does not know the field"
    ahead = replace(report, clock=report.clock + 3 * 3_600_000_000)
    with State(a.path / RELAY / STATE) as state:
        state.note_peer(report.machine, report.clock, ahead.encode().decode())
    assert a.status().peers[0].skew == 3 * 3_600_000_000
    assert "+3.0 hours" in a.run("relay", "status").stdout
    assert_same(a, b)


async def _have(machine: Machine) -> bytes:
    """Return the report that a machine sends while it relays."""
    heard: list[bytes] = []
    connection = await connect(machine.config)
    try:
        carrier = JetStream(connection, machine.config, lambda _: machine.name)
        await carrier.hear(heard.append)
        await carrier.flush()
        await asyncio.to_thread(machine.relay)
        await carrier.flush()
    finally:
        await connection.close()
    return next(data for data in heard if data)


def test_two_contents_of_one_key_are_the_same_conflict_everywhere(
    server: Server, tmp_path: Path
) -> None:
    """The earlier one is in force on all machines."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    for machine, content in ((a, "first"), (b, "second")):
        with Journal.open(machine.path) as journal:
            journal.append_message("shared", "user", content, id="m")
        machine.ids.add("m")
    assert_same(a, b)
    for machine in (a, b):
        with machine.open() as projection:
            assert [m.content for m in projection.messages("shared")] == ["first"]


def test_an_old_server_is_enough(tmp_path: Path) -> None:
    """The protocol needs nothing that nats-server 2.9 does not have."""
    program = os.environ.get("NATS_SERVER_FLOOR", "")
    if not program:
        reason = "NATS_SERVER_FLOOR names no nats-server 2.9"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with Server(tmp_path / "server", program=program, syncs=False) as server:
        a, b = (Machine(tmp_path / name, server.url) for name in "ab")
        a.append("a1")
        b.append("b1")
        assert_same(a, b)
