"""The time from an append to its hit, beside an idle projector and beside a busy one."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from random import Random
from shutil import rmtree
from time import perf_counter, sleep
from typing import TYPE_CHECKING
from uuid import UUID

from journal import Journal
from projector import Projection
from tools.bench.parts.appends import contents
from tools.bench.parts.opening import make_segments
from tools.bench.processes import Actor, BenchError
from tools.bench.report.figure import Figure, at_most, figure
from tools.bench.report.spread import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tools.bench.plan import Plan

ROW = "append to found"
FLOOR = (
    "inotify's way to the projector's handler (0.2 ms), one fdatasync of what it read, one"
    " transaction with the synced WAL of SQLite, and the reader's next look at the watermark (it"
    " looks after 1, 2, 4 ... 20 ms)."
)
_PATIENCE = 10.0
_EACH = 10
"""Final segments of a lane, where there are many."""
_PROJECTOR = [sys.executable, "-c", "from projector.cli import main; main()"]


@contextmanager
def running(journal: Path) -> Iterator[int]:
    """Run a projector; yield its pid when it watches.

    Raises:
        BenchError: it does not start.
    """
    process = subprocess.Popen(
        [*_PROJECTOR, "--journal", str(journal), "run"],
        cwd=journal,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    try:
        line = process.stderr.readline() if process.stderr else b""
        if not line.startswith(b"projecting"):
            process.kill()
            output = (line + process.communicate()[1]).decode(errors="replace")
            raise BenchError(f"projector run did not start: {output}")
        yield process.pid
    finally:
        process.terminate()
        process.communicate()


def measure(plan: Plan) -> list[Figure]:
    """Measure milliseconds from before `append` until a search has returned the message."""
    idle: list[list[float]] = []
    busy: list[list[float]] = []
    for turn in range(plan.heavy_rounds):
        idle.append(_round(plan, f"found-idle-{turn}", 0))
        busy.append(_round(plan, f"found-busy-{turn}", plan.busy))
    beside = f"beside {plan.writers} writers at {plan.busy:,} messages/s in all"
    rows = [("idle", idle, 50, 5), ("idle", idle, 99, 25), (beside, busy, 50, 0)]
    rows.append((beside, busy, 99, 150))
    return [
        *(
            figure(
                f"append to found, {where}: p{share}",
                "ms",
                [percentile(each, share) for each in rounds],
                target=at_most(limit) if limit else None,
            )
            for where, rounds, share, limit in rows
        ),
        _among_many(plan),
    ]


def _among_many(plan: Plan) -> Figure:
    """Measure the factor by which final segments in many lanes slow it down, in one run."""
    few, many = plan.folder / "found-few", plan.folder / "found-many"
    for path, lanes in ((few, 1), (many, plan.mirrors)):
        Journal.open(path).close()
        for n in range(lanes):
            _mirror(plan.folder / "found-mirrored", path, n)
    times = []
    for turn in range(plan.heavy_rounds):
        rounds = (_round(plan, path.name, 0) for path in (few, many))
        plain, slowed = (percentile(each, 50) for each in rounds)
        plan.say(f"beside final segments, round {turn + 1}: {plain:.1f} and {slowed:.1f} ms")
        times.append(slowed / plain)
    return figure(
        f"the same beside {plan.mirrors * _EACH:,} final segments in {plan.mirrors} lanes: p50,"
        f" against {_EACH}",
        "times",
        times,
        target=at_most(1.5),
    )


def _mirror(made: Path, path: Path, number: int) -> None:
    """Add a mirror with some final segments to a journal."""
    rmtree(made, ignore_errors=True)
    make_segments(made, _EACH)
    (made / "lanes" / "1" / "lock").unlink()
    folder = f"m-{UUID(int=number)}-1"
    (made / "lanes" / "1").rename(path / "lanes" / folder)


def _round(plan: Plan, name: str, rate: int) -> list[float]:
    path = plan.folder / name
    Journal.open(path).close()
    with ExitStack() as stack:
        stack.enter_context(running(path))
        looker = stack.enter_context(
            Actor(plan, "parts.found", "look", journal=str(path), count=plan.found)
        )
        writers = [
            stack.enter_context(
                Actor(
                    plan,
                    "parts.found",
                    "write",
                    journal=str(path),
                    rate=rate / plan.writers,
                    writer=n,
                )
            )
            for n in range(plan.writers if rate else 0)
        ]
        for actor in (looker, *writers):
            actor.wait_ready()
        for actor in writers:
            actor.go()
        looker.go()
        taken: list[float] = looker.result()
        return taken


def look(journal: str, count: int) -> Callable[[], list[float]]:
    """Append messages, each with its own word, and search until each is found."""
    lane = Journal.open(journal)
    projection = Projection.open(journal)
    texts = contents()

    def act() -> list[float]:
        rng = Random(5)
        taken = []
        sleep(0.5)
        for number in range(count):
            sleep(rng.uniform(0.03, 0.1))
            word = f"needle{number}x"
            began = perf_counter()
            lane.append_message("needles", "user", f"{texts[number % len(texts)]} {word}")
            while not projection.search(word, limit=1).hits:
                if perf_counter() - began > _PATIENCE:
                    raise BenchError(f"{word} is not found after {_PATIENCE} s")
            taken.append((perf_counter() - began) * 1000)
        return taken

    return act


def write(journal: str, rate: float, writer: int) -> Callable[[], None]:
    """Append this many messages a second until killed."""
    lane = Journal.open(journal)
    texts = contents()

    def act() -> None:
        due = perf_counter() + writer / rate / 8
        number = 0
        while True:
            sleep(max(0.0, due - perf_counter()))
            lane.append_message(f"s{writer}", "user", texts[number % len(texts)])
            number += 1
            due += 1 / rate

    return act
