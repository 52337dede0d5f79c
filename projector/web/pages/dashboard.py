"""What was used and paid, when and with which tools, and the state of the journal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from projector.views.browsing.requests import count_requests
from projector.views.browsing.session_pages import names_of
from projector.views.session_filters import SessionFilters, count_sessions
from projector.views.sessions import brief, session_ids
from projector.web import params as given
from projector.web import urls
from projector.web.charts.bars import Bar, columns, share
from projector.web.charts.buckets import Unit, heat, steps
from projector.web.charts.heat import DAYS, heat_map
from projector.web.formats import money, number
from projector.web.page import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import apsw
    from markupsafe import Markup

    from projector.upkeep.status import Status
    from projector.views.browsing.census import Census, Report, ToolUse
    from projector.views.sessions import SessionBrief
    from projector.views.usage import UsageRow
    from projector.web.reading import Readings

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
_GOOD = 5.0
"""Seconds for which the answers that are quickly made are kept."""


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
class Counted:
    """What is counted of all messages of some time.

    Attributes:
        times: what was used by day, week or month, the earliest first.
        total: the sums over this time.
        tokens, costs: charts of the times.
        most_tokens, most_cost: of one of the times; None for a cost if none is known.
        groups: what was used by model, project and source.
        heat: a map of the hours of a week; `hours` are its counts, by day.
        messages: how many have a date in this time.
        tools: those with most calls.
        dearest: sessions, of all times.
    """

    times: tuple[UsageRow, ...]
    total: UsageRow
    tokens: Markup
    costs: Markup
    most_tokens: int
    most_cost: int | None
    groups: tuple[tuple[str, tuple[Group, ...]], ...]
    heat: Markup
    hours: tuple[tuple[str, tuple[int, ...]], ...]
    messages: int
    tools: tuple[Tool, ...]
    dearest: tuple[Top, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The page.

    Attributes:
        days: the time that is shown: `30`, `90`, `365` or `all`.
        ranges: addresses of this page for each of these.
        unit: `day`, `week` or `month`.
        counted: what is counted of all messages; None while it is counted for the first time.
        longest: sessions, of all times.
        status: of the journal and its projection.
        gone: number of sessions that no source has any more.
        requests, open_requests: number of requests to forget, and of those without a receipt.
    """

    days: str
    ranges: tuple[tuple[str, str], ...]
    unit: str
    counted: Counted | None
    longest: tuple[Top, ...]
    status: Status
    gone: int
    requests: int
    open_requests: int


@dataclass(frozen=True, slots=True)
class _Now:
    """What is quickly read."""

    longest: tuple[Top, ...]
    status: Status
    gone: int
    requests: int
    open_requests: int


def dashboard(readings: Readings, params: Mapping[str, str]) -> Page:
    """Return the dashboard; what takes long to count may be missing at first, and then older."""
    days = given.choice(params, "days", _RANGES, "90")
    now = readings.memo.get("dashboard", _GOOD, lambda: _now(readings))
    census = readings.counting.census()
    view = Dashboard(
        days=days,
        ranges=tuple((name, urls.page(urls.DASHBOARD, days=name)) for name in _RANGES),
        unit=_RANGES[days][1],
        counted=None if census is None else _counted(readings, census, days),
        longest=now.longest,
        status=now.status,
        gone=now.gone,
        requests=now.requests,
        open_requests=now.open_requests,
    )
    if view.counted is None:
        return Page("dashboard.html", "Dashboard", view, lambda: _json(view, None), is_ready=False)
    return Page("dashboard.html", "Dashboard", view, lambda: _json(view, view.counted))


def prepare(census: Census) -> None:
    """Make what each time shows, before a page waits for it."""
    for days in _RANGES:
        _report(census, days)


def _report(census: Census, days: str) -> Report:
    count, unit = _RANGES[days]
    today = datetime.now(UTC).astimezone().toordinal()
    return census.report(unit, None if count is None else today - count + 1)


def _now(readings: Readings) -> _Now:
    # one question after the other: a snapshot for all would keep the projector waiting
    longest = readings.peek(
        lambda db: _tops(db, readings, session_ids(db, sort="messages", limit=_ROWS))
    )
    requests, unfinished = readings.peek(count_requests)
    with readings.handle() as handle:
        status = handle.status()
    return _Now(
        longest=longest,
        status=status,
        gone=readings.peek(lambda db: count_sessions(db, SessionFilters(gone=True))),
        requests=requests,
        open_requests=unfinished,
    )


def _counted(readings: Readings, census: Census, days: str) -> Counted:
    report, unit = _report(census, days), _RANGES[days][1]
    week = heat(report.hours)
    uses = report.tools[:_ROWS]
    most = max((use.calls for use in uses), default=0)
    dearest = [*census.costliest[:_ROWS]]
    return Counted(
        times=report.times,
        total=report.total,
        tokens=columns(f"Tokens by {unit}", _bars(report.times, unit, _tokens)),
        costs=columns(f"Cost by {unit}", _bars(report.times, unit, _cost)),
        most_tokens=max(map(_sum, report.times), default=0),
        most_cost=max((row.cost for row in report.times if row.cost is not None), default=None),
        groups=tuple((by, _groups(by, rows)) for by, rows in report.groups),
        heat=heat_map("Messages by hour and day of the week", week),
        hours=tuple(zip(DAYS, week, strict=True)),
        messages=sum(report.hours.values()),
        tools=tuple(Tool(use, share(use.calls, most)) for use in uses),
        dearest=readings.peek(lambda db: _tops(db, readings, names_of(db, dearest))),
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


def _groups(by: str, rows: tuple[UsageRow, ...]) -> tuple[Group, ...]:
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


def _tops(db: apsw.Connection, readings: Readings, names: Iterable[str]) -> tuple[Top, ...]:
    found = []
    for name in names:
        view = brief(db, name)
        used = readings.counting.used(db, view)
        found.append(Top(view, None if used is None else used.cost))
    return tuple(found)


def _json(view: Dashboard, counted: Counted | None) -> dict[str, object]:
    if counted is None:
        return {"error": _COUNTING}
    return {
        "days": view.days,
        "unit": view.unit,
        "times": [asdict(row) for row in counted.times],
        "total": asdict(counted.total),
        **{f"by_{by}": [asdict(group.row) for group in groups] for by, groups in counted.groups},
        "hours": {day: list(counts) for day, counts in counted.hours},
        "messages": counted.messages,
        "tools": [asdict(tool.use) for tool in counted.tools],
        "longest": [_top_json(top) for top in view.longest],
        "most_expensive": [_top_json(top) for top in counted.dearest],
        "status": asdict(view.status),
        "gone": view.gone,
        "requests": view.requests,
        "open_requests": view.open_requests,
    }


def _top_json(top: Top) -> dict[str, object]:
    view = top.session
    return {"session": view.session, "messages": view.messages, "cost": top.cost}
