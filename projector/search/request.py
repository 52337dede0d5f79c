"""What is asked of a search, checked; `projector.search.find` runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict, get_args

from projector.arguments import (
    bound,
    check_choice,
    check_count,
    check_filters,
    check_has,
    check_names,
)
from projector.search.filters import Filters
from projector.search.find import SearchRequest
from projector.search.hits import Look
from projector.search.ordering.order import Group, Sort
from projector.text.query import Query, parse, parse_literal, parse_pattern

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Unpack

    from projector.arguments import Has
    from projector.views.machines import Origin

Mode = Literal["words", "literal", "regex"]
"""How a query is read: as `projector.text.query` says, as it is, or as a regular expression."""

_MOST = 1_000_000
_TEXTS = ("role", "source", "session", "project", "model", "branch", "tool", "file")
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
) -> SearchRequest:
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
    return SearchRequest(
        wanted, filters, limit, offset, sort, look or Look(context=context), group, enough
    )


def _check_look(look: object) -> None:
    if not isinstance(look, Look):
        raise ValueError(f"look must be a Look, not {look!r:.60}")  # noqa: TRY004 - as in `projector.arguments`
    check_count("look.width", look.width, 1, _MOST)
    check_count("look.context", look.context, 0, _MOST)
    check_names({"look.open": look.open, "look.close": look.close})


class AskedFilters(TypedDict, total=False):
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
    machine: Origin | None
    subagents: bool


def requested_filters(**asked: Unpack[AskedFilters]) -> Filters:
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
        machine=asked.get("machine"),
        subagents=asked.get("subagents", True),
    )
