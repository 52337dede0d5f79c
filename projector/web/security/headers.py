"""Headers of every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types agent-journal"
)
"""What a page may load: this server's own files, and images that are in the page. No inline script
and no inline style; a script makes HTML only through the one policy in `assets/page.js`."""

_HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"x-frame-options": b"DENY",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), usb=()",
}
_CACHE = b"cache-control"
_NO_STORE = b"no-store"
"""What a conversation holds stays out of the cache of the browser."""


class Headers:
    """Adds the headers to the answers of an application."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [pair for pair in message.get("headers", ()) if pair[0] not in _HEADERS]
                if all(name != _CACHE for name, _ in given):
                    given.append((_CACHE, _NO_STORE))
                message["headers"] = [*given, *_HEADERS.items()]
            await send(message)

        await self._inner(scope, receive, with_headers)
