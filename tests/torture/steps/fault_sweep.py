"""Let every system call fail, once or permanently, with each error that it can return.

Each call of a kind that can fail fails once, alone. In a second round, all calls from the n-th on
fail until the writer asks the step to remove the cause. Each time:

- the program does its work, or it ends with one error message and a documented exit code, without a
  traceback and without hanging;
- the writer continues with the same handle as soon as the cause is removed;
- no acknowledged event is lost, and repeating with the same ids adds none;
- the projection is that of a rebuild and that of an undisturbed run.

Calls that fail only because of a bug of the caller (lseek, futex, ...) and allocations do not fail.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.torture.faults.real import run as run_real
from tests.torture.faults.sweep import Job, Outcome, arguments, need_strace, plan, run_all, show
from tests.torture.faults.traced import Point

if TYPE_CHECKING:
    from tests.torture.faults.bench import Bench
    from tests.torture.faults.traced import Ended

_LOOK = ("EIO", "EACCES")
_PUT = ("ENOSPC", "EIO", "EDQUOT", "EFBIG", "EINTR")
_SYNC = ("EIO", "ENOSPC", "EDQUOT", "EROFS")
ERRORS: dict[str, tuple[str, ...]] = {
    "access": _LOOK,
    "chmod": ("EPERM", "EROFS", "EIO"),
    "clone3": ("EAGAIN",),
    "close": ("EIO", "EINTR", "ENOSPC", "EDQUOT"),
    "fchmod": ("EPERM", "EROFS", "EIO"),
    "fchown": ("EPERM", "EROFS", "EIO"),
    "fcntl": ("ENOLCK", "EIO"),
    "fdatasync": _SYNC,
    "flock": ("ENOLCK", "EINTR", "EIO"),
    "fstat": ("EIO",),
    "fsync": _SYNC,
    "ftruncate": ("ENOSPC", "EIO", "EFBIG", "EINTR"),
    "getdents64": ("EIO",),
    "inotify_add_watch": ("ENOSPC", "ENOMEM", "EACCES", "ENOENT"),
    "inotify_init": ("EMFILE", "ENFILE", "ENOMEM"),
    "inotify_init1": ("EMFILE", "ENFILE", "ENOMEM"),
    "link": ("ENOSPC", "EPERM", "EROFS", "EMLINK", "EIO"),
    "lstat": _LOOK,
    "mkdir": ("ENOSPC", "EACCES", "EROFS", "EDQUOT", "EMLINK", "EIO"),
    "newfstatat": _LOOK,
    "openat": ("ENOSPC", "EMFILE", "ENFILE", "EACCES", "EROFS", "EIO", "ENOENT", "EINTR"),
    "pipe2": ("EMFILE", "ENFILE"),
    "pread64": ("EIO", "EINTR"),
    "pwrite64": _PUT,
    "read": ("EIO", "EINTR"),
    "readlink": _LOOK,
    "rename": ("ENOSPC", "EIO", "EROFS", "EACCES"),
    "stat": _LOOK,
    "unlink": ("EIO", "EROFS", "EACCES"),
    "write": _PUT,
}
"""The errors that each call can return here."""
_ALL = 12
"""Up to this many calls of one kind, each fails with every error; of more, each fails with one."""
_EVER = 3
"""Number of calls of one kind from which on it fails permanently, with each error."""
MINIMUM = {
    "write": 480,
    "import": 250,
    "erase": 805,
    "forget": 2000,
    "compact": 1100,
    "import-more": 240,
    "sync-new": 1150,
    "sync": 800,
    "rebuild": 880,
    "run": 920,
}
"""Distinct (call, number, error, once or permanently) of a full run."""
_CODES = {0, 1, 7}
"""Exit codes with which a command may end on a failing file system."""


def judge(bench: Bench, job: Job) -> Outcome:
    """Fail once or permanently, and check."""
    ended = bench.run(job.point)
    wrong = ["it hung"] if ended.hung else []
    wrong += [
        f"not caught: {stray}"
        for stray in ended.stray
        # closing the descriptors of watchdog cannot really fail
        if job.point.call != "close" or "watchdog" not in stray
    ]
    wrong += _writer(ended, job) if job.workload == "write" else _command(ended, job)
    # no writer was killed, so nothing is left of a write that failed; after a failed sync records
    # are written again
    wrong += bench.check(ended.acknowledged, (), once=not bench.workload.writes)
    if ended.code == 0:
        wrong += bench.complete()
    return Outcome(job, hit=True, wrong=wrong + bench.redo())


def _writer(ended: Ended, job: Job) -> list[str]:
    if ended.code:
        return [f"the writer ended with {ended.code}", *ended.errors]
    if ended.lifted and not job.point.when.endswith("+"):
        return ["one failure was more than one error", *ended.errors]
    return []


def _command(ended: Ended, job: Job) -> list[str]:
    codes = _CODES | ({2} if job.point.call == "access" else set())  # a path that cannot be read
    codes |= {3} if "ENOENT" in job.point.what else set()  # there is no journal
    if ended.code not in codes:
        return [f"exit code {ended.code}: {ended.stderr}"]
    if "Traceback" in ended.stderr or (ended.code and "Error: " not in ended.stderr):
        return [f"exit code {ended.code} without a clear error: {ended.stderr!r}"]
    return []


def main() -> None:
    """Run the sweep."""
    need_strace()
    options = arguments(__doc__ or "")
    began = time.monotonic()
    names, jobs = plan(options, _points)
    done: Counter[str] = Counter()
    failures = 0
    for outcome in run_all(jobs, judge, options.seconds):
        done[outcome.job.workload] += outcome.hit
        if outcome.wrong:
            failures += 1
            show(outcome, "fault_sweep")
    if not options.only:
        whole = done.total() == len(jobs) and not options.sample
        for name in names:
            least = MINIMUM[name] if whole else 1
            if done[name] < least:
                failures += 1
                print(f"FAILED {name}: {done[name]} faults; at least {least} are expected")
    real = 0
    if not options.only and not options.workload:
        with tempfile.TemporaryDirectory() as base:
            real, wrong = run_real(Path(base))
        failures += len(wrong)
        for line in wrong:
            print(f"FAILED without strace: {line}")
    each = ", ".join(f"{name} {done[name]}" for name in done)
    kinds = len({(job.point.call, job.point.what) for job in jobs})
    print(
        f"fault sweep: {done.total():,} faults of {len(jobs):,}, {kinds} kinds ({each}),"
        f" {real} real ones;"
        f" {failures} failures; seed {options.seed}; {time.monotonic() - began:.0f} s"
    )
    sys.exit(1 if failures else 0)


def _points(call: str, count: int) -> list[Point]:
    errors = ERRORS.get(call, ())
    if not errors:
        return []
    numbers = range(1, count + 1)
    if count <= _ALL:
        once = [(n, error) for n in numbers for error in errors]
    else:
        once = [(n, errors[n % len(errors)]) for n in numbers]
    step = -(-count // _EVER)
    ever = [(n, error) for n in numbers[::step] for error in errors if error != "EINTR"]
    return [
        *(Point(call, str(n), f"error={error}") for n, error in once),
        *(Point(call, f"{n}+", f"error={error}") for n, error in ever),
    ]


if __name__ == "__main__":
    main()
