"""The title of a session, from the index that Claude Code keeps in the folder of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.event_types import SESSION_TITLED
from journal.importers.parsing.events import aside, fact
from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Found, Location

INDEX = "sessions-index.json"
_TITLES = ("customTitle", "summary")


def title_of(location: Location, session: str) -> Iterator[Found]:
    """Yield the title of the session of a file, if the index has one."""
    if session == location.stem:
        entry = location.index(INDEX, "sessionId").get(session, {})
        title = next(filter(None, map(text_or_none, map(entry.get, _TITLES))), None)
        if title is not None:
            yield aside(fact(0, session, SESSION_TITLED, {"title": title}))
