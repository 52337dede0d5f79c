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
from projector.sink.asking import ask, wanted_by
from projector.sink.config import read_config
from projector.sink.errors import NotAsked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import apsw

    from journal.segments.machines import Machines
    from projector.reading.reader import Answer
    from projector.search.find import SearchRequest
    from projector.search.hits import Hit, Look
    from projector.sink.document import Key
    from projector.text.query import Query
    from projector.views.freshness import Freshness

_ROW = (
    f"SELECT e.id, {COLUMNS} FROM _events e JOIN _sessions s ON s.id = e.session"
    " WHERE s.session = ? AND e.event_id = ?"
)


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
        if asked.sort == "oldest" or asked.group is not None:
            raise NotAsked("a sink returns the newest first, each by itself; leave --sink out")
        query, limit = asked.query, asked.limit
        wanted = wanted_by(query, asked.filters)  # what is refused waits for no projection
        question, _ = self._read(
            lambda dbs: ask(dbs, wanted, asked.filters, limit + 1, asked.offset)
        )
        keys = self._sink.search(question)
        hits, fresh = self._read(lambda dbs: _shown(dbs, keys[:limit], query, asked.look))
        matches = Matches([], len(keys) <= limit, asked.offset + len(keys))
        return FoundHits(hits, matches), fresh

    def _read(
        self, query: Callable[[Sequence[apsw.Connection]], Answer]
    ) -> tuple[Answer, Freshness]:
        """Query the projection, or its parts."""
        if isinstance(self.shows, Parts):
            return self.shows.read(query)
        return self.shows.read(lambda db: query((db,)))

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
