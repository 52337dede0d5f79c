"""The memory of a projector that rebuilds, and of a writer."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tools.bench.corpus.stage import journal_of
from tools.bench.processes import BenchError, alone
from tools.bench.report.figure import Figure, at_most, figure

if TYPE_CHECKING:
    from tools.bench.plan import Plan

ROW = "memory"
FLOOR = (
    "Python with apsw; SQLite's page cache of 16 MiB and the full-text hash of the connection that"
    " builds; of a writer, the lines of the last 200 ms, which are kept until they are synced."
)
_MB = 1e6
_PACE = 1_000
_BASE = """
import orjson
orjson.loads(orjson.dumps({"text": "x" * 700}))
"""
_WRITER = """
from time import perf_counter, sleep
from journal import Journal
with Journal.open({path!r}) as journal:
    due, number, rate = perf_counter(), 0, {rate}
    until = due + {seconds}
    while perf_counter() < until:
        journal.append_message("s1", "user", f"{{number:09d}} " * 55)
        number += 1
        if rate:
            due += 1 / rate
            sleep(max(0.0, due - perf_counter()))
"""
_PEAK = """
for line in open("/proc/self/status"):
    if line.startswith("VmHWM:"):
        print(line.split()[1])
"""


def measure(plan: Plan) -> list[Figure]:
    """Measure the maximum memory (VmHWM), each in its own process."""
    journal = str(journal_of(plan, plan.backlog))
    plan.say(f"rebuilding {plan.backlog:,} messages for its memory")
    projector = alone(plan, "parts.projecting", "rebuild", journal=journal)["peak"] / _MB
    base: list[float] = []
    paced: list[float] = []
    flat_out: list[float] = []
    for turn in range(plan.rounds):
        base.append(_run(_BASE))
        for found, rate in ((paced, _PACE), (flat_out, 0)):
            path = str(plan.folder / f"memory-{turn}-{rate}")
            found.append(_run(_WRITER.format(path=path, rate=rate, seconds=plan.append_seconds)))
    over = [one - two for one, two in zip(paced, base, strict=True)]
    most = [one - two for one, two in zip(flat_out, base, strict=True)]
    return [
        figure(
            f"projector while rebuilding {plan.backlog:,} messages",
            "MB",
            [projector],
            target=at_most(200),
        ),
        figure(
            f"writer at {_PACE:,} messages/s, over Python with orjson",
            "MB",
            over,
            target=at_most(10),
        ),
        figure("writer that never pauses, over Python with orjson", "MB", most),
    ]


def _run(program: str) -> float:
    """Run a program in a new process; return its maximum memory, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", program + _PEAK],
        check=False,
        cwd="/",
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise BenchError(f"a writer failed: {done.stderr}")
    return int(done.stdout) / 1000
