"""Many processes share one journal for minutes: the scenarios of the soak.

::

    python -m tests.torture.steps.soak                        all scenarios, about 10 minutes
    python -m tests.torture.steps.soak --seconds 20 --seed 7
    python -m tests.torture.steps.soak --scenario crowd
    python -m tests.torture.steps.soak --scenario forgetting --sabotage bytes    must fail
    python -m tests.torture.steps.soak --sample               a few seconds, as `make test` does

**everything**: the clock of each process is wrong by up to fifty years, by another amount in each
run, and is set at random. Writers of every level append, repeat appends, and are killed and started
again; each then repeats appends that were acknowledged and those that were not. One projector runs
and one is on standby; in the first half of the time either may be killed, and in the second half
none. Readers search for messages that were just acknowledged, and keep snapshots open; some are
killed, also while they act as the projector. The projection is rebuilt repeatedly, and some of the
rebuilds are killed. Afterwards no reader got an error, no WAL reached 64 MiB, no program wrote
`database is locked`, and the descriptors and memory of the programs that were never killed did not
grow. The seed determines which program is killed when, but not the scheduling of the machine.

**crowd**: writers start at the same time, beside one projector. Afterwards there is at most one
lane more than writers, there is no duplicate, and a search for the unique word of each message
finds it.

**hooks**: thousands of short processes append one message each, a few at a time. All of them exit
with 0, and there is at most one lane more than processes at the same time.

**forgetting**: writers of every level, projectors, readers and rebuilds as in `everything`, and
processes that forget sessions, single messages and hits of a query, of which some are repeated in
other sessions, before and after; some of each kind are killed. They also compact the lanes, so that
the next request removes files that readers have listed; readers verify, count and read all lanes,
and none fails. A segment of 12 MB is rewritten for almost every request. No read that begins after
a request was acknowledged shows what it names, and each finds what was acknowledged and is named by
none. Afterwards no file holds a word, an id or a session of what was forgotten, every request has a
receipt, and all the rest is there.
No append at `never` and `interval` took more than 50 ms beside an erasure. Waits of its thread for
a processor, which the kernel counts, are not the program's, and do not count: only the time in
which it ran, and in which it slept in a lock, in a system call or for the disk. Neither does what
the disk makes every program wait for: a writer without the journal writes and syncs lines of the
same length beside the others, and an operation of an append on the disk may take as long as the
longest bare write within half a second, and 50 ms more. The times at
`always`, where each append waits for the disk, are only reported, and so are those without an
erasure. `--sabotage` leaves bytes, forgets more, shows what is forgotten, or lets appends wait: the
scenario must fail.

After each scenario `verify` finds no problem that the death of a process does not explain; every
acknowledged message exists exactly once in the lanes, in the projection and in a rebuild, and both
have one digest.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.torture.arguments import again, step_parser
from tests.torture.soak.crowd import crowd
from tests.torture.soak.everything import everything
from tests.torture.soak.forgetting.sabotage import SABOTAGES
from tests.torture.soak.forgetting.scenario import forgetting
from tests.torture.soak.hooks import hooks

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

_SECONDS = 120.0
_SAMPLE = 6.0
_MESSAGES = 20_000
"""Messages of each writer of the crowd."""
_PROCESSES = 10_000
_SHARES = {"everything": 0.35, "crowd": 0.2, "hooks": 0.15, "forgetting": 0.3}
"""The part of `--seconds` of each scenario."""
_MESSAGES_A_SECOND = 100
"""Messages a second that each writer of the crowd appends, and that are found."""
_PROCESSES_A_SECOND = 150


def _everything(
    folder: Path, given: argparse.Namespace, seconds: float | None
) -> dict[str, object]:
    return everything(folder, given.seed, seconds or _SECONDS, small=given.sample)


def _crowd(folder: Path, _: argparse.Namespace, seconds: float | None) -> dict[str, object]:
    return crowd(folder, _fitting(seconds, _MESSAGES_A_SECOND, _MESSAGES))


def _hooks(folder: Path, _: argparse.Namespace, seconds: float | None) -> dict[str, object]:
    return hooks(folder, _fitting(seconds, _PROCESSES_A_SECOND, _PROCESSES))


def _forgetting(
    folder: Path, given: argparse.Namespace, seconds: float | None
) -> dict[str, object]:
    return forgetting(
        folder, given.seed, seconds or _SECONDS, small=given.sample, sabotage=given.sabotage
    )


def _fitting(seconds: float | None, a_second: int, whole: int) -> int:
    return whole if seconds is None else min(whole, max(1, round(seconds * a_second)))


_SCENARIOS: dict[str, Callable[..., dict[str, object]]] = {
    "everything": _everything,
    "crowd": _crowd,
    "hooks": _hooks,
    "forgetting": _forgetting,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenarios; return the exit code."""
    parser = step_parser(__doc__, seed=int.from_bytes(os.urandom(4)))
    parser.add_argument("--sample", action="store_true", help=f"{_SAMPLE:.0f} s, fewer processes")
    parser.add_argument("--scenario", choices=_SCENARIOS, help="one of them [default: all]")
    parser.add_argument(
        "--sabotage",
        choices=SABOTAGES,
        default="none",
        help="what is wrong with the programs of `forgetting`, which must then fail",
    )
    given = parser.parse_args(arguments)
    seconds: float | None = given.seconds
    if seconds is None and given.sample:
        seconds = _SAMPLE
    failed = 0
    for name, scenario in _SCENARIOS.items():
        if given.scenario not in (None, name):
            continue
        share = 1.0 if given.scenario else _SHARES[name]
        folder = Path(tempfile.mkdtemp(prefix="soak-"))
        try:
            counts = scenario(folder, given, None if seconds is None else seconds * share)
        except Exception as error:  # noqa: BLE001 - the scenario failed, whatever was raised
            failed = 1
            print(f"FAILED {name}: {type(error).__name__}: {error}")
            print(f"  again: {again('soak', given.seed)} --scenario {name}")
            print(f"  its files are in {folder}", flush=True)
            continue
        shutil.rmtree(folder)
        shown = ", ".join(f"{what}={count}" for what, count in counts.items())
        print(f"soak: seed {given.seed}, {name}: {shown}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
