"""What is asked of a search: the arguments of `Projection.search`, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from journal.format.timestamps import moment
from projector.arguments import check_count, check_filters, check_names
from projector.search import engine
from projector.search.engine import Look, Sort
from projector.search.filters import Filters
from projector.text.query import Query, parse

if TYPE_CHECKING:
    from datetime import datetime

    import apsw

    from projector.search.engine import Hit

_MOST = 1_000_000


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
    """

    query: Query
    filters: Filters
    limit: int
    offset: int
    sort: Sort
    look: Look

    def find(self, db: apsw.Connection) -> tuple[list[Hit], bool]:
        """Return hits, and whether all matches were ranked to choose them.

        Raises:
            apsw.Error: the database refuses.
        """
        return engine.search(
            db,
            self.query,
            self.filters,
            limit=self.limit,
            offset=self.offset,
            sort=self.sort,
            look=self.look,
        )


def request(
    query: str,
    filters: Filters,
    *,
    limit: int,
    offset: int,
    context: int,
    sort: Sort,
    look: Look | None,
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
    if sort not in get_args(Sort):
        raise ValueError(f"sort must be one of {get_args(Sort)}, not {sort!r}")
    return Request(parsed, filters, limit, offset, sort, look or Look(context=context))


def _check_look(look: object) -> None:
    if not isinstance(look, Look):
        raise ValueError(f"look must be a Look, not {look!r:.60}")  # noqa: TRY004 - as in `projector.arguments`
    check_count("look.width", look.width, 1, _MOST)
    check_count("look.context", look.context, 0, _MOST)
    check_names({"look.open": look.open, "look.close": look.close})


def requested_filters(
    role: str | None,
    source: str | None,
    session: str | None,
    since: datetime | str | int | None,
    until: datetime | str | int | None,
    *,
    replays: bool,
    meta: bool,
) -> Filters:
    """Return the filters of a search; None means no filter.

    Raises:
        QueryError: a name is no text.
        EventError: a moment is none.
    """
    check_filters({"role": role, "source": source, "session": session})
    return Filters(
        session,
        None if since is None else moment("since", since),
        None if until is None else moment("until", until),
        roles=None if role is None else (role,),
        include_meta=meta,
        sources=None if source is None else (source,),
        include_replays=replays,
    )
