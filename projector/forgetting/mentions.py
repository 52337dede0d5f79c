"""What mentions a session outside of it: key-values and claims in namespaces, and its children."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from journal.format.event_types import FORGET, MESSAGE_APPENDED, MESSAGE_REVISED
from projector.db.kinds import NAMESPACE
from projector.forgetting.contents import Content, of_session
from projector.search.elsewhere import strings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import apsw


def children(db: apsw.Connection, sessions: Collection[str]) -> list[str]:
    """Return the ids of other sessions that name one of some sessions as their parent."""
    query = (
        "SELECT session FROM _sessions WHERE parent IN (SELECT value FROM json_each(?))"
        " ORDER BY session"
    )
    found = db.execute(query, (json.dumps(list(sessions)),))
    return [str(name) for (name,) in found if name not in sessions]


def keys(db: apsw.Connection, sessions: Collection[str]) -> Iterator[Content]:
    """Yield the events of namespaces that mention one of some sessions, without messages.

    An event mentions a session if the session's id is in the name of the namespace, in the event's
    id, or in a string of its data, and no letter, digit, `-` or `_` is beside it there. So a short
    id is not found within other ids.
    """
    if not sessions:
        return
    finder = NameFinder(sessions)
    query = f"SELECT session FROM _sessions s WHERE {NAMESPACE} AND session <> ?"
    for (namespace,) in db.execute(query, (FORGET,)).fetchall():
        for content in of_session(db, str(namespace)):
            event = content.event
            if event.type in {MESSAGE_APPENDED, MESSAGE_REVISED}:
                continue
            names = (event.session, event.id, *strings(event.data))
            if any(map(finder.finds_any, names)):
                yield content


_BEGINNING = re.compile(r"(?<![\w-])")
_WITHIN = re.compile(r"[\w-]")


class NameFinder:
    """Finds names in texts, where they are no part of a longer one.

    A pattern with all names as alternatives would try each of thousands at each character.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_length: defaultdict[int, set[str]] = defaultdict(set)
        for name in names:
            self._by_length[len(name)].add(name)

    def finds_any(self, text: str) -> bool:
        """Return whether one of the names is in a text."""
        return any(
            text[at : at + length] in names and _WITHIN.match(text, at + length) is None
            for at in (found.start() for found in _BEGINNING.finditer(text))
            for length, names in self._by_length.items()
        )
