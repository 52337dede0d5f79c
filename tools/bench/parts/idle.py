"""The cost of an idle projector beside many lanes."""

from __future__ import annotations

import os
import resource
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter, sleep
from typing import TYPE_CHECKING

from journal import Journal
from tools.bench.parts.found import running
from tools.bench.processes import alone
from tools.bench.report.figure import Figure, at_most, figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.bench.plan import Plan

ROW = "idle projector"
FLOOR = (
    "One listing of all lanes' folders each second: the sweep that catches a bell that got lost."
)
_SETTLE = 4.0
"""Seconds after which a projector that has caught up has done all one-time work."""


def measure(plan: Plan) -> list[Figure]:
    """Measure the share of a core that an idle projector uses."""
    path = plan.folder / "idle"
    alone(plan, "parts.idle", "make_lanes", path=str(path), count=plan.lanes)
    alone(plan, "parts.projecting", "sync", journal=str(path))
    shares = []
    with running(path) as pid:
        sleep(min(_SETTLE, plan.idle_seconds))
        for _ in range(plan.heavy_rounds):
            began, before = perf_counter(), used(pid)
            sleep(plan.idle_seconds)
            shares.append((used(pid) - before) / (perf_counter() - began) * 100)
    name = f"idle projector, {plan.lanes:,} lanes"
    return [figure(name, "% of a core", shares, target=at_most(0.5))]


def used(pid: int) -> float:
    """Return the seconds of processor time that a process has used, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def make_lanes(path: str, count: int) -> Callable[[], None]:
    """Lease many lanes at the same time, and append one event to each."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def act() -> None:
        with ExitStack() as stack:
            for number in range(count):
                journal = stack.enter_context(Journal.open(path, fsync="never"))
                journal.append_message(f"s{number}", "user", "one message")

    return act
