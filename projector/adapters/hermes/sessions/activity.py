"""The order of conversations by their latest message, over all sessions of each."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.adapters.hermes.rows.sessions import SESSIONS
from projector.adapters.hermes.sessions.continuations import COMPRESSED, UNMARKED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw


@dataclass(frozen=True, slots=True)
class _Session:
    """The columns of a session that order and match conversations; times in seconds."""

    id: str
    parent: str | None
    title: str
    is_compressed: bool
    started: float
    ended: float | None
    active: float
    is_unmarked: bool


_ALL = f"""
SELECT s.id, s.parent_session_id, lower(coalesce(s.title, '')),
  s.end_reason IS '{COMPRESSED}', s.started_at, s.ended_at, s.last_active,
  {UNMARKED}
  FROM {SESSIONS} s
"""

_PUNCTUATION = re.compile(r"[\W_]+")
_IN_TITLES = str.maketrans("", "", "-_. ")
"""Removes the characters that a search in titles ignores."""


def latest_first(
    db: apsw.Connection,
    first_ids: Sequence[str],
    id_needle: str,
    needle: str,
    *,
    is_later: bool,
) -> list[str]:
    """Return sessions in the order of the latest message of their conversations, latest first.

    Args:
        db: the projection.
        first_ids: ids of the first sessions of conversations.
        id_needle: only those with this text in the id of a session; lower case, empty for all.
        needle: only those with this text in a title or an id; lower case, empty for all.
        is_later: whether a Hermes after 0.13 decides which session continues which.
    """
    sessions = {row[0]: _Session(*row) for row in db.execute(_ALL)}
    continuations = _continuations(sessions, is_later=is_later)
    ranked = []
    for id in first_ids:
        first = sessions[id]
        family = _family(first, continuations)
        if _is_found(family, id_needle, needle):
            latest = max(session.active for session in family)
            ranked.append((latest, first.started, id))
    return [id for *_, id in sorted(ranked, reverse=True)]


def _continuations(
    sessions: Mapping[str, _Session], *, is_later: bool
) -> dict[str, list[_Session]]:
    """Return the sessions that continue compressed ones, by the ids of the compressed ones."""
    compressed = {session.id: session for session in sessions.values() if session.is_compressed}
    found: dict[str, list[_Session]] = defaultdict(list)
    for child in sessions.values():
        parent = None if child.parent is None else compressed.get(child.parent)
        if parent is not None:
            is_behind = parent.ended is not None and child.started >= parent.ended
            if child.is_unmarked if is_later else is_behind:
                found[parent.id].append(child)
    return found


def _family(first: _Session, continuations: Mapping[str, list[_Session]]) -> list[_Session]:
    found = {first.id: first}
    ahead = [first]
    while ahead:
        for child in continuations.get(ahead.pop().id, ()):
            if child.id not in found:
                found[child.id] = child
                ahead.append(child)
    return list(found.values())


def _is_found(family: Sequence[_Session], id_needle: str, needle: str) -> bool:
    ids = [session.id.lower() for session in family]
    if id_needle and not any(id_needle in id for id in ids):
        return False
    if not needle:
        return True
    compact = _PUNCTUATION.sub("", needle)
    return any(
        needle in session.title
        or needle in id
        or (compact and compact in session.title.translate(_IN_TITLES))
        for session, id in zip(family, ids, strict=True)
    )
