"""The search: hits by session, and what all that was found is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

from projector.cli.kit.render import hit_json
from projector.errors import QueryError
from projector.search.hits import Look
from projector.search.ordering.order import Sort
from projector.search.request import Mode, request, requested_filters
from projector.text.tokens import unsearched
from projector.views.browsing.counts import Counts, counts
from projector.views.machines import Origin
from projector.views.sessions import brief
from projector.web import params as given
from projector.web.charts.bars import Bar, columns
from projector.web.charts.buckets import buckets
from projector.web.formats import number
from projector.web.page import Page
from projector.web.pages.search_view import Chip, HitView, Search, Value
from projector.web.render.marked import CLOSE, OPEN, marked
from projector.web.urls import SEARCH, page

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

    from journal.segments.machines import Machines
    from projector.arguments import Has
    from projector.search.filters import Filters
    from projector.search.find import FoundHits, SearchRequest
    from projector.search.hits import Hit
    from projector.web.reading import Readings

SIZE = 20
"""Sessions on a page."""
_WIDTH = 320
"""Characters of a snippet."""
_VALUES = 8
"""Values of a facet that are shown."""
_MOST = 100_000
_FACETS = ("source", "project", "model", "role", "tool")
_MACHINE = "machine"
_NAMES = (*_FACETS, "branch", "file", "session", _MACHINE)
_FLAGS = ("errors", "machines", "replays", "main")
_STATE = ("q", *_NAMES, *_FLAGS, "since", "until", "sort", "mode", "group")


def search(readings: Readings, params: Mapping[str, str]) -> Page:
    """Return the page of a search."""
    state = {name: value for name in _STATE if (value := given.text(params, name)) is not None}
    offset = given.number(params, "offset", 0, _MOST)
    blank = _blank(state)
    if not state.get("q", "").strip():
        return _page(blank)
    try:
        machines, machine = readings.machines(), state.get(_MACHINE)
        origin = None if machine is None else Origin(machine, machines)
        asked = _request(params, offset, blank, origin)
        answer = readings.peek(lambda db: _find(db, asked, machines))
    except QueryError as error:
        return _page(replace(blank, error=str(error)))
    return _page(_filled(blank, state, offset, answer))


def _page(view: Search) -> Page:
    title = f"{view.query} · Search" if view.query else "Search"
    return Page("search.html", title, view, lambda: _json(view))


def _blank(state: Mapping[str, str]) -> Search:
    mode = given.choice(state, "mode", get_args(Mode), "words")
    sort = given.choice(state, "sort", get_args(Sort), "relevance")
    group = given.choice(state, "group", ("session", "none"), "session")

    def others(name: str, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        return tuple((value, page(SEARCH, **{**state, name: value})) for value in values)

    chips = tuple(
        Chip(name, value, page(SEARCH, **{key: state[key] for key in state if key != name}))
        for name, value in state.items()
        if name in (*_NAMES, *_FLAGS, "since", "until")
    )
    return Search(
        query=state.get("q", ""),
        error="",
        mode=mode,
        sort=sort,
        group=group,
        hits=(),
        near=(),
        missing=(),
        unsearched=unsearched(state.get("q", "")) if mode == "words" else (),
        meant={},
        total=0,
        exact=True,
        cut=None,
        sessions=None,
        chips=chips,
        facets=(),
        chart=None,
        modes=others("mode", get_args(Mode)),
        sorts=others("sort", get_args(Sort)),
        groups=others("group", ("session", "none")),
        previous=None,
        next=None,
    )


def _filters(params: Mapping[str, str], origin: Origin | None) -> Filters:
    names = {name: given.text(params, name) for name in _NAMES if name != _MACHINE}
    errors: Has | None = "errors" if given.flag(params, "errors") else None
    return requested_filters(
        **names,
        machine=origin,
        has=errors,
        include_meta=given.flag(params, "machines"),
        include_replays=given.flag(params, "replays"),
        subagents=not given.flag(params, "main"),
        since=given.time(params, "since"),
        until=given.time(params, "until"),
    )


def _request(
    params: Mapping[str, str], offset: int, blank: Search, origin: Origin | None
) -> SearchRequest:
    return request(
        blank.query,
        _filters(params, origin),
        limit=SIZE,
        offset=offset,
        context=0,
        sort=blank.sort,  # type: ignore[arg-type] # it was checked
        look=Look(width=_WIDTH, open=OPEN, close=CLOSE),
        group="session" if blank.group == "session" else None,
        enough=1,
        mode=blank.mode,  # type: ignore[arg-type] # it was checked
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was found, what all of it is about, and the names of the sessions that are shown."""

    found: FoundHits
    about: Counts
    titles: Mapping[str, str]


def _find(db: apsw.Connection, asked: SearchRequest, machines: Machines) -> _Answer:
    found = asked.find(db)
    about = counts(db, (row for row, _ in found.matches.rows), machines)
    titles = {
        hit.session: hit.title or brief(db, hit.session).preview or hit.session
        for hit in (*found.hits, *found.near)
    }
    return _Answer(found, about, titles)


def _filled(blank: Search, state: Mapping[str, str], offset: int, answer: _Answer) -> Search:
    found, about = answer.found, answer.about
    total = found.sessions if found.sessions is not None else found.matches.total

    def there(at: int) -> str:
        return page(SEARCH, **{**state, "offset": at or None})

    dates = buckets(about.hours)
    bars = [
        Bar(
            each.since,
            each.count,
            f"{each.since}: {number(each.count)}",
            page(SEARCH, **{**state, "since": each.since, "until": each.until}),
        )
        for each in dates
    ]
    return replace(
        blank,
        hits=_views(found.hits, answer.titles),
        near=_views(found.near, answer.titles),
        missing=found.missing,
        meant={word.text: word.forms for word in found.words if word.instead},
        total=found.matches.total,
        exact=found.matches.exact,
        cut=found.matches.cut,
        sessions=found.sessions,
        facets=tuple(
            (name, _values(name, about, state))
            for name in (*_FACETS, _MACHINE)
            if name in about.values
        ),
        chart=columns("Messages by date", bars) if len(dates) > 1 else None,
        previous=there(max(offset - SIZE, 0)) if offset else None,
        next=there(offset + SIZE) if offset + SIZE < total else None,
    )


def _views(hits: list[Hit], titles: Mapping[str, str]) -> tuple[HitView, ...]:
    return tuple(HitView(hit, titles[hit.session], marked(hit.snippet)) for hit in hits)


def _values(name: str, about: Counts, state: Mapping[str, str]) -> tuple[Value, ...]:
    on = state.get(name)
    return tuple(
        Value(
            value,
            count,
            page(SEARCH, **{**state, name: None if value == on else value}),
            value == on,
        )
        for value, count in about.values[name][:_VALUES]
    )


def _json(view: Search) -> dict[str, object]:
    return {
        "query": view.query,
        "error": view.error or None,
        "total": view.total,
        "exact": view.exact,
        "cut": view.cut,
        "sessions": view.sessions,
        "hits": [_hit_json(each) for each in view.hits],
        "near": [_hit_json(each) for each in view.near],
        "missing": list(view.missing),
        "unsearched": list(view.unsearched),
        "meant": {word: list(forms) for word, forms in view.meant.items()},
        "facets": {
            name: [{"name": value.name, "messages": value.count} for value in values]
            for name, values in view.facets
        },
        "next": view.next,
    }


def _hit_json(view: HitView) -> dict[str, object]:
    snippet = view.hit.snippet.replace(OPEN, "**").replace(CLOSE, "**")
    return hit_json(view.hit) | {"name": view.title, "snippet": snippet}
