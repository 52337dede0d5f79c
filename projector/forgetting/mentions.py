"""What mentions a session outside of it: key-values and claims in namespaces, and its children."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from journal.format.event_types import FORGET, MESSAGE_APPENDED, MESSAGE_REVISED
from projector.db.kinds import NAMESPACE
from projector.forgetting.contents import Content, of_session
from projector.search.elsewhere import strings, unsearched

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator

    import apsw

    from projector.search.elsewhere import Elsewhere

_TELLING = 6
"""Characters of an id that is searched for within words: a shorter one is in many by chance."""
_TEXTS = ("removed", "replaced", "conflict")
"""Kinds of `Elsewhere` that are texts of messages, which may quote an id like any other word."""
_FEW = 50
"""Names that are searched for one by one."""


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
    id, or in a string of its data. No letter and no digit may be beside it there, and it may not be
    a part of another session's longer id. So `s1` is found in `lock-s1`, not in `s12`, and in
    `s1-2` only if no other session has that id.
    """
    if not sessions:
        return
    finder = NameFinder(sessions)
    longer: NameFinder | None = None
    for content in _of_namespaces(db):
        texts = [text for text in _names(content) if finder.finds_any(text)]
        if not texts:
            continue
        if longer is None:
            longer = NameFinder(_longer(db, finder, sessions))
        if any(_is_mentioned(text, finder, longer) for text in texts):
            yield content


def mentions(
    db: apsw.Connection, sessions: Collection[str], but: Container[tuple[str, str]]
) -> Iterator[Elsewhere]:
    """Yield what else has the id of one of some sessions, and stays: people decide about it.

    These are ids of other sessions, such as those of sub-agents, their fields, other events that
    are no messages, fields of messages beside their text, and key-values with the id within a
    longer word. It reads all of these once.

    Args:
        db: the projection.
        sessions: the ids; those of fewer than 6 characters are found as whole words only.
        but: keys of events that do not stay.
    """
    telling = NameFinder(name for name in sessions if len(name) >= _TELLING)
    short = NameFinder(name for name in sessions if len(name) < _TELLING)
    for place, texts in unsearched(db):
        if place.kind in _TEXTS or place.session in sessions or (place.session, place.id) in but:
            continue
        # the parent is no longer one
        shown = texts if place.id else texts[:1]
        is_key = place.kind == "key"
        if any(telling.is_within(text) or (not is_key and short.finds_any(text)) for text in shown):
            yield place


def _of_namespaces(db: apsw.Connection) -> Iterator[Content]:
    query = f"SELECT session FROM _sessions s WHERE {NAMESPACE} AND session <> ?"
    for (namespace,) in db.execute(query, (FORGET,)).fetchall():
        for content in of_session(db, str(namespace)):
            if content.event.type not in {MESSAGE_APPENDED, MESSAGE_REVISED}:
                yield content


def _names(content: Content) -> Iterator[str]:
    event = content.event
    yield event.session
    yield event.id
    yield from strings(event.data)


def _longer(db: apsw.Connection, finder: NameFinder, sessions: Collection[str]) -> Iterator[str]:
    """Yield the ids of other sessions that contain one of some."""
    for (session,) in db.execute(f"SELECT session FROM _sessions s WHERE NOT {NAMESPACE}"):
        if session not in sessions and finder.finds_any(session):
            yield session


def _is_mentioned(text: str, finder: NameFinder, longer: NameFinder) -> bool:
    covered = [(at, at + len(name)) for at, name in longer.find(text)]
    return any(
        not any(begin <= at and at + len(name) <= end for begin, end in covered)
        for at, name in finder.find(text)
    )


_BEGINNING = re.compile(r"(?<![^\W_])")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


class NameFinder:
    """Finds names in texts, where no letter or digit is beside them.

    A pattern with all names as alternatives would try each of thousands at each character.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_length: defaultdict[int, set[str]] = defaultdict(set)
        for name in names:
            self._by_length[len(name)].add(name)

    def find(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield where each name begins in a text, and the name."""
        for found in _BEGINNING.finditer(text):
            at = found.start()
            for length, names in self._by_length.items():
                name = text[at : at + length]
                if name in names and _LETTER_OR_DIGIT.match(text, at + length) is None:
                    yield at, name

    def finds_any(self, text: str) -> bool:
        """Return whether one of the names is in a text."""
        return next(self.find(text), None) is not None

    def is_within(self, text: str) -> bool:
        """Return whether one of the names is in a text, whatever is beside it."""
        if sum(map(len, self._by_length.values())) <= _FEW:
            return any(name in text for names in self._by_length.values() for name in names)
        return any(
            text[at : at + length] in names
            for length, names in self._by_length.items()
            for at in range(len(text) - length + 1)
        )
