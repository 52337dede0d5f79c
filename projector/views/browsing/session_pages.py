"""Sessions by the page, for lists that continue where the last page ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from projector.db.kinds import MESSAGE
from projector.db.schema import ABOVE
from projector.fold.messages import IN_TRANSCRIPT
from projector.views.session_filters import SessionFilters, condition
from projector.views.session_names import EXISTS
from projector.views.sessions import INDEXED, brief

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import apsw

    from projector.views.sessions import SessionBrief

_ALL = SessionFilters()


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the list of sessions by their latest message.

    Attributes:
        last: date of the latest message of a session; None if it has none.
        session: its id. The next page begins behind it.
    """

    last: int | None
    session: str


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A part of the list of sessions.

    Attributes:
        sessions: that with the latest message first.
        next: where the next part begins; None if this is the last one.
    """

    sessions: tuple[SessionBrief, ...]
    next: Mark | None


def session_page(
    db: apsw.Connection, filters: SessionFilters = _ALL, *, after: Mark | None = None, limit: int
) -> SessionPage:
    """Return the sessions behind a mark, in the order of their latest messages.

    Its time does not grow with the number of sessions before the mark. A session that gets a
    message meanwhile moves to the beginning, and all others are returned exactly once.
    """
    marks: list[Mark] = []
    for mark in _marks(db, filters, after, limit + 1):
        marks.append(mark)
        if len(marks) > limit:
            break
    shown = marks[:limit]
    views = tuple(brief(db, mark.session) for mark in shown)
    return SessionPage(views, shown[-1] if len(marks) > limit else None)


def _marks(
    db: apsw.Connection, filters: SessionFilters, after: Mark | None, limit: int
) -> Iterator[Mark]:
    """Yield at least as many marks as asked for, if there are so many."""
    where, values = condition(db, filters)
    # one range of the index each: a condition that joins them by OR would read all sessions
    stages: list[tuple[str, tuple[str | int, ...]]] = []
    if after is None:
        stages = [("last IS NOT NULL", ()), ("last IS NULL", ())]
    elif after.last is None:
        stages = [("last IS NULL AND session > ?", (after.session,))]
    else:
        stages = [
            ("last = ? AND session > ?", (after.last, after.session)),
            ("last < ?", (after.last,)),
            ("last IS NULL", ()),
        ]
    for stage, bound in stages:
        query = (
            f"SELECT last, session FROM _sessions WHERE {stage} AND {EXISTS}{where}"
            " ORDER BY last DESC, session LIMIT ?"
        )
        for last, name in db.execute(query, (*bound, *values, limit)):
            yield Mark(None if last is None else int(last), str(name))


_CHUNK = 400


def names_of(db: apsw.Connection, rows: Iterable[int]) -> list[str]:
    """Return the ids of sessions by their rowids, in the order of these, without deleted ones."""
    return list(_passing(db, rows, _ALL))


def in_order(
    db: apsw.Connection, rows: Sequence[int], filters: SessionFilters, *, limit: int, offset: int
) -> list[str]:
    """Return the ids of sessions, those of some rowids first, in the order of these.

    All others are behind them, in the order of their ids.

    Args:
        db: the projection.
        rows: rowids of sessions.
        filters: which sessions.
        limit: most to return.
        offset: how many to skip.
    """
    found = list(islice(_passing(db, rows, filters), offset + limit))
    missing = offset + limit - len(found)
    if missing <= 0:
        return found[offset:]
    where, values = condition(db, filters)
    query = (
        f"SELECT session FROM _sessions WHERE {EXISTS}{where}"
        " AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY session LIMIT ?"
    )
    rest = db.execute(query, (*values, json.dumps([*rows]), missing))
    return [*found, *(str(name) for (name,) in rest)][offset:]


def _passing(db: apsw.Connection, rows: Iterable[int], filters: SessionFilters) -> Iterator[str]:
    """Yield the ids of those sessions of some rowids that pass, in the order of the rowids."""
    where, values = condition(db, filters)
    query = (
        f"SELECT s.session FROM json_each(?) j JOIN _sessions s ON s.id = j.value"
        f" WHERE s.id IN (SELECT id FROM _sessions WHERE id = j.value AND {EXISTS}{where})"
        " ORDER BY j.key"
    )
    waiting = iter(rows)
    while chunk := list(islice(waiting, _CHUNK)):
        for (name,) in db.execute(query, (json.dumps(chunk), *values)):
            yield str(name)


@dataclass(frozen=True, slots=True)
class LastSaid:
    """The latest message of a transcript, as far as a list shows it.

    Attributes:
        role: of the message.
        calls: whether it calls tools.
    """

    role: str | None
    calls: bool


def last_said(db: apsw.Connection, name: str) -> LastSaid | None:
    """Return the last message of the session with exactly this id; None if it has none."""
    order = ", ".join(f"{column} DESC" for column in INDEXED)
    query = (
        "SELECT role, json_type(other_fields, '$.tool_calls') FROM _events"
        f" WHERE kind = {MESSAGE} AND state = {IN_TRANSCRIPT}"
        f" AND session = (SELECT id FROM _sessions WHERE session = ?) ORDER BY {order} LIMIT 1"
    )
    found = db.execute(query, (name,)).fetchone()
    if found is None:
        return None
    role, calls = found
    return LastSaid(None if role is None else str(role), calls == "array")


def children_of(db: apsw.Connection, name: str) -> int:
    """Return the number of sessions of which the session with exactly this id is the parent."""
    query = f"SELECT count(*) FROM _sessions WHERE {ABOVE} = ? AND {EXISTS}"
    return int(db.execute(query, (name,)).get)
