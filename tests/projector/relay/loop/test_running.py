"""How a relay goes on after a failure or a start: with its connection, and with what is wrong."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import nats
import pytest

from projector.relay.chunk import Chunk, Place, headers
from projector.relay.errors import CarrierError
from projector.relay.files.own import Names, own_segments
from projector.relay.loop import run, work
from projector.relay.loop.bell import Bell
from projector.relay.loop.rest import Rest
from projector.relay.server.jetstream import JetStream
from tests.support.relay.fleet import Machine, assert_same

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from journal.fs.directory import Directory
    from projector.relay.carrier import Arrived
    from projector.relay.config import Config
    from tests.support.relay.servers import Server

_PATIENCE = 30.0
"""Seconds until a failure must be found."""


def test_the_pauses_are_short_again_after_a_connection_that_held(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else each loss of a connection costs the longest pause of the past, for months."""
    a = Machine(tmp_path / "a", "nats://127.0.0.1:1")
    held = [0.0, 0.0, 0.0, 0.1, 0.0, None]
    pauses = []

    async def connected(
        _journal: Directory, _config: Config, _rest: Rest, stop: asyncio.Event, _bell: Bell
    ) -> None:
        seconds = held.pop(0)
        if seconds is None:
            stop.set()
            return
        await asyncio.sleep(seconds)
        raise CarrierError("it is lost")

    async def sleep(_stop: asyncio.Event, seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(run, "_connected", connected)
    monkeypatch.setattr(run, "_sleep", sleep)
    monkeypatch.setattr(run, "_HELD", 0.05)
    monkeypatch.setattr(random, "uniform", lambda _least, most: most)
    run.relay_always(a.directory, a.config)
    assert pauses == [0.2, 0.4, 0.8, 0.2, 0.4]


def test_a_relay_to_which_nothing_comes_any_more_connects_again(
    monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path
) -> None:
    """As from a server that reads the store of a newer one: what it has does not arrive."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    a.relay()

    async def follow(_self: JetStream, _cursor: int) -> AsyncIterator[Arrived]:
        await asyncio.Event().wait()
        never: list[Arrived] = []
        for each in never:
            yield each

    monkeypatch.setattr(JetStream, "follow", follow)
    monkeypatch.setattr(work, "_CHECK", 0.1)
    monkeypatch.setattr(work, "_STALLED", 0.3)

    async def relay() -> None:
        with Bell(b.directory.lanes) as bell:
            connected = run._connected(b.directory, b.config, Rest(), asyncio.Event(), bell)
            await asyncio.wait_for(connected, _PATIENCE)

    for reason in ("another one", "does not arrive"):
        with pytest.raises(Exception, match=reason):
            asyncio.run(relay())
    monkeypatch.undo()
    assert_same(a, b)


def _send_a_fork(server: Server, machine: Machine) -> tuple[Place, int]:
    """Send other bytes than those of a machine's segment, as a server without fences lets one.

    Returns:
        The segment, and the number of the message.
    """
    uuid = machine.status().machine
    [segment] = own_segments(machine.directory.lanes, Names())
    place = segment.place(uuid)
    content = segment.path.read_bytes()
    begin = content.index(b"hello")
    fork = Chunk(place, begin, 0, b"other")
    subject = f"aj.f.seg.{machine.name}.{uuid}.{place.lane}.{place.number}.{place.segment}"

    async def publish() -> int:
        client = await nats.connect(server.url)
        sent = await client.jetstream().publish(subject, fork.data, headers=headers(fork))
        await client.close()
        return sent.seq

    return place, asyncio.run(publish())


def test_a_fork_is_shown_after_a_restart_until_its_machine_has_the_same_bytes(
    server: Server, tmp_path: Path
) -> None:
    """The chunk is passed once; the next run does not meet it."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    assert_same(a, b)
    place, _ = _send_a_fork(server, a)
    for _ in range(3):
        b.relay()
        [problem] = b.status().problems
        assert f"({place.segment}): other bytes at" in problem
        assert b.run("relay", "status", "--check").exit_code == 5
    a.append("a2")
    a.relay()
    assert a.status().former == (place.machine,), "others have bytes under its name"
    assert a.status().problems
    assert_same(a, b, kinds=frozenset({"duplicate", "copy"}))
    for machine in (b, a, b):
        machine.relay()
    assert (a.status().problems, b.status().problems) == ((), ())


def test_a_fork_is_shown_until_its_segment_is_replaced(server: Server, tmp_path: Path) -> None:
    """As after an erasure: nothing of it is left that could differ."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    b.append("b1")
    assert_same(a, b)
    _, number = _send_a_fork(server, a)
    b.relay()
    assert b.status().problems
    server.lose("AJ_f", number)  # or `a` would become another machine, which erases nothing
    assert a.run("forget", "a", "--yes").exit_code == 0
    a.ids.clear()
    a.relay()
    b.relay()
    assert b.status().problems == ()
    assert b.run("forget", "--finish").exit_code == 0
    assert_same(a, b)
