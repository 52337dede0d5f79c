"""What was used and paid, when and with which tools, and the state of the journal."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from projector.forgetting.erasures import erasures
from projector.views.browsing.activity import messages_by_hour
from projector.views.browsing.tools import tool_uses
from projector.views.session_filters import SessionFilters, count_sessions
from projector.views.sessions import brief, session_ids
from projector.views.usage import By, UsageFilters, UsageRow, session_usage, usage
from projector.web import params as given
from projector.web import urls
from projector.web.charts.bars import Bar, columns, share
from projector.web.charts.buckets import Unit, heat, steps
from projector.web.charts.heat import DAYS, heat_map
from projector.web.formats import money, number
from projector.web.page import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import apsw
    from markupsafe import Markup

    from projector.upkeep.status import Status
    from projector.views.browsing.tools import ToolUse
    from projector.views.sessions import SessionBrief, SessionSort
    from projector.web.reading import Readings

_DAY = 86_400_000_000
_RANGES: Mapping[str, tuple[int | None, Unit]] = {
    "30": (30, "day"),
    "90": (90, "day"),
    "365": (365, "week"),
    "all": (None, "month"),
}
"""By the parameter `days`: how many days, and how they are grouped."""
_ROWS = 10
"""Groups, tools and sessions that are shown."""
_COUNTING = "all messages are being counted: ask again in a few seconds"
_GOOD = 30.0
"""Seconds for which the answers are kept."""


@dataclass(frozen=True, slots=True)
class Group:
    """What was used by a model, a project or a source.

    Attributes:
        row: the sums.
        bar: a bar for the tokens.
        href: where its sessions are; None if it has no name.
    """

    row: UsageRow
    bar: Markup
    href: str | None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, and a bar for its calls."""

    use: ToolUse
    bar: Markup


