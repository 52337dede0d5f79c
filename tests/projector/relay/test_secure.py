"""TLS, and a user for each machine with what it needs and no more, on a real server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal import Journal
from journal.cli import cli
from journal.fs.directory import open_directory
from projector.relay.chunk import Chunk, Place
from projector.relay.config import read_config
from projector.relay.errors import CarrierError, RelayError
from projector.relay.server.connection import check_url, connect
from projector.relay.server.jetstream import JetStream
from projector.relay.server.permissions import publishes
from tests.support.disks.in_memory import in_memory
from tests.support.relay.servers import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result


def run(*arguments: object) -> Result:
    """Run a command of `journal`."""
    return CliRunner().invoke(cli, list(map(str, arguments)))


class Fleet:
    """A server with TLS and the users that `init` makes, and two machines that joined."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        port = free_port()
        self.url = f"tls://localhost:{port}"
        keys = folder / "keys"
        made = run(
            *("relay", "init", "--name", "hub", "--machines", "desk,laptop", "--fleet", "home"),
            *("--port", port, "--folder", keys),
        )
        assert made.exit_code == 0, made.output
        self.server = Server(folder / "server", port=port)
        (self.server.folder / "nats.conf").write_text(made.stdout)
        self.server.start()
        for name in ("hub", "desk"):
            path = folder / name
            with Journal.open(path) as journal:
                journal.append_message(name, "user", f"hello from {name}", id=f"{name}1")
            joined = run(
                *("--journal", path, "relay", "join", self.url, "--fleet", "home"),
                *("--creds", keys / f"{name}.creds", *(["--keep"] if name == "hub" else [])),
            )
            assert joined.exit_code == 0, joined.output

    def config(self, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN201 - one line
        """Return the configuration of a machine."""
        return read_config(open_directory(self.folder / name))


pytestmark = pytest.mark.xdist_group("relay_secure")  # one server for all


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """One fleet for all tests of this module."""
    with in_memory() as folder:
        fleet = Fleet(folder)
        yield fleet
        fleet.server.kill()


def test_machines_share_over_tls(fleet: Fleet) -> None:
    """Each finds the other's events; the secrets are in no file that others may read."""
    for name in ("hub", "desk", "hub"):
        done = run("--journal", fleet.folder / name, "relay", "run", "--once")
        assert done.exit_code == 0, done.output
    assert list(fleet.folder.glob("desk/lanes/m-*/*.jsonl"))
    assert list(fleet.folder.glob("hub/lanes/m-*/*.jsonl"))
    for path in (*fleet.folder.glob("keys/*.*"), fleet.folder / "desk/relay/config.toml"):
        assert path.stat().st_mode & 0o77 == 0, path
    secret = fleet.config("desk").secret
    assert secret not in (fleet.folder / "keys" / "users.toml").read_text()


def test_a_second_init_keeps_what_is_there_and_adds_a_machine(fleet: Fleet) -> None:
    """Users and certificates stay valid; only a new machine gets credentials."""
    keys = fleet.folder / "keys"
    before = (keys / "ca.pem").read_bytes(), (keys / "desk.creds").read_bytes()
    arguments = ("relay", "init", "--name", "hub", "--machines", "desk,laptop,phone")
    made = run(*arguments, "--fleet", "home", "--folder", keys)
    assert before == ((keys / "ca.pem").read_bytes(), (keys / "desk.creds").read_bytes())
    assert f"credentials: {keys / 'phone.creds'}\n" in made.stderr
    assert "desk.creds" not in made.stderr
    assert '"phone"' in made.stdout
    assert "\n[Service]\nExecStart=" in made.stderr


def test_three_servers_are_named_to_init(tmp_path: Path) -> None:
    """The certificate is for all of them, and each finds the others."""
    asked = ("relay", "init", "--name", "hub", "--folder", tmp_path, "--replicas", 3)
    few = run(*asked, "--host", "one")
    assert (few.exit_code, "3 times --host" in few.stderr) == (2, True)
    hosts = ("--host", "one", "--host", "two", "--host", "10.0.0.3")
    made = run(*asked, *hosts)
    assert made.exit_code == 0, made.output
    assert 'routes: ["nats://one:6222", "nats://two:6222", "nats://10.0.0.3:6222"]' in made.stdout
    assert run(*asked, *hosts).exit_code == 0
    other = run(*asked[:-2], "--host", "four")
    assert other.exit_code == 1
    assert "server.pem is not for four" in other.stderr


@pytest.mark.parametrize("name", ["admin", "a b", "x.y", "a/b", ""])
def test_init_refuses_names_that_cannot_be(tmp_path: Path, name: str) -> None:
    """A name becomes a part of subjects and of files."""
    assert run("relay", "init", "--name", name, "--folder", tmp_path).exit_code == 1


def test_join_refuses_a_plain_connection_elsewhere() -> None:
    """Without TLS only a server on this machine is taken."""
    check_url("nats://127.0.0.1:4222")
    check_url("nats://localhost:4222,nats://[::1]:4222")
    for url in ("nats://hub:4222", "nats://127.0.0.1:1,nats://10.0.0.1:2", "hub", "ws://hub"):
        with pytest.raises(RelayError, match=r"tls://"):
            check_url(url)


# the loop ends at once, before the other side has answered to the end of TLS
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_wrong_password_and_a_wrong_authority_are_refused(fleet: Fleet) -> None:
    """The error says what it is."""
    config = fleet.config("desk")

    async def attempt(**changes: str) -> None:
        await (await connect(replace(config, **changes))).close()

    with pytest.raises(CarrierError, match=r"(?i)authorization"):
        asyncio.run(attempt(secret=config.secret[::-1]))
    with pytest.raises(CarrierError, match=r"(?i)certificate"):
        asyncio.run(attempt(ca=""))


def _refusal(fleet: Fleet, user: str, subject: str) -> str:
    """Return what the server says to a publication; nothing if it takes it."""
    return asyncio.run(_publish(fleet, user, subject))


async def _publish(fleet: Fleet, user: str, subject: str) -> str:
    connection = await connect(fleet.config(user))
    try:
        await connection.client.publish(subject, b"{}")
        await connection.client.flush()
        await asyncio.sleep(0.05)
        return " ".join(connection.failures).lower()
    finally:
        await connection.close()


_MACHINE = "0199c0de-0000-7000-8000-000000000001"


@pytest.mark.parametrize("subject", publishes("home", "desk", keeps=False))
def test_a_machine_may_publish_what_it_needs(fleet: Fleet, subject: str) -> None:
    """Each permission is there."""
    concrete = subject.replace("*", "x").replace(">", "x.y")
    assert _refusal(fleet, "desk", concrete) == ""


@pytest.mark.parametrize(
    "subject",
    [
        f"aj.home.seg.laptop.{_MACHINE}.1.1.{_MACHINE}",
        f"aj.other.seg.desk.{_MACHINE}.1.1.{_MACHINE}",
        "aj.home.have.laptop",
        "$JS.API.STREAM.CREATE.AJ_home",
        "$JS.API.STREAM.UPDATE.AJ_home",
        "$JS.API.STREAM.DELETE.AJ_home",
        "$JS.API.STREAM.PURGE.AJ_home",
        "$JS.API.STREAM.MSG.DELETE.AJ_other",
        "$JS.API.STREAM.CREATE.AJ_other",
        "$JS.API.CONSUMER.DURABLE.CREATE.AJ_home.x",
        "$SYS.REQ.SERVER.PING",
        "_INBOX_laptop.x",
    ],
)
def test_a_machine_may_publish_nothing_else(fleet: Fleet, subject: str) -> None:
    """Each subject is refused, and the error names it."""
    found = _refusal(fleet, "desk", subject)
    assert "permissions violation" in found
    assert subject.lower() in found


def test_a_keeper_may_send_for_others(fleet: Fleet) -> None:
    """The hub sends what absent machines wrote, and may not change the stream either."""
    assert _refusal(fleet, "hub", f"aj.home.seg.laptop.{_MACHINE}.1.1.{_MACHINE}") == ""
    assert "permissions violation" in _refusal(fleet, "hub", "$JS.API.STREAM.PURGE.AJ_home")


@pytest.mark.parametrize("subject", ["_INBOX_laptop.>", "aj.home.seg.>", ">", "$JS.>"])
def test_a_machine_may_hear_only_its_own(fleet: Fleet, subject: str) -> None:
    """What is not addressed to it is not delivered, but through the stream."""

    async def subscribe() -> str:
        connection = await connect(fleet.config("desk"))
        try:
            await connection.client.subscribe(subject)
            await connection.client.flush()
            await asyncio.sleep(0.05)
            return " ".join(connection.failures).lower()
        finally:
            await connection.close()

    assert "permissions violation" in asyncio.run(subscribe())


def test_a_refusal_is_an_error_that_names_the_subject(fleet: Fleet) -> None:
    """The client shows a refusal as a time limit; the relay says what was refused."""

    async def send() -> None:
        connection = await connect(fleet.config("desk"))
        try:
            config = replace(fleet.config("desk"), timeout=1)
            carrier = JetStream(connection, config, lambda _: "laptop")
            place = Place(_MACHINE, 1, 1, _MACHINE)
            await carrier.send(Chunk(place, 0, 0, b"x\n"), 0)
        finally:
            await connection.close()

    with pytest.raises(CarrierError, match=r"(?i)permissions violation.*aj\.home\.seg\.laptop"):
        asyncio.run(send())
