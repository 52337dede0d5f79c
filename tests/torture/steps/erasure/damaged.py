"""Damage a journal whose events are projected, and forget sessions: nothing else is lost.

::

    python -m tests.torture.steps.erasure.damaged                       300 seeds
    python -m tests.torture.steps.erasure.damaged --seeds 50 --seed 7   seeds 7 to 56
    python -m tests.torture.steps.erasure.damaged --seconds 60          as many as fit
    python -m tests.torture.steps.erasure.damaged --sample              a few, as `make test` does

Each seed makes a journal of several lanes and segments and projects it. Then, in random order and
more than once, some of these happen: the lanes are damaged, more is appended, a session is
forgotten, what is forgotten is removed again, the projection is salvaged. Requests and receipts are
damaged, too. All is projected before it is damaged, so the projection always has what the lanes
lose. After each step

- every message that was projected and is not forgotten is shown, and no forgotten one is;
- no segment has a record of a forgotten session, unless a process or damage is named as the reason;
- each request that the lanes have lost is named by the search with which a command begins that
  appends, and no other one is.

At the end the projection is salvaged and rebuilt from the lanes, and shows the same.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from journal import Journal
from journal.erasure.requests import RequestScan
from journal.fs.directory import open_directory
from journal.segments.reader import read_events
from projector import NotFound, Projection
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.run.build import rebuild
from projector.upkeep.salvage import salvage
from tests.support.damage.damages import KINDS
from tests.support.disks.in_memory import MEMORY
from tests.torture.arguments import Amount, again, step_parser
from tests.torture.redaction.checks import Wrong
from tests.torture.steps.damage import make, read, write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_AMOUNT = Amount(300, sample=4)
_STEPS = 8
"""Maximum number of things that happen to a journal."""

Shown = set[tuple[str, str]]
"""Session and id of messages."""


class Round:
    """One journal, and what happens to it.

    Args:
        path: for the journal.
        random: decides.

    Attributes:
        happened: what was done so far, for the report of a failure.
    """

    def __init__(self, path: Path, random: Random) -> None:
        self.happened: list[str] = []
        self._random = random
        self._journal = open_directory(path)
        self._expected: Shown = set()
        self._forgotten: set[str] = set()
        self._requests: set[str] = set()

    def run(self) -> None:
        """Make a journal, and let things happen to it.

        Raises:
            Wrong: a message is lost, or a forgotten one is there.
        """
        _, files = make(self._random)
        write(self._journal.lanes, files)
        self._append()
        steps: list[Callable[[], None]] = [
            *(self._damage, self._damage, self._forget, self._forget),
            *(self._append, self._finish, self._salvage),
        ]
        for _ in range(self._random.randint(3, _STEPS)):
            step = self._random.choice(steps)
            self._check(f"before {step.__name__}")
            step()
        self._check("at the end")
        self._salvage()
        self._check("after the last salvage")
        self.happened.append("rebuild")
        rebuild(self._journal)
        self._check("after a rebuild")

    def _append(self) -> None:
        self.happened.append("append")
        with Journal.open(self._journal.path, fsync="never") as journal:
            for number in range(self._random.randint(1, 3)):
                id = f"later-{len(self._expected)}-{number}"
                journal.append_message(f"s{number}", "user", f"alpha {id}", id=id)

    def _damage(self) -> None:
        kind = self._random.choice(sorted(KINDS))
        self.happened.append(kind)
        files = read(self._journal.lanes)
        KINDS[kind](self._random, files)
        write(self._journal.lanes, files)

    def _forget(self) -> None:
        session = self._random.choice(["s0", "s1", "s2"])
        self.happened.append(f"forget {session}")
        with contextlib.suppress(NotFound):
            outcome = forget(self._journal.path, Selection(sessions=(session,)))
            self._forgotten.add(session)
            self._expected = {each for each in self._expected if each[0] != session}
            if not (outcome.pending or outcome.unreadable or outcome.newer):
                self._check_lanes()

    def _finish(self) -> None:
        self.happened.append("finish")
        finish_forgetting(self._journal.path, erase_damage=self._random.random() < 0.5)

    def _salvage(self) -> None:
        self.happened.append("salvage")
        salvage(self._journal)

    def _check(self, what: str) -> None:
        """Compare what is shown with what was shown before.

        Raises:
            Wrong: they differ.
        """
        with Projection.open(self._journal.path) as projection:
            shown = {
                (view.session, message.id)
                for view in projection.sessions()
                for message in projection.messages(view.session)
            }
        if lost := self._expected - shown:
            raise Wrong(f"{what}: lost {sorted(lost)}")
        if back := {session for session, _ in shown} & self._forgotten:
            raise Wrong(f"{what}: forgotten, and shown: {sorted(back)}")
        self._expected = shown
        self._check_lost(what)

    def _check_lost(self, what: str) -> None:
        """Compare the requests that a search names as lost with those that are.

        Raises:
            Wrong: they differ.
        """
        scan = RequestScan(self._journal)
        there = {request.id for request in scan.read().requests}
        self._requests |= there
        if set(scan.lost) != self._requests - there:
            raise Wrong(f"{what}: {scan.lost} are named as lost, of {self._requests - there}")

    def _check_lanes(self) -> None:
        """Look for records of forgotten sessions.

        Raises:
            Wrong: there is one, although nothing was named that can have it.
        """
        found = read_events(self._journal.lanes, lambda *_: None)
        left = {at.record.event.session for at in found} & self._forgotten
        if left:
            raise Wrong(f"forgotten, and in the lanes: {sorted(left)}")


def trouble(seed: int) -> str | None:
    """Check one seed; return what is wrong, if anything is."""
    with tempfile.TemporaryDirectory(prefix="damaged-", dir=MEMORY) as folder:
        played = Round(Path(folder) / "journal", Random(seed))
        try:
            played.run()
        except Wrong as error:
            return f"{error}; after {', '.join(played.happened)}"
        except Exception:  # noqa: BLE001 - the seed is printed with it
            return f"{traceback.format_exc()}after {', '.join(played.happened)}"
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the seeds of the command line; return the exit code."""
    parser = step_parser(__doc__)
    _AMOUNT.add_to(parser)
    given = parser.parse_args(arguments)
    logging.getLogger("projector").setLevel(logging.ERROR)  # damage is a warning
    began, seeds = time.monotonic(), 0
    for seed in _AMOUNT.budget(given).seeds():
        seeds += 1
        wrong = trouble(seed)
        if wrong is not None:
            print(f"FAILED seed {seed}: {wrong[-3000:]}")
            print(f"again: {again('erasure.damaged', seed, 'seeds')}")
            return 1
    print(
        f"damaged: seeds {given.seed} to {given.seed + seeds - 1}: nothing lost that was not to be"
        f" forgotten; {time.monotonic() - began:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
