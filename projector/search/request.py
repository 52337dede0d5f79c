"""What is asked of a search: the arguments of `Projection.search`, checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypedDict, get_args

from journal.process.fork import no_fork
from projector.arguments import (
    bound,
    check_choice,
    check_count,
    check_filters,
    check_has,
    check_names,
)
from projector.search.filters import Filters
from projector.search.hits import Look, hit
from projector.search.matches import matches
from projector.search.ordering.folded import folded
from projector.search.ordering.order import Group, Sort, grouped, ordered, weighed
from projector.search.ordering.titles import promoted, titled
from projector.search.texts import SECONDS
from projector.text.query import Query, parse, parse_literal, parse_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Unpack

    import apsw

    from projector.arguments import Has
    from projector.search.hits import Hit
    from projector.search.matches import Matches
    from projector.search.ordering.order import Scored
    from projector.search.recall.wanted import Word

Mode = Literal["words", "literal", "regex"]
"""How a query is read: as `projector.text.query` says, as it is, or as a regular expression."""

_SPARE = 30
"""Hits that are put in order beyond those of a page."""
_MOST = 1_000_000
_TEXTS = ("role", "source", "session", "project", "model", "branch", "tool", "file")


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        hits: messages that match, in the order asked for.
        matches: all that match, or the ones that were ranked.
        sessions: of how many sessions these are; None if they are not grouped.
        near: what comes nearest, if too few match.
        words: what the query is about, if what comes nearest was looked for.
        near_total: how many messages come nearest, those included that `near` does not show.
    """

    hits: list[Hit]
    matches: Matches
    sessions: int | None = None
    near: list[Hit] = field(default_factory=list)
    words: tuple[Word, ...] = ()
    near_total: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """A search.

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

    def find(self, db: apsw.Connection) -> Found:
        """Return what was found.

        Raises:
            apsw.Error: the database refuses.
        """
        found, titles = self._matches(db)
        page = slice(self.offset, self.offset + self.limit)
        hits, sessions = self._page(db, found, titles, page)
        if self.query.explicit or found.total >= self.enough:
            return Found(hits, found, sessions)
        with no_fork.turn:
            from projector.search.recall.hits import near_hits  # noqa: PLC0415 - few searches need it

        top = slice(0, self.enough)
        shown = self._page(db, found, titles, top)[0] if self.offset else hits
        page = slice(max(self.offset - len(shown), 0), self.offset + self.limit - len(shown))
        known = {(hit.session, hit.id) for hit in shown}
        near = near_hits(db, self.query, self.filters, known, page, self.look, self.group)
        return Found(hits, found, sessions, near.hits, near.words, near.total)

    def _matches(self, db: apsw.Connection) -> tuple[Matches, set[int]]:
        """Return what matches, and the messages of sessions that are found by their titles."""
        # what is grouped is sorted as a whole before
        offset = 0 if self.group is not None else self.offset
        found = matches(
            db, self.query, self.filters, sort=self.sort, offset=offset, seconds=SECONDS
        )
        first = titled(db, self.query, self.filters)
        if not first:
            return found, set()
        if self.sort == "relevance":
            found = replace(found, rows=weighed(db, found.rows, len(found.rows)))
        return promoted(db, found, first)

    def _page(
        self, db: apsw.Connection, found: Matches, titles: set[int], page: slice
    ) -> tuple[list[Hit], int | None]:
        """Return some of the hits, and of how many sessions all are if they are grouped.

        `titles` are those of sessions that are found by their title.
        """

        def best(count: int) -> list[Scored]:
            rows = found.rows
            if self.sort == "relevance" and not titles:  # they are weighed before they are promoted
                rows = weighed(db, rows, count)
            return ordered(db, rows, self.sort, count)

        more: Mapping[int, int] = {}
        same: Mapping[int, int] = {}
        if self.group is None and self.filters.include_replays:
            chosen = best(page.stop)[page]
        elif self.group is None:
            # a page needs more of them than it shows only if many say the same
            shown = best(page.stop + _SPARE)
            unlike = folded(db, shown, page.stop)
            if len(unlike.rows) < page.stop and len(shown) < len(found.rows):
                unlike = folded(db, best(len(found.rows)), page.stop)
            chosen, same = unlike.rows[page], unlike.same
        else:
            scores = dict(best(len(found.rows)))
            more = grouped(db, list(scores))
            chosen = [(row, scores[row]) for row in list(more)[page]]
        hits = [
            hit(
                db,
                row,
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


_PARSERS = {"words": parse, "literal": parse_literal, "regex": parse_pattern}


def parsed(query: str, mode: Mode) -> Query:
    """Return a query, read as `mode` says.

    Raises:
        QueryError: nothing in it can be searched for.
    """
    return _PARSERS[mode](query)


def request(  # noqa: PLR0913 - as keywords, as those of the search
    query: str,
    filters: Filters,
    *,
    limit: int,
    offset: int,
    context: int,
    sort: Sort,
    look: Look | None,
    group: Group | None,
    enough: int,
    mode: Mode,
) -> Request:
    """Return a search; `context` is for hits that no `look` is given for.

    Raises:
        QueryError: nothing in the query can be searched for, or it is no text.
        ValueError: a number is no whole number or out of range, `sort`, `group` or `mode` is
            unknown, or `look` is no Look.
    """
    check_names({"query": query})
    check_choice("mode", mode, get_args(Mode))
    wanted = parsed(query, mode)
    check_count("limit", limit, 1, _MOST)
    check_count("offset", offset, 0, _MOST)
    check_count("context", context, 0, _MOST)
    if look is not None:
        _check_look(look)
    check_choice("sort", sort, get_args(Sort))
    check_count("enough", enough, 0, _MOST)
    if group is not None:
        check_choice("group", group, get_args(Group))
    return Request(
        wanted, filters, limit, offset, sort, look or Look(context=context), group, enough
    )


def _check_look(look: object) -> None:
    if not isinstance(look, Look):
        raise ValueError(f"look must be a Look, not {look!r:.60}")  # noqa: TRY004 - as in `projector.arguments`
    check_count("look.width", look.width, 1, _MOST)
    check_count("look.context", look.context, 0, _MOST)
    check_names({"look.open": look.open, "look.close": look.close})


class Asked(TypedDict, total=False):
    """The filters of a search as a caller gives them; None means no filter."""

    role: str | None
    include_meta: bool
    source: str | None
    session: str | None
    since: datetime | str | int | None
    until: datetime | str | int | None
    include_replays: bool
    project: str | None
    model: str | None
    branch: str | None
    tool: str | None
    file: str | None
    has: Has | None
    subagents: bool


def requested_filters(**asked: Unpack[Asked]) -> Filters:
    """Return the filters of a search.

    Raises:
        QueryError: a name is no text.
        EventError: a moment is none.
        ValueError: `has` is unknown.
    """
    check_filters({name: asked.get(name) for name in _TEXTS})
    check_has(asked.get("has"))
    role, source = asked.get("role"), asked.get("source")
    return Filters(
        asked.get("session"),
        bound("since", asked.get("since")),
        bound("until", asked.get("until")),
        roles=None if role is None else (role,),
        include_meta=asked.get("include_meta", False),
        sources=None if source is None else (source,),
        include_replays=asked.get("include_replays", False),
        project=asked.get("project"),
        model=asked.get("model"),
        branch=asked.get("branch"),
        tool=asked.get("tool"),
        file=asked.get("file"),
        errors=asked.get("has") is not None,
        subagents=asked.get("subagents", True),
    )
