"""Arrange and project random sets of events in many ways, and compare with a simple model.

::

    python -m tests.torture.steps.convergence                       15,000 seeds
    python -m tests.torture.steps.convergence --seeds 500 --seed 7  seeds 7 to 506
    python -m tests.torture.steps.convergence --seconds 60          as many as fit
    python -m tests.torture.steps.convergence --sample              a few, as `make test` does

Each seed gives messages with and without timestamps, parents, missing parents and cycles of
parents, revisions, titles, ends, unknown types, duplicates, and different contents under one key.
Two thirds of the sets have requests to forget: sessions, messages, replays in other sessions, and
records up to a number. Half of the sets have sessions that repeat each other's messages and usage,
and name each other as parents. In a third of the sets the texts hold secrets: several rules redact
one event differently, under several keys or not at all. They are split over lanes, segments and
pieces that end in the middle of a line, and projected in one pass, piece by piece with tiny batches
and transactions by one projector or several, with rebuilds in between, with statements that fail,
and with segments that are rewritten as an erasure does, and joined as a compaction does, at random
moments and in some of the copies. All must have the model's order of messages, sessions, counters,
full-text terms and other contents, the same events and conflicts among them, and one digest. In a
quarter of the sets, what is deleted, what was replaced or both is forgotten afterwards: readers
must see no difference, also when a lane arrives that has a copy of each record, and the set with
this request must converge, too. A seed that fails is reduced: events are left out as long as it
still fails, and the rest is printed.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.pool import Pool, ThreadPool
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from journal.format.event_types import ERASURE_REQUESTED
from tests.support.arrangements import check_convergence
from tests.support.disks.in_memory import MEMORY
from tests.support.forgetting.model import with_requests
from tests.support.forgetting.unneeded import (
    check_unneeded,
    wanted_at_random,
    with_replacements,
)
from tests.support.made_up import random_facts
from tests.torture.arguments import Amount, Budget, again, step_parser

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.support.projections import Fact

_AMOUNT = Amount(15_000, sample=50)
_REMEMBERS = 3
"""Of this many seeds, one has no requests to forget: a full run has 10,000 sets with requests."""
_LIVE = 5
"""Of this many seeds, one is also projected in a journal with rebuilds, which takes longest."""
_UNNEEDED = 4
"""Of this many seeds, in one what readers do not need is forgotten, too."""
_CHUNK = 20
"""Seeds that a worker gets at once."""
_SIZES = (6, 24, 24, 24, 60)
"""Maximum number of events of a set; small sets find other faults than large ones."""
_TRIES = 5
"""Arrangements of a smaller set that are tried before it counts as right."""


@dataclass(slots=True)
class Done:
    """The results of some seeds.

    Attributes:
        sets: number of sets of events.
        forgetting: number of these that have requests to forget.
        records: number of records by type.
        failed: failures by seed.
    """

    sets: int = 0
    forgetting: int = 0
    records: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)

    def add(self, other: Done) -> None:
        """Add the results of other seeds."""
        self.sets += other.sets
        self.forgetting += other.forgetting
        self.records += other.records
        self.failed |= other.failed


def facts_of(seed: int) -> list[Fact]:
    """Return the set of events of a seed."""
    random = Random(seed)
    records = random_facts(random, random.choice(_SIZES))
    return with_requests(random, records) if seed % _REMEMBERS else records


def trouble(records: Sequence[Fact], seed: int, *, live: bool) -> str | None:
    """Project records as a seed arranges them; return what is wrong, None if nothing is."""
    with tempfile.TemporaryDirectory(prefix="convergence-", dir=MEMORY) as folder:
        try:
            check_convergence(Random(f"arrange {seed}"), records, Path(folder), live=live)
            if seed % _UNNEEDED == 0:
                random = Random(f"unneeded {seed}")
                more = with_replacements(random, records)
                request = check_unneeded(more, Path(folder), wanted_at_random(random))
                if request:
                    arranged = Path(folder, "unneeded")
                    arranged.mkdir()
                    check_convergence(random, [*more, *request], arranged)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this seed's failure
            return f"{type(error).__name__}: {error}"
    return None


def is_live(seed: int) -> bool:
    """Return whether a seed is projected in a journal with rebuilds, too."""
    return seed % _LIVE == 0


def run(seeds: Iterable[int]) -> Done:
    """Check some seeds."""
    done = Done()
    for seed in seeds:
        records = facts_of(seed)
        done.sets += 1
        done.forgetting += any(fact.event.type == ERASURE_REQUESTED for fact in records)
        done.records.update(fact.event.type for fact in records)
        wrong = trouble(records, seed, live=is_live(seed))
        if wrong is not None:
            done.failed[seed] = wrong
    return done


def smallest(seed: int) -> list[Fact]:
    """Leave out events of a seed that fails as long as it still fails."""
    records = facts_of(seed)
    size = len(records)
    while size > 1:
        size = (size + 1) // 2
        at = 0
        while at < len(records):
            fewer = records[:at] + records[at + size :]
            if fewer and _fails(fewer, seed):
                records = fewer
            else:
                at += size
    return records


def _fails(records: Sequence[Fact], seed: int) -> bool:
    # leaving out events changes the arrangement, so other arrangements are tried, too
    arrangements = [seed, *(seed * 1000 + n for n in range(1, _TRIES))]
    return any(trouble(records, other, live=is_live(seed)) for other in arrangements)


def run_all(budget: Budget, workers: int) -> Done:
    """Check seeds in worker processes until no seed or no time is left."""
    done = Done()
    chunks = budget.chunks(_CHUNK)
    with _pool(workers) as pool:
        # a pool reads everything that an iterator has at once: give it only what it can do now
        waiting = [pool.apply_async(run, (seeds,)) for seeds in islice(chunks, workers * 2)]
        while waiting:
            done.add(waiting.pop(0).get())
            seeds = next(chunks, None)
            if seeds is not None and not done.failed:
                waiting.append(pool.apply_async(run, (seeds,)))
    return done


def _pool(workers: int) -> Pool:
    """Return worker processes, or a thread of this process if one worker is enough.

    A fork of a process that has threads, and handlers of signals, as a test run has, may hang.
    """
    if workers == 1:
        return ThreadPool(1)
    return multiprocessing.get_context("fork").Pool(workers)


def report(seed: int, wrong: str) -> None:
    """Print the failures, and the smallest set of events for each."""
    print(f"FAILED seed {seed}: {wrong}", flush=True)
    left = smallest(seed)
    print(f"{len(left)} of its {len(facts_of(seed))} events are enough:")
    for fact in left:
        print(f"  {fact}")
    print(f"  {trouble(left, seed, live=is_live(seed)) or 'in another arrangement'}")
    print(f"again: {again('convergence', seed, 'seeds')}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the seeds of the command line; return the exit code."""
    parser = step_parser(__doc__)
    _AMOUNT.add_to(parser)
    parser.add_argument("--workers", type=int, default=2, help="processes [default: 2]")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    done = run_all(_AMOUNT.budget(given), given.workers)
    for seed, wrong in sorted(done.failed.items()):
        report(seed, wrong)
        break
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(done.records.items()))
    print(
        f"convergence: seeds {given.seed} to {given.seed + done.sets - 1}: {done.sets:,} sets of"
        f" events, {done.forgetting:,} with requests to forget ({kinds}) in"
        f" {time.monotonic() - began:.0f} s, {len(done.failed)} diverged"
    )
    return int(bool(done.failed))


if __name__ == "__main__":
    sys.exit(main())
