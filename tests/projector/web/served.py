"""A viewer that serves a journal on loopback, in a thread, and requests as raw bytes."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projector.db.generations import find_generations
from projector.projection import Projection
from projector.web.app import application
from projector.web.live.hub import Hub
from projector.web.reading import Readings
from projector.web.security import guarded
from projector.web.security.hosts import LOOPBACK, host_names
from projector.web.serve import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TIMEOUT = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, as it came.

    Attributes:
        status: of HTTP.
        headers: by lower-case name; one that comes twice has both values, joined.
        body: the bytes after the headers.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass(frozen=True, slots=True)
class Served:
    """A viewer that runs."""

    port: int

    @property
    def host(self) -> str:
        """The value of the header `Host` that it answers to."""
        return f"127.0.0.1:{self.port}"

    def raw(self, request: bytes) -> Answer:
        """Send bytes, and return the answer to them."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_TIMEOUT) as connection:
            connection.sendall(request)
            data = bytearray()
            while piece := connection.recv(65_536):
                data += piece
        head, _, body = bytes(data).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        return Answer(int(first.split()[1]), headers, body)

    def json(self, target: str) -> Any:  # noqa: ANN401 - JSON
        """Request JSON, which must be answered."""
        answer = self.get(target)
        assert answer.status == 200, answer.text
        return json.loads(answer.text)

    def get(
        self,
        target: str,
        *headers: str,
        method: str = "GET",
        host: str | None = None,
    ) -> Answer:
        """Request a target; `headers` are whole lines."""
        named = f"Host: {self.host if host is None else host}"
        lines = [f"{method} {target} HTTP/1.1", named, "Connection: close", *headers, "", ""]
        return self.raw("\r\n".join(lines).encode("latin-1"))


@contextmanager
def served(path: Path, token: str | None = None) -> Iterator[Served]:
    """Serve the journal at a path, whose events are all applied."""
    with Projection.open(path) as projection:
        projection.read(lambda _: None)
    with Readings(path) as readings, socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        hub = Hub(find_generations(path).folder)
        app = guarded(application(readings, hub), host_names(LOOPBACK, port), token)
        server = Server(app, hub)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield Served(port)
        finally:
            server.should_exit = True
            thread.join(_TIMEOUT)
            assert not thread.is_alive()
