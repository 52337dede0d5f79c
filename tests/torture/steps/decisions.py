"""Decide in many processes, under wrong clocks and beside rebuilds, and check each answer.

::

    python -m tests.torture.steps.decisions --seconds 60
    python -m tests.torture.steps.decisions --seconds 5 --seed 7
    python -m tests.torture.steps.decisions --seconds 5 --sabotage frontier    the step must fail

Processes set keys by comparison, exchange their values (`decide`), set and read keys without a
comparison, acquire, renew and release claims or let them expire, and claim titles. The clock of
each process is wrong by up to fifty years, and is sometimes set to another time. The processes are
stopped for a while, and killed. Other processes rebuild the projection without a pause, and are
killed, too. Each call is recorded with its answer and the times before and after it, by a clock
that is never set.

Afterwards one order of the calls must explain every answer, if each call takes effect between its
two times (linearizability). `linear/checker.py` searches for the order, and `linear/models.py`
computes the answer that a single process would get. A call whose process was killed may have had
its effect or not. A claim is in force from a moment of its call, for the time that was requested,
by that clock. No token is issued twice, tokens grow, and a thing has at most one holder at a time.
No title belongs to two sessions.
"""

from __future__ import annotations

import sys

from tests.torture.arguments import step_parser
from tests.torture.linear.rounds import run
from tests.torture.linear.sabotage import SABOTAGES

_SECONDS = 60.0


def main() -> int:
    """Run the step; return the exit code."""
    parser = step_parser(__doc__, seed=1)
    parser.add_argument(
        "--sabotage",
        choices=sorted(filter(None, SABOTAGES)),
        help="leave out what answers rest on: the step must fail",
    )
    given = parser.parse_args()
    seconds = _SECONDS if given.seconds is None else given.seconds
    counts, faults = run(given.seed, seconds, given.sabotage)
    shown = ", ".join(f"{n} {what}" for what, n in sorted(counts.items()))
    print(f"decisions: seed {given.seed}: {shown}")
    for fault in faults:
        print(f"decisions: {fault}")
    if not faults:
        print("decisions: each answer is explained by one order of the calls")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
