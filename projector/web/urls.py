"""Addresses of pages. Ids are parameters, as a browser would change some of them in a path."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Callable

SESSIONS = "/sessions"
SESSION = "/session"
TAIL = "/session/tail"
EXPORT = "/session/export"
MESSAGE = "/message"
SEARCH = "/search"
DASHBOARD = "/dashboard"
EVENTS = "/events"


def page(path: str, **state: str | int | None) -> str:
    """Return an address with the parameters that have a value."""
    given = [(name, value) for name, value in state.items() if value not in {None, ""}]
    return f"{path}?{urlencode(given)}" if given else path


def session(id: str, **state: str | int | None) -> str:
    """Return the address of a session; `at` is the id of a message in it."""
    at = state.get("at")
    there = page(SESSION, id=id, **state)
    return there if at is None else f"{there}#{anchor(id, str(at))}"


def anchor(session: str, message: str) -> str:
    """Return the id of the element that shows a message: the same for one message on all pages."""
    named = f"{session}\n{message}"  # no id has a newline
    return f"m-{sha256(named.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


GLOBALS: dict[str, Callable[..., str]] = {
    "url": page,
    "session_url": session,
    "anchor": anchor,
}
