"""Only methods that read are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.web.security.refusal import refuse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

READING = frozenset({"GET", "HEAD"})


class Methods:
    """Answers 405 to a request that is neither GET nor HEAD, and passes the others on."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        # a WebSocket can send messages after the request, so it is no method that only reads
        if scope["type"] == "lifespan" or scope.get("method") in READING:
            await self._inner(scope, receive, send)
            return
        allow = [("Allow", ", ".join(sorted(READING)))]
        await refuse(scope, receive, send, 405, "this server only reads: GET or HEAD", allow)
