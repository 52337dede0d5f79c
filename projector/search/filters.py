"""Filters of a search: tags of the index, or conditions on rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.db.tags import (
    MOVED,
    PERSON,
    inherited,
    of_machine,
    of_role,
    of_session,
    of_source,
    of_tagged,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import apsw


@dataclass(frozen=True, slots=True)
class Filters:
    """Which messages are searched; None means all.

    Attributes:
        session: id of the session.
        since: microseconds since 1970, inclusive.
        until: microseconds since 1970, exclusive.
        roles: the role of the message is one of these; `user` is what people wrote.
        include_meta: `user` is also what machines wrote in the place of people.
        sources: the source of the message, else of its session, is one of these.
        but_sources: it is none of these.
        include_replays: replays are found, too, and not only the message where it is at home.
    """

    session: str | None = None
    since: int | None = None
    until: int | None = None
    roles: tuple[str, ...] | None = None
    include_meta: bool = False
    sources: tuple[str, ...] | None = None
    but_sources: tuple[str, ...] | None = None
    include_replays: bool = False


_Condition = tuple[str, tuple[str | int, ...]]
"""A condition in SQL, and its bound values."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The conditions of filters.

    Attributes:
        tags: a message must have one tag of each collection; a collection has no duplicates, since
            they would count as two matches.
        where: further conditions on the rows `e` of `_events` and `s` of `_sessions`, as SQL; empty
            if the tags are enough. Where replays are found, too, these conditions hold for what is
            found, and the tags for where it is at home.
        values: the bound values of `where`.
    """

    tags: tuple[Collection[str], ...]
    where: str
    values: tuple[str | int, ...]


def narrowing(db: apsw.Connection, filters: Filters) -> Narrowing | None:
    """Return the conditions of filters; None if no message can meet them.

    Raises:
        apsw.Error: the database refuses.
    """
    tags: list[Collection[str]] = []
    conditions: list[_Condition] = []
    if filters.session is not None:
        number = db.execute("SELECT id FROM _sessions WHERE session = ?", (filters.session,)).get
        if number is None:
            return None
        tags.append([of_session(number)])
        if filters.include_replays:
            tags[-1] = [of_session(each) for each in (number, *_homes(db, number))]
            conditions.append(("e.session = ?", (number,)))
    if filters.roles is not None:
        tags.append(_tags_of_roles(filters.roles, include_meta=filters.include_meta))
    if filters.sources is not None:
        if not filters.include_replays:  # a replay may have another source than the message
            tags.append(_tags_of_sources(db, filters.sources))
        if filters.include_replays or _has_moved(db):
            conditions.append(
                (f"coalesce(e.source, s.source) {_in(filters.sources)}", filters.sources)
            )
    conditions += _on_rows(filters)
    if not all(tags):
        return None
    where = "".join(f" AND {text}" for text, _ in conditions)
    return Narrowing(tuple(tags), where, tuple(v for _, values in conditions for v in values))


def _on_rows(filters: Filters) -> Iterator[_Condition]:
    """Yield the conditions of filters for which there are no tags."""
    if filters.but_sources is not None:
        none_of = f"coalesce(e.source, s.source, '') NOT {_in(filters.but_sources)}"
        yield none_of, filters.but_sources
    if filters.since is not None:
        yield "coalesce(e.timestamp, e.time) >= ?", (filters.since,)
    if filters.until is not None:
        yield "coalesce(e.timestamp, e.time) < ?", (filters.until,)


def _has_moved(db: apsw.Connection) -> bool:
    return db.execute(f"SELECT 1 FROM _sessions WHERE {MOVED} LIMIT 1").get is not None


def _homes(db: apsw.Connection, session: int) -> list[int]:
    """Return the sessions in which replays of a session are at home."""
    query = "SELECT DISTINCT home FROM _shared WHERE session = ? AND home > 0"
    return [int(home) for (home,) in db.execute(query, (session,))]


def _tags_of_roles(roles: tuple[str, ...], *, include_meta: bool) -> Collection[str]:
    """Return all tags that messages of one of these roles may have."""
    machine = [of_machine(PERSON)] if include_meta and PERSON in roles else []
    return dict.fromkeys([*map(of_role, roles), *machine])


def _tags_of_sources(db: apsw.Connection, sources: tuple[str, ...]) -> Collection[str]:
    """Return all tags that messages from one of these sources may have."""
    query = f"SELECT DISTINCT tagged FROM _sessions WHERE {MOVED} AND source {_in(sources)}"
    moved = [of_tagged(str(tagged)) for (tagged,) in db.execute(query, sources)]
    own = [tag for name in sources for tag in (of_source(name), of_tagged(inherited(name)))]
    return dict.fromkeys([*own, *moved])


def _in(names: tuple[str, ...]) -> str:
    return f"IN ({', '.join('?' * len(names))})"
