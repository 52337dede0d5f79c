"""The common part of the kill sweep and the fault sweep: arguments, plan, workers, reports."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.disks.in_memory import MEMORY
from tests.torture.arguments import step_parser
from tests.torture.faults import traced
from tests.torture.faults.bench import Bench
from tests.torture.faults.traced import Point
from tests.torture.faults.workloads import WORKLOADS, settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

_WORKERS = 2
SAMPLE = 7
"""Points of each workload in a sample."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: a workload, and where strace interferes with it."""

    workload: str
    point: Point

    def __str__(self) -> str:
        return f"{self.workload}/{self.point}"

    @classmethod
    def parse(cls, text: str) -> Job:
        """Parse the result of `str`."""
        workload, _, point = text.partition("/")
        call, what, when = point.split(":")
        return cls(workload, Point(call, when.removeprefix("when="), what))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended.

    Attributes:
        job: the job.
        hit: whether strace interfered.
        wrong: descriptions of failures; empty if there are none.
        seconds: how long it took, with its checks.
    """

    job: Job
    hit: bool
    wrong: list[str]
    seconds: float = 0.0


class Benches:
    """The benches of one worker, each prepared when it is first needed."""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="torture-", dir=MEMORY))
        self._benches: dict[str, Bench] = {}

    def __getitem__(self, workload: str) -> Bench:
        if workload not in self._benches:
            self._benches[workload] = Bench(WORKLOADS[workload], self.base)
        return self._benches[workload]

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.base, ignore_errors=True)


def arguments(doc: str) -> argparse.Namespace:
    """Parse the command line of both sweeps."""
    parser = step_parser(doc, seed=random.randrange(2**32))
    parser.add_argument("--sample", action="store_true", help="the small form")
    parser.add_argument("--only", action="append", help="run one point, as a failure names it")
    parser.add_argument("--workload", action="append", choices=sorted(WORKLOADS))
    parser.add_argument(
        "--sabotage", action="store_true", help="a writer that acknowledges too early: must fail"
    )
    options = parser.parse_args()
    settings.eager = options.sabotage
    traced.clocks = options.seed
    return options


def need_strace() -> None:
    """Exit if strace cannot be used."""
    if (reason := traced.missing()) is not None:
        sys.exit(f"{reason}: install strace, and run where ptrace is permitted")


def _count_calls(workloads: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return the calls that each workload makes without a fault, and their number."""
    benches = Benches()
    try:
        return {name: benches[name].calls for name in workloads}
    finally:
        benches.close()


def plan(
    options: argparse.Namespace, points: Callable[[str, int], list[Point]]
) -> tuple[list[str], list[Job]]:
    """Choose the runs, in an order that depends on the seed.

    Args:
        options: the command line.
        points: lists the points of a call that is made this many times.

    Returns:
        The names of the workloads, and the jobs.
    """
    names = options.workload or list(WORKLOADS)
    jobs = [Job.parse(text) for text in options.only or ()] or [
        Job(name, point)
        for name, calls in _count_calls(names).items()
        for call, count in calls.items()
        for point in points(call, count)
    ]
    random.Random(options.seed).shuffle(jobs)
    if options.sample:
        jobs = [job for name in names for job in [j for j in jobs if j.workload == name][:SAMPLE]]
    return names, jobs


def run_all(
    jobs: list[Job], judge: Callable[[Bench, Job], Outcome], seconds: float | None
) -> Iterator[Outcome]:
    """Run jobs in two workers; yield their outcomes, until all are done or the time is over."""
    until = None if seconds is None else time.monotonic() + seconds
    context = multiprocessing.get_context("fork")
    done = context.SimpleQueue()
    turn = context.Value("i", 0)
    workers = [
        context.Process(target=_work, args=(jobs, judge, turn, done)) for _ in range(_WORKERS)
    ]
    for worker in workers:
        worker.start()
    try:
        running = len(workers)
        while running:
            outcome = done.get()
            if outcome is None:
                running -= 1
                continue
            yield outcome
            if until is not None and time.monotonic() > until:
                turn.value = len(jobs)
    finally:
        turn.value = len(jobs)
        for worker in workers:
            worker.join()
    if any(worker.exitcode for worker in workers):
        sys.exit("a worker of the sweep failed; its traceback is above")


def _work(jobs, judge, turn, done) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - see run_all
    benches = Benches()
    try:
        while True:
            with turn.get_lock():
                number = turn.value
                turn.value += 1
            if number >= len(jobs):
                break
            job = jobs[number]
            began = time.monotonic()
            try:
                outcome = judge(benches[job.workload], job)
                done.put(replace(outcome, seconds=time.monotonic() - began))
            except Exception as error:  # noqa: BLE001 - a bug of what is tested, most likely
                done.put(Outcome(job, hit=True, wrong=[f"the check failed: {error!r}"]))
    finally:
        done.put(None)
        benches.close()


def show(outcome: Outcome, tool: str) -> None:
    """Print the failures and the command that reproduces them."""
    print(f"FAILED {outcome.job}")
    for line in outcome.wrong:
        print("   ", line.replace("\n", "\n        "))
    print(f"    again: python -m tests.torture.steps.{tool} --only '{outcome.job}'")
