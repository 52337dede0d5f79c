"""Fork at random moments while threads append, read, project and decide; kill some of all.

::

    python -m tests.torture.steps.forks --seconds 60
    python -m tests.torture.steps.forks --seconds 5 --seed 7
    python -m tests.torture.steps.forks --seconds 20 --sabotage    the step must fail

In each round a process opens a store, uses it in four threads, and forks children that use it, too,
or that do not use it and only keep running. Some children are killed, and in some rounds the
process itself. A child that uses the store must see what it has appended. Afterwards:

- No child hung, and none died of a signal that this step did not send.
- Every append that was acknowledged is in the journal, and the projection equals a rebuild.
- No lock is held although idle children still run.

With --sabotage a fork does not wait for other threads, and a child keeps the locks and files of its
parent.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from journal.fs import lock as lock_files
from journal.fs.directory import open_directory
from journal.fs.lock import lock
from journal.segments.reader import read_events
from projector import ABSENT, Projection, ProjectorBusy, SessionStore
from projector.db import fork_safety
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.db.quiet import quiet
from projector.run.build import rebuild
from tests.torture.arguments import step_parser

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 60.0
_ROUND = 1.5
"""Seconds in which a round forks."""
_HANG = 40
"""Seconds after which a child counts as hung; on a busy machine with two cores it is slow."""
_APPENDS = 5


class Report:
    """A file to which processes append their reports, one a line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def write(self, kind: str, what: object) -> None:
        """Write a line with one system call."""
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(fd, f"{kind} {what}\n".replace("\n", "\\n", str(what).count("\n")).encode())
        finally:
            os.close(fd)

    def lines(self, kind: str) -> list[str]:
        """Return the lines of a kind."""
        lines = (line.split(" ", 1) for line in self.path.read_text().splitlines())
        return [rest[0] for name, *rest in lines if name == kind]


def _use(store: SessionStore, report: Report, name: str) -> None:
    """Use an inherited store as a worker does."""
    for number in range(_APPENDS):
        id = f"{name}-{number}"
        store.append(name, "user", f"word{number} " * 30, id=id)
        report.write("acknowledged", id)
        found = [message.id for message in store.messages(name)]
        if id not in found:
            report.write("fault", f"{name} does not see {id} but {found}")
    if not store.keys.compare_and_set(name, 1, expected=ABSENT):
        report.write("fault", f"{name} was refused a key that no other process sets")


def _busy(store: SessionStore, report: Report, name: str) -> None:
    """Start the threads of a round."""

    def append(number: int) -> None:
        id = f"{name}-{number}"
        store.append(name, "user", f"word{number} " * 30, id=id)
        report.write("acknowledged", id)
        time.sleep(0.003)

    def decide(number: int) -> None:
        store.keys.compare_and_set(
            "shared", f"{name}-{number}", expected=store.keys.get("shared", ABSENT)
        )
        time.sleep(0.01)

    def project(number: int) -> None:
        store.settle()
        if not number % 5:
            rebuild(open_directory(store.journal.path))

    def repeat(work: Callable[[int], object]) -> None:
        number = 0
        while True:
            number += 1
            try:
                work(number)
            except ProjectorBusy:
                time.sleep(0.01)
            except Exception:  # noqa: BLE001 - reported, and judged at the end
                report.write("fault", f"a thread of {name}: {traceback.format_exc()}")
                return

    for work in (append, decide, project, lambda _: store.search("word1 OR word2*")):
        threading.Thread(target=repeat, args=(work,), daemon=True).start()


def _child(store: SessionStore, report: Report, name: str, *, idle: bool) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if idle:
        report.write("idle", os.getpid())
        time.sleep(_HANG)
        return
    report.write("began", name)
    try:
        _use(store, report, name)
    except Exception:  # noqa: BLE001 - reported, and judged at the end
        report.write("fault", f"{name}: {traceback.format_exc()}")
    report.write("ended", name)


def _round(path: Path, report: Report, name: str, chance: random.Random) -> None:
    """Run as the process of a round: fork, kill and wait."""
    store = SessionStore.open(path, timeout=_HANG / 2)
    store.append(name, "user", "hello", id=f"{name}-0")
    store.messages(name)
    _busy(store, report, name)
    until, number = time.monotonic() + _ROUND, 0
    children: dict[int, str] = {}
    while time.monotonic() < until:
        time.sleep(chance.uniform(0, 0.15))
        number += 1
        idle = chance.random() < 0.2
        if not (pid := os.fork()):
            code = 1
            try:
                _child(store, report, f"{name}-c{number}", idle=idle)
                code = 0
            finally:
                os._exit(code)
        report.write("forked", pid)
        if not idle:
            children[pid] = f"{name}-c{number}"
            if chance.random() < 0.2:
                time.sleep(chance.uniform(0, 0.05))
                report.write("killed", children.pop(pid))
                os.kill(pid, signal.SIGKILL)
    if chance.random() < 0.3:
        os.kill(os.getpid(), signal.SIGKILL)
    _wait_for(children, report)


