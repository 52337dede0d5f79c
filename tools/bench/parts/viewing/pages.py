"""The viewer: its pages, a very long session, its idle cost, what is appended, and its memory."""

from __future__ import annotations

from contextlib import ExitStack
from random import Random
from time import perf_counter, sleep, time_ns
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from journal import Journal
from projector import Projection
from projector.search.hits import Look
from tools.bench.corpus.viewed import EACH, LONG, fill, session_name
from tools.bench.parts.found import running
from tools.bench.parts.idle import used
from tools.bench.parts.searching import chosen
from tools.bench.parts.viewing.browsing import Stream, viewing
from tools.bench.processes import BenchError, alone
from tools.bench.report.figure import Figure, at_most, figure
from tools.bench.report.spread import percentile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tools.bench.parts.viewing.browsing import Viewer
    from tools.bench.plan import Plan

ROW = "viewer at 1 M messages and one session of 500,000"
FLOOR = (
    "Of a page, the queries of its rows and Jinja's own time for its HTML; of a search, what"
    " `searching` measures and the values of each message that was ranked; of an open page, the"
    " pause of 100 ms in which what is appended is collected, and the projector's own time."
)
_PAGES, _LONG, _SEARCH, _VISIBLE = 100, 300, 60, 300
"""Targets, in milliseconds at p95; of a search, over that of the search itself."""
_OPEN = 10
"""Pages that are open."""
_SETTLE = 3.0
_PATIENCE = 600.0
_COUNTING = "being counted"


