"""A search, from its query to its hits: what matches, ordered and folded, and what is nearest."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import apsw

from journal.process.fork import no_fork
from projector.errors import QueryError
from projector.search.hits import hit
from projector.search.matches import matches_in
from projector.search.ordering.databases import Databases
from projector.search.ordering.folded import folded
from projector.search.ordering.order import grouped, ordered, weighed
from projector.search.ordering.titles import promoted, titled
from projector.search.texts import SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from projector.search.filters import Filters
    from projector.search.hits import Hit, Look
    from projector.search.matches import Matches
    from projector.search.ordering.order import Group, Scored, Sort
    from projector.search.recall.wanted import Word
    from projector.text.query import Query

_SPARE = 30
"""Hits that are put in order beyond those of a page."""


@dataclass(frozen=True, slots=True)
class FoundHits:
    """What a search found.

    Attributes:
        hits: messages that match, in the order asked for.
        matches: all that match, or the ones that were ranked.
        sessions: of how many sessions these are; None if they are not grouped.
        near: what comes nearest, if too few match.
        words: what the query is about, if what comes nearest was looked for.
        near_total: how many messages come nearest, those included that `near` does not show.
        missing: the parts of the query that no message has, if what comes nearest was looked for.
    """

    hits: list[Hit]
    matches: Matches
    sessions: int | None = None
    near: list[Hit] = field(default_factory=list)
    words: tuple[Word, ...] = ()
    near_total: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search, as `projector.search.request.request` makes it.

    Attributes:
        query: what is searched for.
        filters: which messages are searched.
        limit: most hits to return.
        offset: hits to skip.
        sort: the order of the hits.
        look: how hits are shown.
        group: `session`: only the best hit of each session is returned.
        enough: if fewer messages than this match, also what comes nearest is returned.
    """

    query: Query
    filters: Filters
    limit: int
    offset: int
    sort: Sort
    look: Look
    group: Group | None
    enough: int

    def find(self, db: apsw.Connection) -> FoundHits:
        """Return what was found, and what comes nearest if that is not enough.

        Raises:
            apsw.Error: the database refuses.
            QueryError: the query is longer than SQLite can take.
        """
        with _too_long():
            return self._found(db)

    def find_in(self, dbs: Databases) -> FoundHits:
        """Return what was found in several databases, and nothing that comes nearest.

        Raises:
            apsw.Error: a database refuses.
            QueryError: the query is longer than SQLite can take.
        """
        with _too_long():
            found, titles = self._matches(dbs)
            page = slice(self.offset, self.offset + self.limit)
            hits, sessions = self._page(dbs, found, titles, page)
            return FoundHits(hits, found, sessions)

    def _found(self, db: apsw.Connection) -> FoundHits:
        dbs = Databases.only(db)
        found, titles = self._matches(dbs)
        page = slice(self.offset, self.offset + self.limit)
        hits, sessions = self._page(dbs, found, titles, page)
        if self.query.explicit or found.total >= self.enough:
            return FoundHits(hits, found, sessions)
        with no_fork.turn:
            from projector.search.recall.hits import near_hits  # noqa: PLC0415 - few searches need it

        top = slice(0, self.enough)
        shown = self._page(dbs, found, titles, top)[0] if self.offset else hits
        page = slice(max(self.offset - len(shown), 0), self.offset + self.limit - len(shown))
        known = {(hit.session, hit.id) for hit in shown}
        near = near_hits(db, self.query, self.filters, known, page, self.look, self.group)
        return FoundHits(hits, found, sessions, near.hits, near.words, near.total, near.missing)

    def _matches(self, dbs: Databases) -> tuple[Matches, set[int]]:
        """Return what matches, and the messages of sessions that are found by their titles."""
        # what is grouped is sorted as a whole before
        offset = 0 if self.group is not None else self.offset
        found = matches_in(
            dbs, self.query, self.filters, sort=self.sort, offset=offset, seconds=SECONDS
        )
        first = {
            dbs.name(session, n): dbs.name(row, n)
            for n, db in enumerate(dbs.all)
            for session, row in titled(db, self.query, self.filters).items()
        }
        if not first:
            return found, set()
        if self.sort == "relevance":
            found = replace(found, rows=weighed(dbs, found.rows, len(found.rows)))
        return promoted(dbs, found, first)

    def _page(
        self, dbs: Databases, found: Matches, titles: set[int], page: slice
    ) -> tuple[list[Hit], int | None]:
        """Return some of the hits, and of how many sessions all are if they are grouped.

        `titles` are those of sessions that are found by their title.
        """

        def best(count: int) -> list[Scored]:
            rows = found.rows
            if self.sort == "relevance" and not titles:  # they are weighed before they are promoted
                rows = weighed(dbs, rows, count)
            return ordered(dbs, rows, self.sort, count)

        more: Mapping[int, int] = {}
        same: Mapping[int, int] = {}
        if self.group is None and self.filters.include_replays:
            chosen = best(page.stop)[page]
        elif self.group is None:
            # a page needs more of them than it shows only if many say the same
            shown = best(page.stop + _SPARE)
            unlike = folded(dbs, shown, page.stop)
            if len(unlike.rows) < page.stop and len(shown) < len(found.rows):
                unlike = folded(dbs, best(len(found.rows)), page.stop)
            chosen, same = unlike.rows[page], unlike.same
        else:
            scores = dict(best(len(found.rows)))
            more = grouped(dbs, list(scores))
            chosen = [(row, scores[row]) for row in list(more)[page]]
        hits = [
            hit(
                *dbs.find(row),
                score,
                self.query.find,
                self.look,
                more=more.get(row, 0),
                same=same.get(row, 0),
                in_title=row in titles,
            )
            for row, score in chosen
        ]
        return hits, None if self.group is None else len(more)


@contextmanager
def _too_long() -> Iterator[None]:
    try:
        yield
    except apsw.TooBigError as error:
        raise QueryError("the query is too long; search for a telling part of it") from error
