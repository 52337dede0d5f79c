"""A connection to the server: it ends when it is lost, and errors name what was refused."""

from __future__ import annotations

import logging
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

import nats.aio.client
from nats import errors
from nats.aio.client import Client
from nats.js.errors import Error as JetStreamError

from projector.relay.errors import CarrierError, RelayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projector.relay.config import Config

logging.getLogger("asyncio").addFilter(lambda record: "eof_received()" not in record.getMessage())
"""The client ends each TLS connection in a way that asyncio warns of, and the user can do nothing
about it."""
_CONNECT = 5
"""Seconds to connect."""
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _Client(Client):
    """A client that is quicker with headers.

    nats-py looks at each character of each name: a sixth of what a relay among twelve machines did.
    """

    @staticmethod
    def _parse_header_lines(raw: bytes) -> dict[str, str]:
        lines = (line.partition(b":") for line in raw.split(b"\r\n"))
        return {_text(name): _text(value) for name, colon, value in lines if colon}


def _text(raw: bytes) -> str:
    return raw.strip().decode("utf-8", "replace")


class Connection:
    """An open connection; it never connects again by itself.

    Attributes:
        client: of nats-py.
        failures: errors that came beside any request.
    """

    def __init__(self, client: Client, failures: list[str]) -> None:
        self.client = client
        self.failures = failures

    def check(self) -> None:
        """Raise an error if the connection is lost, or something was refused or dropped.

        Raises:
            CarrierError: it is.
        """
        if not self.client.is_connected:
            why = f": {self.failures[-1]}" if self.failures else ""
            raise CarrierError(f"the connection to the server is lost{why}")
        for failure in self.failures:
            if "permissions violation" in failure.lower():
                raise CarrierError(f"the server refuses it: {failure}")
            if "slow consumer" in failure.lower():
                raise CarrierError("more came than could be held, and some of it was dropped")

    @contextmanager
    def refusals(self, what: str = "") -> Iterator[None]:
        """Turn errors of the client into `CarrierError`, with the reason that the server gave.

        A server answers what is not permitted with an error beside the request, which ends by
        its time limit.
        """
        try:
            yield
        except (errors.Error, JetStreamError, TimeoutError, OSError) as error:
            reasons = [f for f in self.failures if "permissions violation" in f.lower()]
            why = reasons[-1] if reasons else (str(error) or type(error).__name__)
            about = f" ({what})" if what else ""
            raise CarrierError(f"the server did not take it{about}: {why}") from error

    async def close(self) -> None:
        """Close it."""
        await self.client.close()


def check_url(url: str) -> None:
    """Refuse an address without TLS, other than one of this machine.

    Raises:
        RelayError: it is one, or no address.
    """
    for each in url.split(","):
        parts = urlsplit(each)
        if parts.scheme not in {"tls", "nats"} or not parts.hostname or not _has_port(parts):
            raise RelayError(f"{each!r:.200} is no address of a server: tls://HOST:PORT is one")
        if parts.scheme == "nats" and parts.hostname not in _LOOPBACK:
            raise RelayError(
                f"{each!r:.200} has no TLS, and the server is on another machine: everything would"
                " be readable on the way, give tls://HOST:PORT"
            )


def _has_port(parts: SplitResult) -> bool:
    """Return whether the port of an address is one, or is left out."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


async def connect(config: Config) -> Connection:
    """Connect to the server of the fleet.

    Raises:
        RelayError: the address is not allowed.
        CarrierError: the server cannot be reached, or refuses the user.
    """
    check_url(config.url)
    failures: list[str] = []

    async def note(error: Exception) -> None:
        failures.append(str(error) or type(error).__name__)

    options: dict[str, Any] = {}
    if config.url.startswith("tls:"):
        context = ssl.create_default_context(cadata=config.ca or None)
        options["tls"] = context
    if config.user:
        options |= {"user": config.user, "password": config.secret}
    client = _Client()
    # a parser of mails that nats-py uses where it is installed: its releases of today return lists
    # of values, and no chunk would be understood
    nats.aio.client.parse_email = None  # type: ignore[attr-defined]
    try:
        await client.connect(
            config.url.split(","),
            name=f"agent-journal relay {config.name}",
            error_cb=note,
            allow_reconnect=False,
            connect_timeout=_CONNECT,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,  # before the second try to connect, which the caller repeats
            ping_interval=10,
            max_outstanding_pings=2,
            inbox_prefix=f"_INBOX_{config.sender}".encode(),
            **options,
        )
    except (errors.Error, OSError, ssl.SSLError, TimeoutError) as error:
        # the socket would be open until its memory is collected; the client's own `close` waits for
        # a task that is started after the greeting
        if (transport := client._transport) is not None:  # noqa: SLF001
            transport.close()  # type: ignore[no-untyped-call]
        reasons = [str(error) or type(error).__name__, *failures]
        raise CarrierError(f"cannot connect to {config.url}: {reasons[-1]}") from error
    return Connection(client, failures)
