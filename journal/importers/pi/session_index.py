"""The title of a session, from the index that openclaw keeps in the folder of its sessions.

`sessions.json` is an object with an entry for each session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.event_types import SESSION_TITLED
from journal.importers.parsing.events import aside, fact
from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Found, Location

INDEX = "sessions.json"
_NAMES = ("label", "displayName", "subject")
"""Fields of an entry that name its session, the one that a person gave first."""


def title_of(location: Location, session: str) -> Iterator[Found]:
    """Yield the title of the session of a file, if the index has one."""
    entry = location.index(INDEX, "sessionId").get(session, {})
    title = next(filter(None, map(text_or_none, map(entry.get, _NAMES))), None)
    if title is not None:
        yield aside(fact(0, session, SESSION_TITLED, {"title": title}))