def measure(plan: Plan) -> list[Figure]:
    """Measure a viewer in a process of its own beside an idle projector."""
    path = viewed_of(plan)
    with running(path), viewing(path) as viewer:
        began = perf_counter()
        first = viewer.get("/dashboard?days=all")
        while _COUNTING in viewer.get("/dashboard?days=all").text:
            if perf_counter() - began > _PATIENCE:
                raise BenchError(f"the dashboard is not counted after {_PATIENCE} s")
            sleep(0.2)
        counted = perf_counter() - began
        figures = [
            figure("first dashboard after the start", "ms", [first.took], target=at_most(_PAGES)),
            figure("all of it counted after the start", "s", [counted]),
        ]
        sessions = max(plan.viewed // EACH, 1)
        for name, addresses in _pages(sessions).items():
            plan.say(f"pages: {name}")
            figures.append(_page(plan, viewer, f"{name}: p95", addresses, _PAGES))
        places = _long_pages(plan.viewed_session)
        name = f"session of {plan.viewed_session:,} messages: p95"
        figures.append(_page(plan, viewer, name, places, _LONG))
        plan.say("pages: search")
        figures += _searches(plan, path, viewer)
        figures += _open_pages(plan, path, viewer)
        figures.append(figure("memory (VmHWM)", "MB", [viewer.peak()], target=at_most(120)))
    return figures


def viewed_of(plan: Plan) -> Path:
    """Return a journal with a projection."""
    path = plan.folder / f"viewed-{plan.viewed}-{plan.viewed_session}"
    if not path.exists():
        plan.say(f"writing and projecting {plan.viewed + plan.viewed_session:,} messages to view")
        fill(path, plan.viewed, plan.viewed_session, time_ns() // 1000)
        alone(plan, "parts.projecting", "rebuild", journal=str(path))
    return path


def _pages(sessions: int) -> dict[str, list[str]]:
    """Return addresses by the name of their figure."""
    rng = Random(3)
    some = [session_name(rng.randrange(sessions)) for _ in range(20)]
    lists = ["", "all=1", "errors=1", "source=codex", "model=gpt-large", "tool=Edit", "gone=1"]
    lists += ["project=project-7", "since=30d", f"parent={session_name(8)}&all=1"]
    sorts = ("messages", "tokens", "cost", "tree")
    session = [f"/session?id={name}" for name in some]
    session += [f"/session?id={name}&at=m{rng.randrange(EACH):08d}" for name in some]
    session += [f"/session?id={name}&focus=1" for name in some[:10]]
    return {
        "sessions": [f"/sessions?{state}" for state in lists],
        **{f"sessions by {sort}": [f"/sessions?sort={sort}"] for sort in sorts},
        "session": session,
        "message": [f"/message?session={name}&id=m{3:08d}" for name in some],
        "dashboard": [f"/dashboard?days={days}" for days in ("30", "90", "365", "all")],
    }


def _long_pages(count: int) -> list[str]:
    here = f"/session?id={LONG}"
    middle, late = count // 2, max(count - 100, 0)
    places = ("", f"&at=m{middle:08d}", f"&from={middle}", "&end=1", f"&before=m{late:08d}")
    return [f"{here}{place}" for place in (*places, "&focus=1", f"&focus=1&start=m{middle:08d}")]


def _page(plan: Plan, viewer: Viewer, name: str, addresses: Sequence[str], limit: float) -> Figure:
    """Measure pages, each as often as the plan says; the worst address is named."""
    taken: dict[str, list[float]] = {address: [] for address in addresses}
    rounds = []
    before = used(viewer.pid)
    for _ in range(plan.heavy_rounds):
        found = []
        for _ in range(max(plan.requests // len(addresses), 1)):
            for address in addresses:
                took = viewer.get(address).took
                found.append(took)
                taken[address].append(took)
        rounds.append(percentile(found, 95))
    worst = max(addresses, key=lambda address: percentile(taken[address], 50))
    spent = (used(viewer.pid) - before) * 1000 / sum(map(len, taken.values()))
    note = (
        f"{spent:.0f} ms of processor time each; slowest: `{worst:.60}`,"
        f" median {percentile(taken[worst], 50):.0f} ms"
    )
    return figure(name, "ms", rounds, target=at_most(limit), note=note)


def _searches(plan: Plan, path: Path, viewer: Viewer) -> list[Figure]:
    """Measure search pages, and the same searches without a page."""
    over: list[float] = []
    whole: list[float] = []
    bare: list[float] = []
    asked = chosen(plan.queries)
    with Projection.open(path) as projection:
        look = Look(width=320)
        before = used(viewer.pid)
        for _ in range(plan.heavy_rounds):
            pages, alone = [], []
            for query in asked:
                filters = {"role": query.role} if query.role else {}
                pages.append(viewer.get(f"/search?{urlencode({'q': query.text} | filters)}").took)
                began = perf_counter()
                projection.search(
                    query.text, limit=20, group="session", look=look, enough=1, role=query.role
                )
                alone.append((perf_counter() - began) * 1000)
            more = [one - two for one, two in zip(pages, alone, strict=True)]
            for found, values in ((over, more), (whole, pages), (bare, alone)):
                found.append(percentile(values, 95))
        spent = (used(viewer.pid) - before) * 1000 / len(asked) / plan.heavy_rounds
    note = f"{spent:.0f} ms of processor time each page, with its search"
    return [
        figure("search page, over its search: p95", "ms", over, target=at_most(_SEARCH), note=note),
        figure("search page: p95", "ms", whole),
        figure("the same searches without a page: p95", "ms", bare),
    ]


def _open_pages(plan: Plan, path: Path, viewer: Viewer) -> list[Figure]:
    """Measure what open pages cost while nothing happens, and when they show what is appended."""
    sessions = max(plan.viewed // EACH, 1)
    name = session_name(sessions - 1)
    addresses = [f"/events?session={name}", f"/events?session={LONG}", "/events", "/events"]
    addresses += [
        f"/events?session={session_name(at % sessions)}" for at in range(_OPEN - len(addresses))
    ]
    with ExitStack() as stack:
        streams = [stack.enter_context(Stream(viewer, address)) for address in addresses]
        for stream in streams:
            stream.next_change()
        plan.say(f"{_OPEN} open pages, idle")
        sleep(min(_SETTLE, plan.idle_seconds))
        shares = []
        for _ in range(plan.heavy_rounds):
            began, before = perf_counter(), used(viewer.pid)
            sleep(plan.idle_seconds)
            shares.append((used(viewer.pid) - before) / (perf_counter() - began) * 100)
        plan.say(f"{_OPEN} open pages, appending")
        with Journal.open(path) as journal:
            seen = [_visible(plan, journal, viewer, streams[0], name, turn) for turn in range(2)]
            long = _visible(plan, journal, viewer, streams[1], LONG, 2)
    idle = f"idle, {_OPEN} open pages"
    appended = f"appended until it is in an open page, {_OPEN} open: p95"
    return [
        figure(idle, "% of a core", shares, target=at_most(0.5)),
        figure(appended, "ms", seen, target=at_most(_VISIBLE)),
        figure(f"{appended}, in the session of {plan.viewed_session:,}", "ms", [long]),
    ]


def _visible(
    plan: Plan, journal: Journal, viewer: Viewer, stream: Stream, session: str, turn: int
) -> float:
    """Append messages to a session; return the p95 of the time until a page of it has each.

    The page asks for its last messages after an event of its stream, as `assets/live.js` does.
    """
    rng, taken, last = Random(turn), [], ""
    for number in range(plan.found):
        sleep(rng.uniform(0.15, 0.4))
        id = f"live-{time_ns()}"  # the journal may have been measured before
        began = perf_counter()
        journal.append_message(session, "assistant", f"what is new: {id}.", id=id)
        while True:
            stream.next_change()
            state: Mapping[str, str] = {"id": session} | ({"from": last} if last else {})
            if last or number:
                text = viewer.get(f"/session/tail?{urlencode(state)}").text
            else:
                text = viewer.get(f"/session?{urlencode({'id': session, 'end': 1})}").text
            if f"what is new: {id}." in text:
                break
        taken.append((perf_counter() - began) * 1000)
        last = id
    return percentile(taken, 95)
