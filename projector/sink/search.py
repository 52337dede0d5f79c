"""A search of a sink: its keys as hits of the projection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from journal.fs.directory import open_directory
from projector.db.generations import is_in_parts
from projector.parts import Parts
from projector.projection import Projection
from projector.reading.searching import Searcher
from projector.search.find import FoundHits
from projector.search.hits import hit
from projector.search.matches import Matches
from projector.search.texts import COLUMNS, text_of
from projector.sink.config import read_config
from projector.sink.document import Asked
from projector.sink.errors import NotAsked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import apsw

    from journal.segments.machines import Machines
    from projector.search.filters import Filters
    from projector.search.find import SearchRequest
    from projector.search.hits import Hit, Look
    from projector.sink.document import Key, Sink
    from projector.text.query import Query
    from projector.views.freshness import Freshness

_SUPPORTED = frozenset(("session", "since", "until", "roles", "sources", "subagents"))
_ROW = (
    f"SELECT e.id, {COLUMNS} FROM _events e JOIN _sessions s ON s.id = e.session"
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


class SinkSearch(Searcher):
    """Searches the sink of a journal, and shows what it finds from the projection.

    Where there are parts and no whole projection, it shows from the parts.
    """

    def __init__(self, path: Path, *, timeout: float | None = None) -> None:
        journal = open_directory(path, create=False)
        self._sink = read_config(journal).connect()
        self.shows: Projection | Parts = (
            Parts(path, timeout=timeout)
            if is_in_parts(journal.path)
            else Projection(path, timeout=timeout)
        )

    def _find(self, asked: SearchRequest) -> tuple[FoundHits, Freshness]:
        if asked.sort != "relevance" or asked.group is not None:
            raise NotAsked("a sink returns the newest first, each by itself; leave --sink out")
        query, limit = asked.query, asked.limit
        keys = find(self._sink, query, asked.filters, limit + 1, asked.offset)
        wanted = keys[:limit]
        if isinstance(self.shows, Parts):
            hits, fresh = self.shows.read(lambda dbs: _shown(dbs, wanted, query, asked.look))
        else:
            hits, fresh = self.shows.read(lambda db: _shown((db,), wanted, query, asked.look))
        matches = Matches([], len(keys) <= limit, asked.offset + len(keys))
        return FoundHits(hits, matches), fresh

    def machines(self) -> Machines:
        """Return the machines whose lanes are in the journal."""
        return self.shows.machines()

    def close(self) -> None:
        """Close the connections."""
        self._sink.close()
        self.shows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _shown(
    dbs: Sequence[apsw.Connection], keys: Iterable[Key], query: Query, look: Look
) -> list[Hit]:
    """Return messages as they are shown: those that the projection has, and that match as typed."""
    hits = []
    for key in keys:
        for db in dbs:
            found = db.execute(_ROW, key).fetchone()
            if found is not None:
                row, *columns = found
                if query.holds(text_of(columns)):
                    hits.append(hit(db, int(row), 0.0, query.find, look))
                break
    return hits
