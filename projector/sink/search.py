"""A search of a sink: its keys as hits of the projection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.search.hits import hit
from projector.sink.document import Asked
from projector.sink.errors import NotAsked

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from projector.search.filters import Filters
    from projector.search.hits import Hit, Look
    from projector.sink.document import Key, Sink
    from projector.text.query import Query

_SUPPORTED = frozenset(("session", "since", "until", "roles", "sources", "subagents"))
_ROW = (
    "SELECT e.id FROM _events e JOIN _sessions s ON s.id = e.session"
    " WHERE s.session = ? AND e.event_id = ?"
)


def find(sink: Sink, query: Query, filters: Filters, limit: int, offset: int) -> list[Key]:
    """Return the messages that a sink finds, the newest first.

    Raises:
        NotAsked: a filter, or a way to ask, that a sink does not know.
        SinkError: the sink cannot be reached, or refuses.
    """
    if query.wanted is None or query.pattern is not None:
        raise NotAsked("a sink finds words and phrases; leave --sink out for --regex")
    for name in filters.__slots__:
        value = getattr(filters, name)
        if name not in _SUPPORTED and value not in (None, False):
            raise NotAsked(f"a sink has no filter by {name}; leave --sink out")
    if not filters.subagents:
        raise NotAsked("a sink has no filter by subagents; leave --sink out")
    asked = Asked(
        query.wanted,
        role=filters.roles[0] if filters.roles else None,
        source=filters.sources[0] if filters.sources else None,
        session=filters.session,
        since=filters.since,
        until=filters.until,
        limit=limit,
        offset=offset,
    )
    return sink.search(asked)


def shown(db: apsw.Connection, keys: Iterable[Key], query: Query, look: Look) -> list[Hit]:
    """Return messages as they are shown; those that the projection does not have are left out."""
    rows = (db.execute(_ROW, key).get for key in keys)
    hits = (hit(db, row, 0.0, query.find, look) for row in rows if row is not None)
    return list(hits)
