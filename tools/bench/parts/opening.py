"""The cost of starting: the import, and opening a journal with many final segments."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING
from unittest.mock import patch

from journal import Journal
from journal.lanes import writer as lane_writer
from tools.bench.processes import BenchError, alone
from tools.bench.report.figure import Figure, at_most, figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.bench.plan import Plan

ROW = "import and open"
FLOOR = (
    "Of the import, the modules that orjson and portalocker do not need: their code objects read"
    " from .pyc files, and their classes made. Of opening, two lists of a folder with 1,000 names,"
    " the last record of two segments, and a lock."
)
_PROGRAM = "from time import perf_counter as c; b = c(); {}; print((c() - b) * 1000)"


def measure(plan: Plan) -> list[Figure]:
    """Measure milliseconds of imports in fresh processes, alternating, and of opening."""
    ours, bare = [], []
    # compiled before, so that no run compiles, wherever this checkout is
    environment = dict(os.environ, PYTHONPYCACHEPREFIX=str(plan.folder / "bytecode"))
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    _import("import orjson, portalocker; from journal import Journal", environment)
    for _ in range(plan.spawns):
        bare.append(_import("import orjson, portalocker", environment))
        ours.append(_import("from journal import Journal", environment))
    over = [one - two for one, two in zip(ours, bare, strict=True)]
    path = str(plan.folder / "opening")
    opened = alone(
        plan, "parts.opening", "open_often", path=path, segments=plan.segments, n=plan.opens
    )
    return [
        figure(
            "`from journal import Journal`, over orjson and portalocker",
            "ms",
            over,
            target=at_most(10),
        ),
        figure(
            "`from journal import Journal`, all of it",
            "ms",
            ours,
            bare,
            against="orjson, portalocker",
        ),
        figure(
            f"`Journal.open` with {plan.segments:,} final segments",
            "ms",
            opened,
            target=at_most(2),
        ),
    ]


def _import(statement: str, environment: dict[str, str]) -> float:
    # in another folder, so that the import finds the installed package
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(statement)],
        check=False,
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise BenchError(f"{statement} failed: {done.stderr}")
    return float(done.stdout)


def make_segments(path: Path, count: int) -> None:
    """Make a journal of one lane with `count` final segments, and an active one."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(lane_writer, "ROLL_SIZE", 1))
        journal = stack.enter_context(Journal.open(path, fsync="never"))
        for number in range(count + 1):
            journal.append_message("s1", "user", f"message {number}")


def open_often(path: str, segments: int, n: int) -> Callable[[], list[float]]:
    """Open a journal with final segments repeatedly; measure the milliseconds of each."""
    make_segments(Path(path), segments)

    def act() -> list[float]:
        taken = []
        for _ in range(n):
            began = perf_counter()
            journal = Journal.open(path)
            taken.append((perf_counter() - began) * 1000)
            journal.close()
        return taken

    return act
