"""Searching a million messages: ours, hermes-agent and tantivy with the same queries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from projector import Projection
from tools.bench.corpus.queries import KINDS, Query, queries
from tools.bench.corpus.stage import projected_of
from tools.bench.corpus.words import Texts
from tools.bench.processes import alone
from tools.bench.report.figure import Figure, at_most, figure, times_lower
from tools.bench.report.spread import median, percentile
from tools.bench.rivals.hermes import open_database, searched_of
from tools.bench.rivals.lucene import Searcher, indexed_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.bench.plan import Plan

ROW = "search at 1 M messages, 200 mixed queries"
FLOOR = (
    "FTS5's own walk over the entries of the words asked for, up to 5,000 of them with bm25; and"
    " 20 texts read from their pages, each cut to a snippet, with the message before and behind."
)
OURS = "ours"
_ROLES = {OURS: "ask_ours", "hermes-agent": "ask_hermes", "tantivy": "ask_tantivy"}
_TARGETS = {"commonest words": times_lower(20), "rare words": times_lower(1)}
_LIMIT = 20
_SAMPLE = 5_000


def measure(plan: Plan) -> list[Figure]:
    """Measure milliseconds of each query, and compare kinds."""
    sides = _measure_all(plan)
    ours = sides.pop(OURS)
    asked = chosen(plan.queries)
    places = {
        kind: [i for i, query in enumerate(asked) if kind in ("all", query.kind)]
        for kind in (*KINDS, "all")
    }
    limits = {"p95": (95, 25), "worst": (100, 60)}
    figures = [
        figure(
            f"search, {len(asked)} queries: {what}",
            "ms",
            ours.shares(places["all"], share),
            target=at_most(limit),
        )
        for what, (share, limit) in limits.items()
    ]
    beside: dict[str, Asked | None] = {**sides} or {"": None}
    for against, theirs in beside.items():
        for kind, at in places.items():
            figures += _compared(kind, at, ours, theirs, against)
    return figures


def _compared(
    kind: str, at: Sequence[int], ours: Asked, theirs: Asked | None, against: str
) -> list[Figure]:
    """Return the median of a kind of queries, and the p95 of all; only ours without a rival."""
    target = _TARGETS.get(kind) if against == "hermes-agent" else None
    note = "" if theirs is None else _note(ours, theirs, at)
    return [
        figure(
            f"search, {kind}{', against ' * bool(against)}{against}: {name}",
            "ms",
            ours.shares(at, share),
            () if theirs is None else theirs.shares(at, share),
            against=against,
            target=target if name == "median" else None,
            note=note if name == "median" else "",
        )
        for name, share in (("median", 50), ("p95", 95))[: 1 + (kind == "all")]
    ]


def _note(ours: Asked, theirs: Asked, at: Sequence[int]) -> str:
    """Return how many queries took longer with ours, by the medians, and how many had no hit."""
    slower = sum(
        median([each[i] for each in ours.rounds]) > median([each[i] for each in theirs.rounds])
        for i in at
    )
    nothing = [sum(not side.hits[i] for i in at) for side in (ours, theirs)]
    return (
        f"of {len(at)} queries ours was slower in {slower};"
        f" without a hit: ours {nothing[0]}, theirs {nothing[1]}"
    )


def chosen(count: int) -> list[Query]:
    """Return the queries."""
    texts = Texts()
    return queries(texts.vocabulary, texts.take(_SAMPLE), count)


@dataclass(frozen=True, slots=True)
class Asked:
    """The results of one side.

    Attributes:
        rounds: for each round, the milliseconds of each query.
        hits: for each query, the number of hits.
    """

    rounds: list[list[float]]
    hits: list[int]

    def shares(self, at: Sequence[int], share: float) -> list[float]:
        """Return a percentile of each round over the queries with these indexes."""
        return [percentile([each[i] for i in at], share) for each in self.rounds]


def _measure_all(plan: Plan) -> dict[str, Asked]:
    """Let each side answer all queries, in turn."""
    paths = {OURS: projected_of(plan, plan.backlog)}
    if plan.rivals:
        paths |= {"hermes-agent": searched_of(plan), "tantivy": indexed_of(plan)}
    found: dict[str, Asked] = {name: Asked([], []) for name in paths}
    for turn in range(plan.heavy_rounds):
        for name, path in paths.items():
            plan.say(f"searching, round {turn + 1}: {name}")
            result = alone(
                plan, "parts.searching", _ROLES[name], path=str(path), count=plan.queries
            )
            found[name].rounds.append(result["taken"])
            found[name].hits[:] = result["hits"]
    return found


def _ask(count: int, search: Callable[[Query], int]) -> Callable[[], dict[str, list[float]]]:
    """Run all queries once, after one other query; measure milliseconds."""
    asked = chosen(count)

    def act() -> dict[str, list[float]]:
        search(Query("", "warming"))
        taken: list[float] = []
        hits: list[float] = []
        for query in asked:
            began = perf_counter()
            hits.append(search(query))
            taken.append((perf_counter() - began) * 1000)
        return {"taken": taken, "hits": hits}

    return act


def ask_ours(path: str, count: int) -> Callable[[], dict[str, list[float]]]:
    """Search a projection: the best 20 hits, each with a snippet and a message before and after."""
    projection = Projection.open(path)

    def search(query: Query) -> int:
        found = projection.search(
            query.text, limit=_LIMIT, context=1, role=query.role, source=query.source
        )
        return len(found.hits)

    return _ask(count, search)


def ask_hermes(path: str, count: int) -> Callable[[], dict[str, list[float]]]:
    """Search a `state.db`: the same, as `search_messages` returns it."""
    db = open_database(Path(path))

    def search(query: Query) -> int:
        found = db.search_messages(
            query.text,
            role_filter=[query.role] if query.role else None,
            source_filter=[query.source] if query.source else None,
            limit=_LIMIT,
        )
        return len(found)

    return _ask(count, search)


def ask_tantivy(path: str, count: int) -> Callable[[], dict[str, list[float]]]:
    """Search tantivy's index: the best 20 hits, each with a snippet."""
    return _ask(count, Searcher(Path(path)).search)
