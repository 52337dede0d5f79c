"""Enumerate the states that a power loss may leave of a journal, and check each of them.

Real workloads run on a disk that records every file operation and every promise
(`crash/workloads.py`, `crash/recorder.py`). For each moment at which the power may fail, the model
in `crash/model.py` (its docstring states what it assumes and leaves out) gives the possible states
of the disk: all of them within a stated bound, and a random sample beyond it, which is counted
separately. For each of them:

- the journal opens, and `journal verify` reports only what the power loss explains: damage in bytes
  that were not synced, and missing numbers of lost events;
- every event that was acknowledged as durable exists (`always`, `sync()`, `close()`, the background
  sync of `interval`, events that the projection showed), and no event that was never appended;
- no event exists more often than it was appended;
- appending continues, with two handles, and changes nothing else;
- a transcript that is imported again is complete;
- of a part of the states: the projection has each message once and equals a rebuilt one, before
  and after everything is appended again with the same ids.

A state in which a check fails is kept, with its log.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import get_args

from tests.torture.arguments import step_parser
from tests.torture.crash.catalogue import all_workloads, families
from tests.torture.crash.explore import Plan, explore
from tests.torture.crash.recorder import Lie

FEWEST = 290_000
"""Distinct states of a full run, without those that are drawn at random: fewer mean that something
is no longer enumerated."""
FEWEST_OF_SAMPLE = 1_000
FULL_SECONDS = 300
"""Seconds of a full run; a shorter one checks a part of the states."""


def main() -> int:
    """Run the command line; return the exit code."""
    parser = step_parser(__doc__, seed=1)
    parser.add_argument("--sample", action="store_true", help="a few states of a few workloads")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="workloads with it in their name"
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument(
        "--lie",
        action="append",
        default=[],
        choices=get_args(Lie),
        help="a disk that does not do this kind of sync: the sweep must fail",
    )
    given = parser.parse_args()
    seconds = FULL_SECONDS if given.seconds is None else given.seconds
    share = _SAMPLE_SHARE if given.sample else min(1.0, seconds / FULL_SECONDS)
    plan = Plan(given.seed, share, 6 if given.sample else 1, tuple(given.lie))
    names = [n for n in (_SAMPLED if given.sample else all_workloads()) if given.only in n]
    if not names:
        parser.error(f"no workload has {given.only!r} in its name")
    begun = time.monotonic()
    with ProcessPoolExecutor(given.jobs, get_context("fork")) as pool:
        explored = pool.map(partial(explore, plan=plan), families(names))
        outcomes = [outcome for outcomes in explored for outcome in outcomes]
    for outcome in outcomes:
        print("\n".join(outcome.failures), end="\n" if outcome.failures else "", file=sys.stderr)
    states = sum(outcome.states for outcome in outcomes)
    drawn = sum(outcome.drawn for outcome in outcomes)
    fewest = 0 if given.only else FEWEST_OF_SAMPLE if given.sample else int(FEWEST * share)
    failed = sum(bool(outcome.failures) for outcome in outcomes)
    print(
        f"crash states: {len(names)} workloads, {sum(o.steps for o in outcomes):,} steps,"
        f" {states - drawn:,} distinct states within the bound"
        f" ({'each of them' if share == 1 else f'a share of {share:.0%}'})"
        f" and {drawn:,} drawn beyond it, {sum(o.judged for o in outcomes):,} judged,"
        f" {sum(o.projected for o in outcomes):,} projected, {failed} workloads failed;"
        f" seed {given.seed}, {time.monotonic() - begun:.0f} s"
    )
    if states - drawn < fewest and not failed:
        print(f"there must be {fewest:,} distinct states at least", file=sys.stderr)
    return int(bool(failed) or states - drawn < fewest)


_SAMPLE_SHARE = 0.015
_SAMPLED = (
    "first of all",
    "interval",
    "rolls, never",
    "taken over",
    "killed at 5",
    "killed at 25",
    "full disk, always, 100 bytes",
    "sync refused, always, 1 times",
    "sync refused, never, 1 times",
    "folder refused",
    "threads",
    "imported",
    "erased",
    "eraser killed at 9",
    "compactor killed at 9",
    "published",
    "projected",
)


if __name__ == "__main__":
    sys.exit(main())
