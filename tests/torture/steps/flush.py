"""Change conversations at random, flush them, and check each flush against its rules.

::

    python -m tests.torture.steps.flush                       2,000 seeds
    python -m tests.torture.steps.flush --seeds 50 --seed 7   seeds 7 to 56
    python -m tests.torture.steps.flush --seconds 60          as many as fit
    python -m tests.torture.steps.flush --sample              a few, as `make test` does

Each seed is a session that two agents flush while others write to it. Their lists grow, are cut,
repeated, edited, reordered, cut to a window, compressed in front, and stream; handles are closed
and opened again, the session is cleared and rewound, processes die in the write of a flush. After
each flush the transcript must have the list, each message once, in its order; messages of others
must be in it; the hidden messages must be those of the rule (`tests/support/flushes.py`); and a
second flush by any handle must add nothing. At the end a rebuild must give the same digest.
Before its conversation, each seed plans flushes of random lists without a journal, twice each
(`tests/support/plans.py`).

The clocks and ids of a seed depend on the seed alone, so a seed does the same each time.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from unittest.mock import patch

from tests.support.disks.in_memory import MEMORY
from tests.support.flushes import Conversation
from tests.support.plans import Case
from tests.torture.arguments import Amount, again, step_parser

if TYPE_CHECKING:
    from collections.abc import Sequence

_AMOUNT = Amount(2_000, sample=12)
_PLANS = 100
"""Plans that are checked without a journal before each conversation."""
_STEPS = (6, 12, 12, 25)
"""Number of changes of a conversation; in short ones a failure is easy to understand."""


def trouble(seed: int, done: Counter[str]) -> str | None:
    """Run plans and a conversation of one seed; return what is wrong, None if nothing is."""
    random = Random(seed)
    for _ in range(_PLANS):
        done["plan"] += 1
        if (wrong := Case(random).trouble()) is not None:
            return wrong
    with (
        tempfile.TemporaryDirectory(prefix="flush-", dir=MEMORY) as folder,
        # the ids of lanes decide between equal orders
        patch("os.urandom", Random(seed).randbytes),
    ):
        conversation = Conversation(Path(folder), random)
        try:
            conversation.run(random.choice(_STEPS))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this seed's failure
            return f"{type(error).__name__}: {error}"
        finally:
            done += conversation.done
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the seeds of the command line; return the exit code."""
    parser = step_parser(__doc__)
    _AMOUNT.add_to(parser)
    given = parser.parse_args(arguments)
    began = time.monotonic()
    done: Counter[str] = Counter()
    ran = failed = 0
    for seed in _AMOUNT.budget(given).seeds():
        ran += 1
        wrong = trouble(seed, done)
        if wrong is not None:
            failed += 1
            print(f"FAILED seed {seed}: {wrong}")
            print(f"again: {again('flush', seed, 'seeds')}", flush=True)
            break
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(done.items()))
    print(
        f"flush: seeds {given.seed} to {given.seed + ran - 1}: {ran:,} conversations ({kinds}) in"
        f" {time.monotonic() - began:.0f} s, {failed} broke the rule"
    )
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
