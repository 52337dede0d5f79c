"""Serves the application on a socket until a signal ends it."""

from __future__ import annotations

import ctypes
import socket
import sys
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio
import uvicorn
from anyio import to_thread

from projector.db.generations import find_generations
from projector.web.app import application
from projector.web.live.hub import Hub
from projector.web.pages import prepare
from projector.web.reading import Readings
from projector.web.security import guarded
from projector.web.security.connection import Connection
from projector.web.security.hosts import LOOPBACK, host_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import ASGIApp

_ARENAS = -8
"""The number of the parameter `M_ARENA_MAX` in `malloc.h` of the GNU C library."""
_SWITCH = 0.0005
"""Seconds after which a thread that counts lets a page go on. A page waits for its turn after each
of its queries, and Python's own 5 ms make a tenth of a second of some 20 queries."""
_GRACE = 1
"""Seconds that open connections get at the end: a page that listens for events has one."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen.

    Attributes:
        host: an address or a name of this machine.
        port: 0 for any that is free.
        names: further names by which browsers address the server.
        token: what each request must know; None where none is needed.
    """

    host: str
    port: int
    names: tuple[str, ...]
    token: str | None

    def allowed(self, port: int) -> frozenset[str]:
        """Return the values of the header `Host` that are this server on a port."""
        own = LOOPBACK if is_loopback(self.host) else (self.host,)
        return host_names((*own, *self.names), port)

    def url(self, port: int) -> str:
        """Return the address of the first page, with the token."""
        host = self.names[0] if is_any(self.host) and self.names else self.host
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{port}/" + (
            f"?token={quote(self.token, safe='')}" if self.token else ""
        )


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_any(host: str) -> bool:
    """Return whether a host stands for all addresses of this machine."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def serve(path: Path, address: Address, ready: Callable[[str], None]) -> None:
    """Serve until a signal ends it.

    Args:
        path: folder of the journal.
        address: where.
        ready: called with the URL as soon as requests can be sent.

    Raises:
        OSError: the port cannot be used.
        NotAJournalError, ProjectionError: there is nothing to read.
    """
    share_memory()
    sys.setswitchinterval(_SWITCH)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with (
        Readings(path) as readings,
        socket.create_server((address.host, address.port), family=family) as listening,
    ):
        port = listening.getsockname()[1]
        hub = Hub(find_generations(readings.path).folder)
        app = guarded(application(readings, hub), address.allowed(port), address.token)
        server = Server(app, hub)
        # on a loop, as requests are answered: it is loaded, too
        anyio.run(to_thread.run_sync, prepare, readings)
        ready(address.url(port))
        server.run(sockets=[listening])


def share_memory() -> None:
    """Let all threads allocate in one heap, if the C library has a setting for it.

    Each thread would get a heap of its own, and keep what its largest page needed: some 15 MB more
    for the threads that make pages. They rarely allocate at the same moment, as Python runs one of
    them at a time.
    """
    set_parameter = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_parameter is not None:  # of another C library
        set_parameter(_ARENAS, 1)


class Server(uvicorn.Server):
    """Ends the streams of events before it waits for open connections to end.

    Args:
        app: answers requests.
        hub: of the streams.
    """

    def __init__(self, app: ASGIApp, hub: Hub) -> None:
        config = uvicorn.Config(
            app,
            http=Connection,
            log_level="warning",
            access_log=False,
            ws="none",
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
        )
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down."""
        self._hub.close()
        await super().shutdown(sockets)
