"""The client of the server: headers, and what else is installed beside it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import nats.aio.client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.errors import SlowConsumerError

from projector.relay.chunk import Chunk, Place
from projector.relay.errors import CarrierError, RelayError
from projector.relay.server.connection import Connection, _Client, check_url, connect
from projector.relay.server.jetstream import JetStream
from tests.support.relay.fleet import Machine, assert_same

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from tests.support.relay.servers import Server

_NAMES = st.from_regex(r"[A-Za-z-]{1,40}", fullmatch=True)
_VALUES = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))


@given(st.dictionaries(_NAMES, _VALUES))
def test_headers_are_read_as_the_library_reads_them(fields: dict[str, str]) -> None:
    """Names and values, without the spaces around them."""
    raw = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
    assert _Client._parse_header_lines(raw) == Client._parse_header_lines(raw)


def test_a_parser_of_mails_beside_the_client_stops_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """nats-py uses it where it is installed; it returns lists, of which no chunk can be read."""

    class Parsed:
        headers: dict[str, Any]

    def parse(raw: bytes) -> Parsed:
        parsed = Parsed()
        fields = Client._parse_header_lines(raw)
        parsed.headers = {name: [value] for name, value in fields.items()}
        return parsed

    monkeypatch.setattr(nats.aio.client, "parse_email", parse)
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("hello")
    for machine in (a, b, a):
        machine.relay()
    assert_same(a, b)


_UUID = "01998a8e-1c3f-7000-8000-3f6b1c2d4e5f"
_PLACE = Place(_UUID, 1, 1, _UUID)


async def _first(found: AsyncIterator[object]) -> None:
    async for _ in found:
        return


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.exists(),
        lambda c: c.identity(0),
        lambda c: c.send(Chunk(_PLACE, 0, 0, b"x"), 0),
        lambda c: c.last(_PLACE),
        lambda c: _first(c.follow(0)),
        lambda c: c.read(_PLACE, 0),
        lambda c: c.serve(lambda _place, _offset: None),
        lambda c: c.erase(_UUID),
        lambda c: c.send_key("ab", "cd"),
        lambda c: c.leave_report(_UUID, b"x"),
        lambda c: _first(c.reports()),
        lambda c: c.report(b"x"),
        lambda c: c.hear(lambda _data: None),
        lambda c: c.flush(),
    ],
    ids=lambda call: "-".join(call.__code__.co_names[-2:]),
)
def test_a_connection_that_is_lost_is_an_error_of_the_carrier(
    server: Server, tmp_path: Path, call: Callable[[JetStream], Coroutine[Any, Any, object]]
) -> None:
    """Whatever is done at that moment: a relay that runs tries again, and does not end."""
    a = Machine(tmp_path / "a", server.url, timeout=2)
    a.relay()

    async def lose() -> None:
        connection = await connect(a.config)
        carrier = JetStream(connection, a.config, lambda _: "a")
        await connection.close()
        await call(carrier)

    with pytest.raises(CarrierError):
        asyncio.run(lose())


@pytest.mark.slow
def test_the_server_waits_for_a_machine_that_takes_long(server: Server, tmp_path: Path) -> None:
    """Else the client holds a backlog of any size, and drops what is above its limit."""
    a = Machine(tmp_path / "a", server.url)
    a.relay()
    name = f"aj.{a.config.fleet}.seg.{a.config.sender}.{_UUID}.1.1.{_UUID}"
    each, count = bytes(20_000), 5_000

    async def follow() -> int:
        connection = await connect(a.config)
        client = connection.client
        for first in range(0, count, 500):
            for _ in range(first, first + 500):
                await client.publish(name, each)
            await client.flush(30)
        found = JetStream(connection, a.config, lambda _: "a").follow(0)
        await anext(found)
        before, held = -1, 0
        while held != before:
            await asyncio.sleep(1)
            before, held = held, sum(sub.pending_bytes for sub in client._subs.values())
        got = 0
        async for _ in found:
            got += 1
            if got >= count:  # the report of the machine came first
                break
        await connection.close()
        return held

    held = asyncio.run(asyncio.wait_for(follow(), 90))
    assert 0 < held < 60_000_000


def test_a_message_that_was_dropped_ends_the_connection() -> None:
    """The relay connects again, and reads on behind the last one that it has."""

    class Connected:
        is_connected = True

    connection = Connection(Connected(), [])  # type: ignore[arg-type]
    connection.check()
    connection.failures.append(str(SlowConsumerError("s", "r", 1, None)))  # type: ignore[arg-type]
    with pytest.raises(CarrierError, match="dropped"):
        connection.check()


@pytest.mark.parametrize("port", ["99999", "0", "x", "-1"])
def test_an_address_with_no_port_is_refused(port: str) -> None:
    """The client would name no port, and its error reads like one of the network."""
    with pytest.raises(RelayError, match="is no address of a server"):
        check_url(f"tls://hub:{port}")


@pytest.mark.parametrize("url", ["tls://hub", "tls://hub:4222", "tls://a:1,tls://b:2"])
def test_an_address_is_taken(url: str) -> None:
    """With and without a port, and several of them."""
    check_url(url)
