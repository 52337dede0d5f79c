"""The programs that work while the power fails: writers of each level, and a projector.

python -m power.programs write LEVEL JOURNAL REPORT NAME SECONDS SEED [LIE]
python -m power.programs project LEVEL JOURNAL REPORT NAME SECONDS SEED

Each works for SECONDS, exits with 0, and writes its promises to REPORT. An error
is a traceback on stderr, and exit code 1.
"""

from __future__ import annotations

import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, get_args

import journal.fs.disk
import journal.lanes.lane
import journal.lanes.writer
from journal.errors import NotAJournalError
from journal.fs.directory import open_directory
from journal.writer import Journal
from projector.projection import Projection
from projector.run.build import rebuild
from tests.torture.faults.workloads import put
from tests.torture.soak.roles import event

from .priority import PROGRAMS, run_first
from .promises import INTERVAL
from .report import Report, WatchedDisk

Level = Literal["always", "interval", "sync"]
"""The promise: of each append; of each within 200 ms; of `sync()` at the level `never`."""
LEVELS: tuple[Level, ...] = get_args(Level)
_ROLL = 24 * 1024
"""Size limit of segments in bytes, so that seconds of work make many."""
_THREADS = 3
"""Threads that share a handle at times, and its syncs."""


def message(id: str) -> dict[str, object]:
    """Return the event with an id: a message of some hundred bytes, rarely of many kilobytes."""
    return event(id, 300 if random.Random(id).random() < 0.02 else 4)


class Writer:
    """Appends through one handle after another.

    Args:
        level: the level.
        path: the journal.
        report: the promises that it gets.
        name: the prefix of its ids.
        rng: chooses amounts, handles, threads and times.
        end: the end of its work (seconds, CLOCK_MONOTONIC).
    """

    def __init__(
        self, level: Level, path: Path, report: Report, name: str, rng: random.Random, end: float
    ) -> None:
        self._level = level
        self._path = path
        self._report = report
        self._name = name
        self._rng = rng
        self._end = end
        self._number = 0

    def work(self) -> None:
        """Open, append and close, until the time is up."""
        while time.monotonic() < self._end:
            self._hold(self._rng.randint(1, 80), inner=self._rng.random() < 0.3)

    def _hold(self, count: int, *, inner: bool) -> None:
        """Append `count` times with a handle, and with another one, which needs its own lane."""
        ids: list[str] = []
        pending: list[str] = []
        with Journal.open(self._path, fsync=_fsync(self._level)) as handle:
            for turn in range(count):
                if time.monotonic() > self._end:
                    break
                if self._rng.random() < 0.1:
                    new = self._append_together(handle)
                else:
                    new = self._ids(self._rng.choice((1, 1, 1, 5)))
                    self._append(handle, new)
                ids += new
                pending += new
                if self._level == "sync" and self._rng.random() < 0.15:
                    handle.sync()
                    self._report.promised(pending)
                    pending = []
                if inner and turn == count // 2:
                    self._hold(5, inner=False)
                time.sleep(self._rng.choice((0, 0.001, 0.003, 0.02)))
        if self._level != "sync":
            self._report.promised(ids)  # close() syncs what the level promises

    def _append_together(self, handle: Journal) -> list[str]:
        """Append in several threads at the same time; they share a sync."""
        ids = self._ids(2 * _THREADS)
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(lambda one: self._append(handle, [one]), ids))
        return ids

    def _append(self, handle: Journal, ids: list[str]) -> None:
        self._report.trying(ids)
        handle.append_many([message(id) for id in ids])
        if self._level == "always":
            self._report.promised(ids)
        elif self._level == "interval":
            self._report.promised(ids, within=INTERVAL)

    def _ids(self, count: int) -> list[str]:
        begin, self._number = self._number, self._number + count
        return [f"{self._name}-{number}" for number in range(begin, self._number)]


def _fsync(level: Level) -> Literal["always", "interval", "never"]:
    return "never" if level == "sync" else level


def project(path: Path, rng: random.Random, end: float) -> None:
    """Apply new events at intervals, and sometimes rebuild."""
    while time.monotonic() < end:
        time.sleep(rng.uniform(0.05, 0.3))
        try:
            directory = open_directory(path, create=False)
        except NotAJournalError:  # the first writer has not created it yet
            continue
        if rng.random() < 0.2:
            rebuild(directory)
        with Projection.open(path) as projection:
            projection.sessions()


def main(arguments: list[str]) -> None:
    """Run one program."""
    what, level, path, to, name, seconds, seed, *lies = arguments
    report = Report()
    rng = random.Random(seed)
    # on a busy machine, threads wait longer for a core than the 200 ms
    run_first(PROGRAMS)
    end = time.monotonic() + float(seconds)
    put(journal.lanes.lane, "ROLL_SIZE", _ROLL)
    put(journal.lanes.writer, "ROLL_SIZE", _ROLL)
    journal.fs.disk.in_use = WatchedDisk(report, frozenset(lies))
    if level not in LEVELS:
        raise ValueError(f"{level!r} is none of the levels {', '.join(LEVELS)}")
    if what == "write":
        Writer(level, Path(path), report, name, rng, end).work()
    else:
        project(Path(path), rng, end)
    report.save(Path(to))


if __name__ == "__main__":
    main(sys.argv[1:])
