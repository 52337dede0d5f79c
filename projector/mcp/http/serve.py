"""Serves tools over streamable HTTP to programs of this machine that know a token."""

from __future__ import annotations

import secrets
import socket
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server.lowlevel import Server
    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
PATH = "/mcp"
_BYTES = 32


def new_token() -> str:
    """Return a token of 256 random bits."""
    return secrets.token_urlsafe(_BYTES)


def serve_http(server: Server[Any], port: int, token: str, ready: Callable[[str], None]) -> None:
    """Serve until a signal ends it.

    Args:
        server: answers requests.
        port: the port on loopback; 0 for any that is free.
        token: what each request must have as its bearer token.
        ready: called with the URL as soon as requests can be sent.

    Raises:
        OSError: the port cannot be used.
    """
    with socket.create_server((HOST, port)) as listening:
        bound = listening.getsockname()[1]
        config = uvicorn.Config(
            application(server, bound, token), log_level="warning", access_log=False, ws="none"
        )
        ready(f"http://{HOST}:{bound}{PATH}")
        uvicorn.Server(config).run(sockets=[listening])


def application(server: Server[Any], port: int, token: str) -> ASGIApp:
    """Return the application: only for requests with the token, of this machine.

    A page in a browser can send requests to loopback, also under a name of its own that it lets
    point there: the headers `Host` and `Origin` must name loopback.
    """
    names = [f"{host}:{port}" for host in (HOST, "localhost", "[::1]")]
    security = TransportSecuritySettings(
        allowed_hosts=names, allowed_origins=[f"http://{name}" for name in names]
    )
    inner = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        transport_security=security,
        host=HOST,
    )
    return _WithToken(inner, token)


class _WithToken:
    """Answers 401 to a request without the token, and passes all others on."""

    def __init__(self, inner: ASGIApp, token: str) -> None:
        self._inner = inner
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        given = [value for name, value in scope.get("headers", ()) if name == b"authorization"]
        scheme, _, token = (given[0] if len(given) == 1 else b"").partition(b" ")
        # upper and lower case are the same in the name of the scheme (RFC 9110, section 11.1); it
        # takes as long for a wrong token as for one that is nearly right
        if compare_digest(token.lstrip(b" "), self._token) and scheme.lower() == b"bearer":
            await self._inner(scope, receive, send)
            return
        headers = {"WWW-Authenticate": "Bearer"}
        refused = PlainTextResponse("the bearer token is missing or wrong\n", 401, headers)
        await refused(scope, receive, send)
