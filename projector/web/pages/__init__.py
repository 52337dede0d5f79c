"""The pages: each module answers one path."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from projector.web import urls
from projector.web.page import Page
from projector.web.pages import dashboard, search, session, sessions
from projector.web.reading import Readings

Make = Callable[[Readings, Mapping[str, str]], Page]
"""Makes a page of the parameters of its address."""

PAGES: Mapping[str, Make] = {
    urls.SESSIONS: sessions.sessions,
    urls.SESSION: session.session,
    urls.TAIL: session.tail,
    urls.MESSAGE: session.message,
    urls.SEARCH: search.search,
    urls.DASHBOARD: dashboard.dashboard,
}
