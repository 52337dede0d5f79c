"""A token that each request must know, where the server is open to other machines.

The first request has it in its URL. It is answered by a redirect to the same URL without it, and by
a cookie; so the token is neither in the history nor in what a person copies from the address bar.
The value of the cookie is made from the token, and is of no use in a URL.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

from starlette.responses import Response

from projector.web.security.refusal import refuse, values

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

NAME = "token"
"""The parameter of the URL."""
COOKIE = "agent_journal"
SHORTEST = 16
"""Characters of the shortest token that is accepted."""
_BYTES = 32
_REALM = (("WWW-Authenticate", "Bearer"),)
_MISSING = "the token is missing or wrong: open the address that `projector web` printed"


def new_token() -> str:
    """Return a token of 256 random bits."""
    return secrets.token_urlsafe(_BYTES)


class Token:
    """Answers 401 to a request without the token, and passes the others on.

    The token is a cookie, or a bearer token (for programs), or in the URL.
    """

    def __init__(self, inner: ASGIApp, token: str) -> None:
        self._inner = inner
        self._token = token.encode()
        self._cookie = hmac.new(self._token, b"cookie", sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        given, others = _from_query(scope["query_string"])
        if given:
            if len(given) != 1 or not hmac.compare_digest(given[0].encode(), self._token):
                await refuse(scope, receive, send, 401, _MISSING, _REALM)
                return
            await self._redirect(scope, others)(scope, receive, send)
            return
        if self._is_known(scope):
            await self._inner(scope, receive, send)
            return
        await refuse(scope, receive, send, 401, _MISSING, _REALM)

    def _is_known(self, scope: Scope) -> bool:
        bearer = values(scope, b"authorization")
        if len(bearer) == 1 and hmac.compare_digest(bearer[0], b"Bearer " + self._token):
            return True
        return any(
            hmac.compare_digest(value.encode(), self._cookie.encode()) for value in _cookies(scope)
        )

    def _redirect(self, scope: Scope, others: list[tuple[str, str]]) -> Response:
        # a path that begins with two slashes would be another server
        path = "/" + quote(scope["path"].lstrip("/"))
        location = f"{path}?{urlencode(others)}" if others else path
        response = Response(status_code=303, headers={"Location": location})
        response.set_cookie(COOKIE, self._cookie, httponly=True, samesite="strict", path="/")
        return response


def _from_query(query: bytes) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the tokens of a query string, and its other parameters."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    tokens = [value for name, value in pairs if name == NAME]
    return tokens, [pair for pair in pairs if pair[0] != NAME]


def _cookies(scope: Scope) -> list[str]:
    """Return the values of this server's cookie; programs of other ports may have set it, too."""
    found = []
    for header in values(scope, b"cookie"):
        for pair in header.decode("latin-1").split(";"):
            try:
                parsed = SimpleCookie(pair.strip())
            except CookieError:  # a name that no cookie of this server has
                continue
            found += [morsel.value for name, morsel in parsed.items() if name == COOKIE]
    return found