@dataclass(frozen=True, slots=True)
class Top:
    """A session among the first by some measure; its cost is in micro-dollars, None if unknown."""

    session: SessionBrief
    cost: int | None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The page.

    Attributes:
        days: the time that is shown: `30`, `90`, `365` or `all`.
        ranges: addresses of this page for each of these.
        times: what was used by day, week or month, the earliest first.
        unit: `day`, `week` or `month`.
        total: the sums over this time.
        tokens, costs: charts of the times.
        groups: what was used by model, project and source.
        heat: a map of the hours of a week; `hours` are its counts, by day.
        messages: how many have a date in this time.
        tools: those with most calls.
        longest, dearest: sessions, of all times.
        status: of the journal and its projection.
        gone: number of sessions that no source has any more.
        requests, open_requests: number of requests to forget, and of those without a receipt.
    """

    days: str
    ranges: tuple[tuple[str, str], ...]
    times: tuple[UsageRow, ...]
    unit: str
    total: UsageRow
    tokens: Markup
    costs: Markup
    groups: tuple[tuple[str, tuple[Group, ...]], ...]
    heat: Markup
    hours: tuple[tuple[str, tuple[int, ...]], ...]
    messages: int
    tools: tuple[Tool, ...]
    longest: tuple[Top, ...]
    dearest: tuple[Top, ...]
    status: Status
    gone: int
    requests: int
    open_requests: int


def dashboard(readings: Readings, params: Mapping[str, str]) -> Page:
    """Return the dashboard; what it shows is at most half a minute older than the projection."""
    days = given.choice(params, "days", _RANGES, "90")
    view = readings.memo.soon(("dashboard", days), _GOOD, lambda: _view(readings, days))
    if view is None:
        return Page("wait.html", "Dashboard", None, lambda: {"error": _COUNTING}, 503)
    return Page("dashboard.html", "Dashboard", view, lambda: _json(view))


def _view(readings: Readings, days: str) -> Dashboard:
    count, unit = _RANGES[days]
    since = None if count is None else int(time.time() * 1e6) - count * _DAY
    filters = UsageFilters(since, None, None, None, None)
    # one question after the other: a snapshot for all would keep the projector waiting
    times, total, _ = readings.peek(lambda db: usage(db, unit, filters))
    hours = readings.peek(lambda db: messages_by_hour(db, since))
    week = heat(hours)
    requests = erasures(readings.path)
    with readings.handle() as handle:
        status = handle.status()
    return Dashboard(
        days=days,
        ranges=tuple((name, urls.page(urls.DASHBOARD, days=name)) for name in _RANGES),
        times=times,
        unit=unit,
        total=total,
        tokens=columns(f"Tokens by {unit}", _bars(times, unit, _tokens)),
        costs=columns(f"Cost by {unit}", _bars(times, unit, _cost)),
        groups=tuple((by, _groups(readings, by, filters)) for by in ("model", "project", "source")),
        heat=heat_map("Messages by hour and day of the week", week),
        hours=tuple(zip(DAYS, week, strict=True)),
        messages=sum(hours.values()),
        tools=readings.peek(lambda db: _tools(db, since)),
        longest=readings.peek(lambda db: _top(db, "messages")),
        dearest=readings.peek(lambda db: _top(db, "cost")),
        status=status,
        gone=readings.peek(lambda db: count_sessions(db, SessionFilters(gone=True))),
        requests=len(requests),
        open_requests=sum(request.receipt is None for request in requests),
    )


def _bars(rows: tuple[UsageRow, ...], unit: Unit, bar: Callable[[UsageRow], Bar]) -> list[Bar]:
    """Return a bar for each time, also for those between in which nothing was used."""
    bars = {row.name: bar(row) for row in rows if row.name is not None}
    if not bars:
        return []
    return [bars.get(name) or Bar(name, 0, name) for name in steps(min(bars), max(bars), unit)]


def _sum(row: UsageRow) -> int:
    return row.input_tokens + row.output_tokens


def _tokens(row: UsageRow) -> Bar:
    name = row.name or "(no date)"
    return Bar(name, _sum(row), f"{name}: {number(_sum(row))} tokens")


def _cost(row: UsageRow) -> Bar:
    name = row.name or "(no date)"
    return Bar(name, row.cost or 0, f"{name}: {money(row.cost) or 'unknown'}")


def _groups(readings: Readings, by: By, filters: UsageFilters) -> tuple[Group, ...]:
    rows, _, _ = readings.peek(partial(usage, by=by, filters=filters))
    shown = rows[:_ROWS]
    most = max(map(_sum, shown), default=0)
    return tuple(
        Group(
            row,
            share(_sum(row), most),
            None if row.name is None else urls.page(urls.SESSIONS, **_only(by, row.name)),
        )
        for row in shown
    )


def _only(by: str, name: str) -> dict[str, str | int | None]:
    return {by: name, "all": 1}


def _tools(db: apsw.Connection, since: int | None) -> tuple[Tool, ...]:
    uses = tool_uses(db, since)[:_ROWS]
    most = max((use.calls for use in uses), default=0)
    return tuple(Tool(use, share(use.calls, most)) for use in uses)


def _top(db: apsw.Connection, sort: SessionSort) -> tuple[Top, ...]:
    found = []
    for name in session_ids(db, sort=sort, limit=_ROWS):
        view = brief(db, name)
        used = session_usage(db, view.session) if view.usage else None
        found.append(Top(view, None if used is None else used.cost))
    return tuple(top for top in found if sort != "cost" or top.cost is not None)


def _json(view: Dashboard) -> dict[str, object]:
    return {
        "days": view.days,
        "unit": view.unit,
        "times": [asdict(row) for row in view.times],
        "total": asdict(view.total),
        **{f"by_{by}": [asdict(group.row) for group in groups] for by, groups in view.groups},
        "hours": {day: list(counts) for day, counts in view.hours},
        "messages": view.messages,
        "tools": [asdict(tool.use) for tool in view.tools],
        "longest": [_top_json(top) for top in view.longest],
        "most_expensive": [_top_json(top) for top in view.dearest],
        "status": asdict(view.status),
        "gone": view.gone,
        "requests": view.requests,
        "open_requests": view.open_requests,
    }


def _top_json(top: Top) -> dict[str, object]:
    view = top.session
    return {"session": view.session, "messages": view.messages, "cost": top.cost}
