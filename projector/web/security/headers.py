"""Headers of every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types agent-journal"
)
"""What a page may load: this server's own files, and images that are in the page. No inline script
and no inline style; a script makes HTML only through the one policy in `assets/html.js`."""

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


def all_headers(given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer with those that every answer has."""
    found = [pair for pair in given if pair[0] not in _HEADERS]
    if all(name != _CACHE for name, _ in found):
        found.append((_CACHE, _NO_STORE))
    return [*found, *_HEADERS.items()]


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
                message["headers"] = all_headers(message.get("headers", ()))
            await send(message)

        await self._inner(scope, receive, with_headers)
