"""The allowlist of names by which this server may be addressed.

A page of another origin can let a name of its own point to loopback (DNS rebinding). The browser
then takes the answers for that page's own, but it sends the page's name in the header `Host`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.web.security.refusal import refuse, values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names of loopback that a server on loopback answers to."""
_DEFAULT_PORT = 80
"""A browser leaves this port out of the header."""


class Hosts:
    """Answers 421 to a request whose header `Host` is not on the list, and passes the others on."""

    def __init__(self, inner: ASGIApp, names: Collection[str]) -> None:
        self._inner = inner
        self._names = frozenset(name.encode() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        given = values(scope, b"host")
        if len(given) == 1 and given[0].lower() in self._names:
            await self._inner(scope, receive, send)
            return
        await refuse(scope, receive, send, 421, "this server has another name")


def host_names(hosts: Iterable[str], port: int) -> frozenset[str]:
    """Return the values of the header `Host` that name a server on a port.

    Args:
        hosts: names and addresses; one of IPv6 without brackets.
        port: the port that the server listens to.
    """
    named = [f"[{host}]" if ":" in host else host.lower() for host in hosts]
    found = {f"{host}:{port}" for host in named}
    return frozenset(found | set(named) if port == _DEFAULT_PORT else found)
