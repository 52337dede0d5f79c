"""What is asked of a search: the arguments of `Projection.search`, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict, get_args

from journal.process.fork import no_fork
from projector.arguments import (
    bound,
    check_choice,
    check_count,
    check_filters,
    check_has,
    check_names,
)
from projector.search import engine
from projector.search.engine import Group, Look, Sort
from projector.search.filters import Filters
from projector.text.query import Query, parse

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Unpack

    import apsw

    from projector.arguments import Has
    from projector.search.engine import Hit
    from projector.search.recall.wanted import Word

_MOST = 1_000_000
_TEXTS = ("role", "source", "session", "project", "model", "branch", "tool", "file")


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        hits: messages that match, in the order asked for.
        exact: whether all matches were ranked to choose them.
        near: what comes nearest, if too few match.
        words: what the query is about, if what comes nearest was looked for.
    """

    hits: list[Hit]
    exact: bool
    near: list[Hit] = field(default_factory=list)
    words: tuple[Word, ...] = ()


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
        hits, exact = self._search(db, self.limit, self.offset)
        if self.query.explicit or not self.enough or len(hits) == self.limit:
            return Found(hits, exact)
        first = self._search(db, self.enough, 0)[0] if self.offset else hits
        if len(first) >= self.enough:
            return Found(hits, exact)
        with no_fork.turn:
            from projector.search.recall.hits import near_hits  # noqa: PLC0415 - few searches need it

        page = slice(max(self.offset - len(first), 0), self.offset + self.limit - len(first))
        known = {(hit.session, hit.id) for hit in first}
        near, words = near_hits(db, self.query, self.filters, known, page, self.look, self.group)
        return Found(hits, exact, near, words)

    def _search(self, db: apsw.Connection, limit: int, offset: int) -> tuple[list[Hit], bool]:
        return engine.search(
            db,
            self.query,
            self.filters,
            limit=limit,
            offset=offset,
            sort=self.sort,
            look=self.look,
            group=self.group,
        )


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
) -> Request:
    """Return a search; `context` is for hits that no `look` is given for.

    Raises:
        QueryError: nothing in the query can be searched for, or it is no text.
        ValueError: a number is no whole number or out of range, `sort` is unknown, or `look` is no
            Look.
    """
    check_names({"query": query})
    parsed = parse(query)
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
        parsed, filters, limit, offset, sort, look or Look(context=context), group, enough
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
