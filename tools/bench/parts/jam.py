"""The slowest appends when many processes write at a fixed rate."""

from __future__ import annotations

import os
from itertools import cycle
from pathlib import Path
from threading import Thread
from time import perf_counter, perf_counter_ns, sleep
from typing import TYPE_CHECKING, Any

from journal import Journal
from tools.bench.parts.appends import contents
from tools.bench.processes import together
from tools.bench.report.figure import Figure, figure, times_lower
from tools.bench.report.spread import percentile
from tools.bench.rivals.hermes import open_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.bench.plan import Plan

ROW = "worst case, 16 processes writing every 20 ms"
FLOOR = (
    "The file system: a write(2) sometimes waits for a sync of its file, or of another's, to be"
    " done with the file system's own journal. The bare loop has the same write(2) and the same"
    " fdatasync beside it, and nothing else."
)
_EVERY = 0.020
_SYNCED = 0.1


def measure(plan: Plan) -> list[Figure]:
    """Measure the 99.9th percentile and the maximum of each round, over all processes."""
    ours: list[list[float]] = []
    theirs: list[list[float]] = []
    bare: list[list[float]] = []
    firsts: list[list[float]] = []
    for turn in range(plan.heavy_rounds):
        taken, first = _run(plan, "write_ours", plan.folder / f"jam-{turn}")
        ours.append(taken)
        firsts.append(first)
        bare.append(_run(plan, "write_bare", plan.folder / f"jam-bare-{turn}")[0])
        if plan.rivals:
            path = plan.folder / f"jam-hermes-{turn}" / "state.db"
            theirs.append(_run(plan, "write_theirs", path)[0])
    name = f"append, {plan.jammed} processes each every 20 ms"
    shares = {"p50": 50.0, "p99.9": 99.9, "maximum": 100.0}
    targets = {"p99.9": times_lower(100), "maximum": times_lower(50)}
    figures = [
        figure(
            f"{name}: {what}",
            "ms",
            [percentile(each, share) for each in ours],
            [percentile(each, share) for each in theirs],
            against="hermes-agent",
            target=targets.get(what),
        )
        for what, share in shares.items()
    ]
    figures += [
        figure(
            f"{name}: {what}, against write(2) and fdatasync",
            "ms",
            [percentile(each, shares[what]) for each in ours],
            [percentile(each, shares[what]) for each in bare],
            against="bare loop",
        )
        for what in targets
    ]
    note = (
        "makes the lane's segment and starts the thread that syncs; as with their"
        " `create_session`, not among the others"
    )
    slowest = [max(each) for each in firsts]
    return [*figures, figure("slowest first append of a process", "ms", slowest, note=note)]


def _run(plan: Plan, role: str, path: Path) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each append, and those of each process's first."""
    arguments: dict[str, Any] = {"path": str(path), "seconds": plan.jammed_seconds}
    parts = [("parts.jam", role, arguments | {"writer": n}) for n in range(plan.jammed)]
    found = together(plan, parts)
    return [taken for each in found for taken in each["taken"]], [each["first"] for each in found]


def _pace(
    append: Callable[[str], object], seconds: float, writer: int, first: float = 0.0
) -> Callable[[], dict[str, Any]]:
    """Return a function that appends every 20 ms; a delay is not made up for."""

    def act() -> dict[str, Any]:
        texts = cycle(contents())
        taken = []
        due = perf_counter() + writer * _EVERY / 16
        until = due + seconds
        while due < until:
            sleep(max(0.0, due - perf_counter()))
            text = next(texts)
            began = perf_counter_ns()
            append(text)
            taken.append((perf_counter_ns() - began) / 1e6)
            due = max(due + _EVERY, perf_counter())
        return {"taken": taken, "first": first}

    return act


def write_ours(path: str, seconds: float, writer: int) -> Callable[[], dict[str, Any]]:
    """Append to a journal at a fixed rate."""
    journal = Journal.open(path)
    began = perf_counter_ns()
    journal.append(session=f"s{writer}", type="session.created", data={"source": "cli"})
    first = (perf_counter_ns() - began) / 1e6
    return _pace(
        lambda text: journal.append_message(f"s{writer}", "user", text), seconds, writer, first
    )


def write_bare(path: str, seconds: float, writer: int) -> Callable[[], dict[str, Any]]:
    """Append the texts to a file at a fixed rate, and sync it in the background, as a journal."""
    folder = Path(path)
    folder.mkdir(exist_ok=True)
    fd = os.open(folder / str(writer), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def sync() -> None:
        while True:
            sleep(_SYNCED)
            os.fdatasync(fd)

    Thread(target=sync, daemon=True).start()
    return _pace(lambda text: os.write(fd, text.encode()), seconds, writer)


def write_theirs(path: str, seconds: float, writer: int) -> Callable[[], dict[str, Any]]:
    """Append to a `state.db` at a fixed rate."""
    db = open_database(Path(path))
    db.create_session(f"s{writer}", "cli")
    return _pace(lambda text: db.append_message(f"s{writer}", "user", text), seconds, writer)
