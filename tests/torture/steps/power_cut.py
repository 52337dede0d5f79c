"""Cut the power of a real file system at random moments, and check the journal.

A disk with a volatile cache (a file that FUSE serves, below a loop device) logs every write and
every flush while real programs work on a file system on it: three writers of one level, with
threads, many handles, segments that roll and new lanes, and in half of the recordings a projector
that also rebuilds. Then, for random moments, the disk after a power loss is built: it has every
write up to the last flush, and of the later ones none, all, the first, the first with a torn one, a
random set, or a random set of sectors. The file system recovers, and on it:

- every event that `always`, `sync()` or `close()` had promised exists once, and every event that
  `interval` had acknowledged 200 ms before (a disk that needs more than 100 ms of this delays the
  promise; the age of the oldest lost event is printed);
- no other event exists, and none has changed;
- `journal verify` reports nothing but an unfinished last line, an empty segment, and, behind all
  promised events, damage and gaps;
- appending continues, at two levels, and loses nothing;
- the projection catches up and passes `projector verify`, and its digest is that of a rebuild,
  before and after that.

The programs have a real-time priority, so that no other work of the machine delays their threads.

It needs root, FUSE and loop devices; if they are missing, it prints the reason and exits with 77.
However it ends, its processes, mounts and loop devices are removed. `--lie` leaves out a kind of
sync, and then it must fail.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.torture.arguments import step_parser
from tests.torture.power.file_system import FILE_SYSTEMS
from tests.torture.power.needs import SKIPPED, missing, usable
from tests.torture.power.private import parent_gone, run_apart
from tests.torture.power.programs import LEVELS
from tests.torture.power.rounds import Bench, Plan

if TYPE_CHECKING:
    import threading

from tests.torture.power.file_system import FileSystem

CUTS = 200
"""Moments of each file system and level."""
_INSIDE = "--inside"
_LEAST = 2
"""With fewer file systems it proves too little: one may keep more than it must."""


def main() -> int:
    """Run the command line; return the exit code."""
    given = _arguments()
    why = missing()
    systems, without = usable(s for s in FILE_SYSTEMS if given.fs in (None, s.name))
    if why is None and len(systems) < (1 if given.fs else _LEAST):
        why = "; ".join(without.values())
    if why is not None:
        print(f"power cuts: skipped: {why}")
        return SKIPPED
    if given.inside is not None:
        return _cut(given, systems, Path(given.inside))
    for name, reason in without.items():
        print(f"power cuts: {name} is left out: {reason}")
    with tempfile.TemporaryDirectory(prefix="power-cut-") as folder:
        return run_apart([sys.executable, *sys.argv, _INSIDE, folder])


def _cut(given: argparse.Namespace, systems: list[FileSystem], folder: Path) -> int:
    """Cut the power repeatedly, and print the results; temporary files are in memory."""
    gone = parent_gone()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=True)  # noqa: S607 - the system's own
    plan = Plan(given.seed, given.cuts, given.work, tuple(given.lie))
    levels = [level for level in LEVELS if given.level in (None, level)]
    benches = {(s.name, level): Bench(s, level, plan, folder) for s in systems for level in levels}
    begun = time.monotonic()
    seconds = math.inf if given.seconds is None else given.seconds
    moments = 0
    # round by round, so that a shorter run covers a part of each
    while left := [bench for bench in benches.values() if not bench.done()]:
        for bench in left:
            _round(bench, gone, seconds / len(benches))
        moments = sum(bench.tally.cuts for bench in benches.values())
        print(f"{moments:,} moments after {time.monotonic() - begun:.0f} s", flush=True)
        if gone.is_set() or time.monotonic() - begun > seconds:
            break
    for (system, level), bench in benches.items():
        print(f"{system}, {level}: {bench.tally}")
    failed = sum(bench.tally.failed for bench in benches.values())
    print(
        f"power cuts: {moments:,} moments, {len(systems)} file systems, {failed} failed;"
        f" seed {given.seed}, {time.monotonic() - begun:.0f} s"
    )
    return int(bool(failed) or gone.is_set())


def _round(bench: Bench, gone: threading.Event, seconds: float) -> None:
    """Run one round of a bench, or as much of it as fits, and print the failures."""
    begun = time.monotonic()
    if gone.is_set():
        return
    with contextlib.closing(bench.round()) as cuts:
        for wrong in cuts:
            if wrong:
                print(wrong, file=sys.stderr, flush=True)
            if gone.is_set() or time.monotonic() - begun > seconds:
                return


def _arguments() -> argparse.Namespace:
    parser = step_parser(__doc__, seed=1)
    parser.add_argument("--cuts", type=int, default=CUTS, help="of each file system and level")
    parser.add_argument("--work", type=float, default=1.0, help="seconds of work in a recording")
    parser.add_argument("--fs", choices=[system.name for system in FILE_SYSTEMS])
    parser.add_argument("--level", choices=LEVELS)
    parser.add_argument(
        "--lie",
        action="append",
        default=[],
        choices=("fdatasync", "fsync", "flush"),
        help="a sync that writers leave out, or a disk that ignores flushes: the step must fail",
    )
    parser.add_argument(_INSIDE, metavar="FOLDER", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
