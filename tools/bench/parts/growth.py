"""The growth of costs with the content of a journal."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from journal import Journal
from tools.bench.corpus.stage import fill, journal_of
from tools.bench.parts.appends import contents
from tools.bench.processes import alone
from tools.bench.report.figure import Figure, at_most, figure
from tools.bench.report.spread import median, percentile

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.bench.plan import Plan

ROW = "growth"
FLOOR = (
    "A logarithm: the depth of the tables' trees and the number of the index's levels. Between"
    " 10,000 and 3,000,000 messages it grows by 1.6; up to 2.0 counts as no faster, for noise."
)
_MOST = 2.0

MEASURES = {
    "append": "µs",
    "open": "ms",
    "search, median": "ms",
    "search, p95": "ms",
    "catch-up": "µs a message",
    "rebuild": "µs a message",
    "memory of a rebuild": "MB",
}
"""The measures and their units; smaller is better for all of them."""


def measure(plan: Plan) -> list[Figure]:
    """Measure journals of growing size; a figure compares the largest with the smallest."""
    found: dict[str, dict[int, float]] = {name: {} for name in MEASURES}
    for count in plan.growth:
        plan.say(f"growth: {count:,} messages")
        for name, value in _measure_at(plan, count).items():
            found[name][count] = value
    small, large = min(plan.growth), max(plan.growth)
    return [
        figure(
            f"growth of {name}: {large:,} against {small:,} messages",
            MEASURES[name],
            [values[large]],
            [values[small]],
            against=f"{small:,} messages",
            target=at_most(_MOST, "ours / theirs"),
            note="; ".join(f"{count:,}: {value:.3g}" for count, value in values.items()),
            points=list(values.items()),
        )
        for name, values in found.items()
    ]


def _measure_at(plan: Plan, count: int) -> dict[str, float]:
    path = journal_of(plan, count)
    built = alone(plan, "parts.projecting", "rebuild", journal=str(path))
    searched = alone(plan, "parts.searching", "ask_ours", path=str(path), count=plan.queries)[
        "taken"
    ]
    opened = alone(plan, "parts.growth", "open_and_append", path=str(path), n=plan.opens)
    fill(path, plan.gained, seed=2)
    caught_up = alone(plan, "parts.projecting", "sync", journal=str(path))
    return {
        "append": opened["append"],
        "open": opened["open"],
        "search, median": median(searched),
        "search, p95": percentile(searched, 95),
        "catch-up": caught_up["seconds"] / plan.gained * 1e6,
        "rebuild": built["seconds"] / count * 1e6,
        "memory of a rebuild": built["peak"] / 1e6,
    }


def open_and_append(path: str, n: int) -> Callable[[], dict[str, Any]]:
    """Open a journal and append a few messages, repeatedly; return the medians."""
    texts = contents()

    def act() -> dict[str, Any]:
        opening, appending = [], []
        for _ in range(n):
            began = perf_counter()
            journal = Journal.open(Path(path))
            opening.append((perf_counter() - began) * 1000)
            journal.append_message("growth", "user", texts[0])  # may begin a segment
            began = perf_counter()
            for text in texts[1:51]:
                journal.append_message("growth", "user", text)
            appending.append((perf_counter() - began) / 50 * 1e6)
            journal.close()
        return {"open": median(opening), "append": median(appending)}

    return act
