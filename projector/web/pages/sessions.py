"""The list of sessions."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from math import inf
from typing import TYPE_CHECKING, Literal, get_args

from projector.db.schema import APPLIED
from projector.reading.listing import session_filters
from projector.search.facets import facets
from projector.search.filters import Filters
from projector.views.browsing.session_pages import (
    Mark,
    children_of,
    in_order,
    last_said,
    session_page,
)
from projector.views.machines import Origin
from projector.views.machines import names as names_of
from projector.views.session_tree import tree_names
from projector.views.sessions import SessionSort, brief, session_ids
from projector.web import params as given
from projector.web.counting import is_long
from projector.web.page import Page
from projector.web.urls import SESSIONS, page

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

    from journal.segments.machines import Machines
    from projector.search.facets import FacetBy
    from projector.views.browsing.census import Census
    from projector.views.session_filters import SessionFilters
    from projector.views.sessions import SessionBrief
    from projector.web.reading import Readings

State = Literal["working", "waiting", "idle"]

SIZE = 50
"""Sessions on a page."""
_MICRO = 1_000_000
_WORKING = 120 * _MICRO
"""A session whose agent is to act is at work for so long after its last message."""
_WAITING = 3_600 * _MICRO
"""A session whose agent has answered waits for its person for so long."""
_CHOICES = 200
"""Values of a filter that are offered."""
_FACETS = 30.0
"""Seconds for which the values of filters are kept."""
_FILTERS: tuple[FacetBy, ...] = ("source", "project", "model", "tool")
_MOST = 1_000_000
_APPLIED = "SELECT value FROM _meta WHERE key = ?"
_COUNTING = "The costs of all sessions are being added up."


@dataclass(frozen=True, slots=True)
class Row:
    """A session in the list.

    Attributes:
        session: the session.
        state: `working`: its agent is to act, and wrote lately; `waiting`: it answered lately;
            `idle` else.
        tokens: input and output; None if nothing is known.
        cost: in micro-dollars; None if nothing is known.
        children: number of sessions of which it is the parent.
        depth: of a tree; 0 in a list.
    """

    session: SessionBrief
    state: State
    tokens: int | None
    cost: int | None
    children: int
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter, and the values that it can have.

    Attributes:
        name: of the parameter.
        value: which one is chosen; None for all.
        values: those that most messages have.
    """

    name: str
    value: str | None
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sessions:
    """The page.

    Attributes:
        rows: the sessions.
        choices: the filters.
        sort: what the first session has most of, or `tree`.
        errors, gone, all: the filters that are on or off.
        next: address of the next page; None if this is the last one.
        sorts: addresses of this page in each order.
        reset: whether any filter is on.
        live: whether the list begins with the latest session, and is to be kept up to date.
        applied: when something was applied last, before the rows were read.
    """

    rows: tuple[Row, ...]
    choices: tuple[Choice, ...]
    sort: str
    errors: bool
    gone: bool
    all: bool
    next: str | None
    sorts: tuple[tuple[str, str], ...]
    reset: bool
    live: bool
    applied: int | None


_SORTS = (*get_args(SessionSort), "tree")


def sessions(readings: Readings, params: Mapping[str, str]) -> Page:
    """Return the page of sessions."""
    sort = given.choice(params, "sort", _SORTS, "last")
    names = {name: given.text(params, name) for name in ("source", "project", "model", "tool")}
    names["file"], names["branch"] = given.text(params, "file"), given.text(params, "branch")
    machine, machines = given.text(params, "machine"), readings.machines()
    errors, gone, everything = (given.flag(params, name) for name in ("errors", "gone", "all"))
    filters = session_filters(
        has="errors" if errors else None,
        gone=gone,
        subagents=everything or sort == "tree",
        since=given.time(params, "since"),
        until=given.time(params, "until"),
        machine=None if machine is None else Origin(machine, machines),
        **names,
        parent=given.text(params, "parent"),
    )
    state = {name: value for name, value in params.items() if name not in {"after", "offset"}}
    census = readings.counting.census() if sort == "cost" else None
    if sort == "cost" and census is None:
        return Page(
            "wait.html", "Sessions", _COUNTING, lambda: {"error": _COUNTING}, is_ready=False
        )
    applied = readings.peek(lambda db: db.execute(_APPLIED, (APPLIED,)).get)
    rows, after = readings.peek(lambda db: _rows(db, readings, params, filters, sort, census))
    view = Sessions(
        rows=rows,
        choices=(
            *(_choice(readings, by, names[by]) for by in _FILTERS),
            *_machines(readings, machines, machine),
        ),
        sort=sort,
        errors=errors,
        gone=gone,
        all=everything,
        next=None if after is None else page(SESSIONS, **(state | after)),
        sorts=tuple((name, page(SESSIONS, **(state | {"sort": name}))) for name in _SORTS),
        reset=bool(set(state) - {"sort"}),
        live=sort == "last" and given.text(params, "after") is None,
        applied=applied,
    )
    return Page("sessions.html", "Sessions", view, lambda: _json(view))


