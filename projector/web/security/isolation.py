"""Pages of other origins may link to this server, and load nothing from it.

Such a page reads no answer. But the time that a search takes, or the number of frames that a page
opens, can reveal whether a word was found. Browsers say in `Sec-Fetch-Site` who asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.web.security.refusal import refuse, values

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_OWN = frozenset({b"same-origin", b"none"})
"""This server's own pages, and what a person typed. Another port of one name is not the same."""


class Isolation:
    """Answers 403 to what a page of another origin loads, and passes all other requests on.

    A program that is no browser does not send the headers, and is not concerned.
    """

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan" or _is_allowed(scope):
            await self._inner(scope, receive, send)
            return
        await refuse(scope, receive, send, 403, "pages of other origins may not load this")


def _is_allowed(scope: Scope) -> bool:
    site = values(scope, b"sec-fetch-site")
    if not site or (len(site) == 1 and site[0] in _OWN):
        return True
    mode, target = values(scope, b"sec-fetch-mode"), values(scope, b"sec-fetch-dest")
    return mode == [b"navigate"] and target == [b"document"]