def _wait_for(children: dict[int, str], report: Report) -> None:
    until = time.monotonic() + _HANG
    while children and time.monotonic() < until and not report.lines("fault"):
        for pid in list(children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                name = children.pop(pid)
                if status:
                    report.write("fault", f"{name} ended with status {status}")
        time.sleep(0.01)
    for pid, name in children.items():
        report.write("fault", f"{name} hangs")
        os.kill(pid, signal.SIGKILL)


def run(seed: int, seconds: float, *, sabotage: bool = False) -> tuple[Counter[str], list[str]]:
    """Run rounds for some seconds; return counts and failures."""
    warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
    folder = Path(tempfile.mkdtemp(prefix="forks-"))
    path, report = folder / "journal", Report(folder / "report")
    chance = random.Random(seed)
    SessionStore.open(path).close()
    until, faults = time.monotonic() + seconds, []
    rounds: list[int] = []
    while time.monotonic() < until and not report.lines("fault"):
        name = f"r{len(rounds) + 1}"
        if not (pid := os.fork()):
            try:
                os.setpgid(0, 0)
                if sabotage:
                    _sabotage()
                _round(path, report, name, random.Random(chance.random()))
            finally:
                os._exit(0)
        rounds.append(pid)
        if not _ended(pid, _ROUND + 2 * _HANG):
            report.write("fault", f"the process of round {name} hangs")
    faults += _judge(path, report)
    for group in rounds:  # idle children, and those that hang
        with contextlib.suppress(ProcessLookupError):  # all processes have ended
            os.killpg(group, signal.SIGKILL)
    counts = Counter(rounds=len(rounds))
    for kind in ("forked", "idle", "killed", "ended", "acknowledged"):
        counts[kind] = len(report.lines(kind))
    if not faults:
        shutil.rmtree(folder)
    return counts, faults


def _ended(pid: int, seconds: float) -> bool:
    """Wait some seconds for the end of a child; return whether it ended."""
    until = time.monotonic() + seconds
    while not (found := os.waitpid(pid, os.WNOHANG)[0]) and time.monotonic() < until:
        time.sleep(0.01)
    return bool(found)


def _sabotage() -> None:
    setattr(quiet, "_others", lambda _me: set())  # noqa: B010 - no thread is waited for
    setattr(type(lock_files._locked), "after_fork_in_child", lambda _self: None)  # noqa: B010
    setattr(fork_safety._connections, "separate", lambda: None)  # noqa: B010


def _judge(path: Path, report: Report) -> list[str]:
    missing = set(report.lines("began")) - set(report.lines("killed"))
    until = time.monotonic() + _HANG
    while (open_ := missing - set(report.lines("ended"))) and time.monotonic() < until:
        if report.lines("fault"):
            break
        time.sleep(0.05)
    faults = report.lines("fault") + [f"{name} never ended" for name in sorted(open_)]
    if faults:
        return faults
    kept = {at.record.event.id for at in read_events(path / "lanes", lambda *_: None)}
    faults += [f"{id} is lost" for id in report.lines("acknowledged") if id not in kept]
    for file in (generations(path).lock, generations(path).build_lock):
        if ProcessLock(file).is_locked():
            faults.append(f"{file} is held")
    for file in (path / "arbiter", *path.glob("lanes/*/lock")):
        fd = lock(os.open(file, os.O_RDWR | os.O_CLOEXEC))
        if fd is None:
            faults.append(f"{file} is held")
        else:
            os.close(fd)
    with Projection.open(path) as projection:
        before = projection.digest()
        rebuild(open_directory(path))
        if projection.digest() != before:
            faults.append("a rebuild gives another digest")
    return faults


def main(arguments: list[str] | None = None) -> int:
    """Run the step; return the exit code."""
    parser = step_parser(__doc__, seed=1)
    parser.add_argument("--sabotage", action="store_true", help="the step must fail")
    given = parser.parse_args(arguments)
    seconds = _SECONDS if given.seconds is None else given.seconds
    counts, faults = run(given.seed, seconds, sabotage=given.sabotage)
    print(f"seed {given.seed}: " + ", ".join(f"{n:,} {kind}" for kind, n in counts.items()))
    for fault in faults:
        print(f"FAULT {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