def _json(view: Sessions) -> dict[str, object]:
    rows = [asdict(row.session) | _extra(row) for row in view.rows]
    return {"sessions": rows, "sort": view.sort, "next": view.next}


def _extra(row: Row) -> dict[str, object]:
    return {
        "state": row.state,
        "tokens": row.tokens,
        "cost": row.cost,
        "children": row.children,
        "depth": row.depth,
    }


def _rows(
    db: apsw.Connection,
    readings: Readings,
    params: Mapping[str, str],
    filters: SessionFilters,
    sort: str,
    census: Census | None,
) -> tuple[tuple[Row, ...], dict[str, str | int | None] | None]:
    """Return the rows, and the parameters of the next page; None if there is none."""
    now = int(time.time() * _MICRO)
    if sort == "last":
        found = session_page(db, filters, after=_mark(params), limit=SIZE)
        rows = tuple(_row(db, readings, view, now) for view in found.sessions)
        if found.next is None:
            return rows, None
        return rows, {"after": found.next.session, "at": found.next.last}
    offset = given.number(params, "offset", 0, _MOST)
    more: dict[str, str | int | None] = {"offset": offset + SIZE}
    if sort == "tree":
        nodes = tree_names(db, filters, limit=SIZE + 1, offset=offset)
        tops = [at for at, (_, depth) in enumerate(nodes) if depth == 0]
        end = tops[SIZE] if len(tops) > SIZE else len(nodes)
        rows = tuple(_row(db, readings, brief(db, name), now, depth) for name, depth in nodes[:end])
        return rows, more if end < len(nodes) else None
    if census is not None:
        names = in_order(db, census.costliest, filters, limit=SIZE + 1, offset=offset)
    else:
        names = session_ids(db, filters, sort=sort, limit=SIZE + 1, offset=offset)  # type: ignore[arg-type] # it was checked
    rows = tuple(_row(db, readings, brief(db, name), now) for name in names[:SIZE])
    return rows, more if len(names) > SIZE else None


def _mark(params: Mapping[str, str]) -> Mark | None:
    session = given.text(params, "after")
    if session is None:
        return None
    return Mark(given.integer(params, "at"), session)


def _row(
    db: apsw.Connection, readings: Readings, view: SessionBrief, now: int, depth: int = 0
) -> Row:
    used = [view.usage[name] for name in ("input_tokens", "output_tokens") if name in view.usage]
    if is_long(view):
        cost = _cost(db, readings, view)
    elif view.usage:
        # it changes only with the usage, so the answer never gets old: no other thread may use `db`
        key = ("cost", view.session, tuple(view.usage.items()))
        cost = readings.memo.get(key, inf, lambda: _cost(db, readings, view))
    else:
        cost = None
    state = _state(db, view, now)
    tokens = int(sum(used)) if used else None
    return Row(view, state, tokens, cost, children_of(db, view.session), depth)


def _cost(db: apsw.Connection, readings: Readings, session: SessionBrief) -> int | None:
    used = readings.counting.used(db, session)
    return None if used is None else used.cost


def _state(db: apsw.Connection, view: SessionBrief, now: int) -> State:
    age = now - (view.last or 0)
    if view.ended is not None or age > _WAITING:
        return "idle"
    last = last_said(db, view.session)
    if last is None:
        return "idle"
    if last.role == "assistant" and not last.calls:
        return "waiting"
    return "working" if age <= _WORKING else "idle"


def _machines(readings: Readings, machines: Machines, value: str | None) -> tuple[Choice, ...]:
    """Return the filter of the machine, if there is more than one, or one is asked for."""
    if not machines.others and value is None:
        return ()
    found = readings.peek(lambda db: names_of(db, machines))
    values = found if value is None or value in found else [value, *found]
    return (Choice("machine", value, tuple(values)),)


def _choice(readings: Readings, by: FacetBy, value: str | None) -> Choice:
    def find() -> tuple[str, ...]:
        rows = readings.peek(lambda db: facets(db, by, Filters()))
        return tuple(row.name for row in rows if row.name)[:_CHOICES]

    values = readings.memo.get(("facet", by), _FACETS, find)
    if value is not None and value not in values:
        values = (value, *values)
    return Choice(by, value, values)
