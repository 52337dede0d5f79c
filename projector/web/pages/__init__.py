"""The pages: each module answers one path."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from journal.errors import JournalError
from projector.errors import ProjectionError
from projector.web import urls
from projector.web.page import Page
from projector.web.pages import dashboard, messages, search, session, sessions
from projector.web.reading import Readings
from projector.web.render.markdown import markdown
from projector.web.templating import load

_log = logging.getLogger(__name__)

Make = Callable[[Readings, Mapping[str, str]], Page]
"""Makes a page of the parameters of its address."""


def prepare(readings: Readings) -> None:
    """Make what each first page would wait for, before anybody knows the address.

    A thread that does it beside the first request would take longer than both one after the other.
    """
    load()
    markdown("```python\nimport this\n```")
    readings.counting.prepare(dashboard.prepare)
    for make in (sessions.sessions, dashboard.dashboard):
        try:
            make(readings, {})
        except (ProjectionError, JournalError) as error:  # the page itself shows it
            _log.info("not made in advance: %s", error)


PAGES: Mapping[str, Make] = {
    urls.SESSIONS: sessions.sessions,
    urls.SESSION: session.session,
    urls.TAIL: messages.tail,
    urls.MESSAGE: messages.message,
    urls.SEARCH: search.search,
    urls.DASHBOARD: dashboard.dashboard,
}
