"""Filters of a search: which messages count, as tags of the index or as conditions of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.db.tags import MOVED, inherited, of_role, of_session, of_source, of_tagged

if TYPE_CHECKING:
    from collections.abc import Collection

    import apsw


@dataclass(frozen=True, slots=True)
class Filters:
    """Which messages count; None means all.

    Attributes:
        session: id of the session.
        since: microseconds since 1970, inclusive.
        until: microseconds since 1970, exclusive.
        roles: any of these speaks.
        sources: any of these is where it was said, by the message or else by its session.
        but_sources: none of these is.
    """

    session: str | None = None
    since: int | None = None
    until: int | None = None
    roles: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    but_sources: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What filters ask of messages.

    Attributes:
        tags: a message must have one of each collection; none stands twice in one, since it
            would count as two matches.
        where: what the rows `e` of `events` and `s` of `sessions` must say besides, as SQL; empty
            where tags say it all.
        values: what is bound in it.
    """

    tags: tuple[Collection[str], ...]
    where: str
    values: tuple[str | int, ...]


def narrowing(db: apsw.Connection, filters: Filters) -> Narrowing | None:
    """Return what filters ask; None if nothing can pass them.

    Raises:
        apsw.Error: the database refuses.
    """
    tags: list[Collection[str]] = []
    conditions: list[tuple[str, tuple[str | int, ...]]] = []
    if filters.session is not None:
        number = db.execute("SELECT id FROM _sessions WHERE session = ?", (filters.session,)).get
        if number is None:
            return None
        tags.append([of_session(number)])
    if filters.roles is not None:
        tags.append(dict.fromkeys(map(of_role, filters.roles)))
    if filters.sources is not None:
        tags.append(_tags_of_sources(db, filters.sources))
        if db.execute(f"SELECT 1 FROM _sessions WHERE {MOVED} LIMIT 1").get is not None:
            conditions.append(
                (f"coalesce(e.source, s.source) {_in(filters.sources)}", filters.sources)
            )
    if filters.but_sources is not None:
        none_of = f"coalesce(e.source, s.source, '') NOT {_in(filters.but_sources)}"
        conditions.append((none_of, filters.but_sources))
    if filters.since is not None:
        conditions.append(("coalesce(e.timestamp, e.time) >= ?", (filters.since,)))
    if filters.until is not None:
        conditions.append(("coalesce(e.timestamp, e.time) < ?", (filters.until,)))
    if not all(tags):
        return None
    where = "".join(f" AND {text}" for text, _ in conditions)
    return Narrowing(tuple(tags), where, tuple(v for _, values in conditions for v in values))


def _tags_of_sources(db: apsw.Connection, sources: tuple[str, ...]) -> Collection[str]:
    """Return all tags that messages from one of these may have."""
    query = f"SELECT DISTINCT tagged FROM _sessions WHERE {MOVED} AND source {_in(sources)}"
    moved = [of_tagged(str(tagged)) for (tagged,) in db.execute(query, sources)]
    said = [tag for name in sources for tag in (of_source(name), of_tagged(inherited(name)))]
    return dict.fromkeys([*said, *moved])


def _in(names: tuple[str, ...]) -> str:
    return f"IN ({', '.join('?' * len(names))})"
