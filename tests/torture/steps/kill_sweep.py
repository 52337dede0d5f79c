"""Kill writer, importer and projector at every system call they make, and check what is left.

In each workload, the process is killed before the n-th call of each kind, in the first thread that
makes this call. Afterwards:

- every acknowledged event is in the journal exactly once;
- `journal verify` finds only what the death of a process explains;
- programs that only read did not change the lanes;
- the same work, repeated, gives exactly the full set of events;
- the projection's digest is that of a rebuild and that of an undisturbed run.

crash_states.py checks what a power loss may leave. Here the kernel keeps running, and everything
that was written stays.
"""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from tests.torture.faults.sweep import (
    SAMPLE,
    Job,
    Outcome,
    arguments,
    need_strace,
    plan,
    run_all,
    show,
)
from tests.torture.faults.traced import Point

if TYPE_CHECKING:
    from tests.torture.faults.bench import Bench

MINIMUM = {
    "write": 260,
    "import": 170,
    "erase": 710,
    "forget": 1800,
    "compact": 1100,
    "import-more": 170,
    "sync-new": 900,
    "sync": 620,
    "rebuild": 680,
    "run": 750,
}
"""Points at which a full run must have killed; a few depend on the scheduling of threads."""
_OURS = {"clock_nanosleep", "prctl"}
"""Calls that the harness makes, not the work."""
_MEMORY = {"brk", "futex", "madvise", "mmap", "mprotect", "mremap", "munmap"}
"""Calls that change no file: a kill there leaves what one at the next call leaves. How many there
are differs from run to run, so that most of such points would be missed."""


def judge(bench: Bench, job: Job) -> Outcome:
    """Kill once, and check."""
    ended = bench.run(job.point)
    if ended.hung:
        return Outcome(job, hit=False, wrong=["it hung"])
    killed = ended.code == -signal.SIGKILL
    wrong = bench.check(ended.acknowledged, once=True)
    wrong += bench.redo()
    if not killed and (ended.code or ended.stray):
        wrong.append(f"not killed, and ended with {ended}")
    return Outcome(job, hit=killed, wrong=wrong)


def main() -> None:
    """Run the sweep."""
    need_strace()
    options = arguments(__doc__ or "")
    began = time.monotonic()
    names, jobs = plan(options, _points)
    killed: Counter[str] = Counter()
    runs = failures = 0
    for outcome in run_all(jobs, judge, options.seconds):
        runs += 1
        killed[outcome.job.workload] += outcome.hit
        if outcome.wrong:
            failures += 1
            show(outcome, "kill_sweep")
    if not options.only:
        whole = runs == len(jobs) and not options.sample
        for name in names:
            least = MINIMUM[name] if whole else min(MINIMUM[name] * runs // len(jobs), SAMPLE) // 2
            if killed[name] < max(least, 1):
                failures += 1
                print(f"FAILED {name}: {killed[name]} kill points; at least {least} are expected")
    each = ", ".join(f"{name} {killed[name]}" for name in killed)
    print(
        f"kill sweep: {killed.total():,} distinct kill points of {len(jobs):,} ({each});"
        f" {failures} failures; seed {options.seed}; {time.monotonic() - began:.0f} s"
    )
    sys.exit(1 if failures else 0)


def _points(call: str, count: int) -> list[Point]:
    if call in _OURS | _MEMORY:
        return []
    return [Point(call, str(n), "signal=KILL") for n in range(1, count + 1)]


if __name__ == "__main__":
    main()
