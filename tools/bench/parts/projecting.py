"""Projecting a backlog: messages a second, compared with the floor, hermes-agent and tantivy."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from time import perf_counter
from typing import TYPE_CHECKING

from tools.bench.corpus.stage import database, journal_of, projector
from tools.bench.processes import alone
from tools.bench.report.figure import Figure, at_least, figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.bench.plan import Plan

ROW = "projecting a backlog of 1 M messages"
FLOOR = (
    "The bare apsw loop: it opens the same tables, with the build's own pragmas and an FTS"
    " `hashsize` of 64 MiB, and inserts the rows of `sessions` and `events` and the texts of `fts`"
    " as they came, ready in memory, 2,000 with each `executemany` and 20,000 in a transaction."
    " Reading, checksums, JSON, places, cutting texts and the watermark are not in it, nor are"
    " updates: sessions go in with their final counts."
)


def measure(plan: Plan) -> list[Figure]:
    """Measure a rebuild from the lanes, and the programs that it is compared with."""
    path = journal_of(plan, plan.backlog)
    ours, floor, tantivy, cores, hermes = [], [], [], [], []
    for turn in range(plan.heavy_rounds):
        plan.say(f"projecting {plan.backlog:,} messages, round {turn + 1}")
        found = alone(plan, "parts.projecting", "rebuild", journal=str(path))
        ours.append(plan.backlog / found["seconds"])
        target = plan.folder / f"floor-{turn}.db"
        made = database(path)
        for old in made.parent.glob("*.db"):
            if old != made:
                old.unlink()  # no process reads it, and each takes more than a gigabyte
        copied = alone(plan, "rivals.copying", "copy", source=str(made), target=str(target))
        floor.append(copied["messages"] / copied["seconds"])
        if plan.rivals:
            folder = plan.folder / f"tantivy-floor-{turn}"
            indexed = alone(plan, "rivals.lucene", "index", folder=str(folder), count=plan.backlog)
            rmtree(folder)
            tantivy.append(plan.backlog / indexed["seconds"])
            cores.append(indexed["cpu"] / indexed["seconds"])
            state = plan.folder / f"projecting-hermes-{turn}" / "state.db"
            seconds = alone(
                plan, "rivals.hermes", "append_all", database=str(state), count=plan.rival_backlog
            )
            hermes.append(plan.rival_backlog / seconds)
    name = f"projecting {plan.backlog:,} messages"
    used = f"its threads kept {max(cores):.1f} cores busy" if cores else ""
    rows: list[tuple[str, list[float], float, str]] = [
        ("bare apsw loop", floor, 0.70, "the loop gets its rows ready parsed"),
        ("hermes-agent", hermes, 15, f"its rate over {plan.rival_backlog:,} `append_message`"),
        ("tantivy", tantivy, 1, f"one indexing thread; {used}"),
    ]
    return [
        figure(
            f"{name}, against {against}",
            "messages/s",
            ours,
            theirs,
            against=against,
            target=at_least(limit),
            note=note if theirs else "",
        )
        for against, theirs, limit, note in rows
    ]


def peak(pid: int | str = "self") -> int:
    """Return the maximum memory of a process so far, in bytes; by default of this one."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/{pid}/status has no VmHWM")


def rebuild(journal: str) -> Callable[[], dict[str, float]]:
    """Build a new generation, as `projector rebuild` does; measure seconds and memory."""

    def act() -> dict[str, float]:
        began = perf_counter()
        projector(Path(journal), "rebuild")
        return {"seconds": perf_counter() - began, "peak": peak()}

    return act


def sync(journal: str) -> Callable[[], dict[str, float]]:
    """Apply new events, as `projector sync` does; measure the seconds."""

    def act() -> dict[str, float]:
        began = perf_counter()
        projector(Path(journal), "sync")
        return {"seconds": perf_counter() - began, "peak": peak()}

    return act
