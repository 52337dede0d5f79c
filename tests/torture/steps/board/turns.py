"""Wait for one lock in many processes that are suspended and killed, and check who had it when.

::

    python -m tests.torture.steps.board.turns --seconds 60
    python -m tests.torture.steps.board.turns --seconds 5 --seed 7
    python -m tests.torture.steps.board.turns --sabotage    the first try always succeeds: must fail

Processes acquire the lock of decisions again and again, by their turn (`journal.fs.queue`). Each
one that has it writes its number to a file, holds the lock for a moment, and looks whether its
number is still there. They are suspended and killed at any moment: while they wait, while they have
the lock, and between both. Their tickets are removed, too, as a user may do.

Never do two processes have the lock. While none is suspended, each of them gets it within a
bounded time. While all but one are suspended, and none of these has the lock, that one gets it
within a bounded time, too. In the end no ticket is left.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from journal.fs import queue
from journal.fs.lock import holder
from journal.fs.queue import SUFFIX, lock_in_turn, release
from tests.torture.arguments import step_parser
from tests.torture.rounds import run_rounds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WAITERS = 12
_ACTS = 60
"""Suspensions and kills of a round."""
_HELD = 0.002
"""Most seconds for which a process holds the lock."""
_SOON = 10.0
"""Seconds in which a process that is not suspended must get the lock, on a busy machine too."""


def play(lock: Path, log: Path, number: int, seed: int) -> None:
    """Acquire the lock again and again, until the process is killed."""
    rng = random.Random(seed)
    inside = os.open(lock.with_name("inside"), os.O_RDWR | os.O_CREAT, 0o600)
    name = b"%8d" % number
    with log.open("a", encoding="ascii", buffering=1) as lines:
        while True:
            fd = lock_in_turn(lock, 600)
            if fd is None:
                os._exit(3)
            got = time.monotonic()
            os.pwrite(inside, name, 0)
            time.sleep(rng.uniform(0, _HELD))
            alone = os.pread(inside, 8, 0) == name
            release(lock, fd)
            lines.write(f"{number} {got:.6f} {int(alone)}\n")


def round_of(folder: Path, seed: int, *, sabotaged: bool) -> tuple[dict[str, int], list[str]]:
    """Let processes take turns, suspend and kill them; return counts and faults."""
    rng = random.Random(seed)
    folder.mkdir(exist_ok=True)
    lock = folder / "lock"
    players = _Players(folder, lock, seed, sabotaged=sabotaged)
    faults: list[str] = []
    try:
        for _ in range(_WAITERS):
            players.start()
        faults += players.all_get_it("at the beginning")
        for _ in range(_ACTS):
            players.act(rng)
            time.sleep(rng.uniform(0, 0.01))
        players.go_on()
        faults += players.all_get_it("after all were continued")
        faults += players.one_passes(rng)
    finally:
        counts = players.close()
    turns = [line.split() for path in folder.glob("log-*") for line in _lines(path)]
    faults += [f"process {who} was not alone at {got}" for who, got, alone in turns if alone == "0"]
    if (fd := lock_in_turn(lock, _SOON)) is None:
        faults.append("the lock is held although all processes are dead")
    else:
        os.close(fd)
    left = lock.with_name(f"{lock.name}{SUFFIX}").glob("*")
    faults += [f"a ticket is left: {ticket.name}" for ticket in left]
    return {**counts, "turns": len(turns)}, faults


def _lines(path: Path) -> Iterator[str]:
    # a process can be killed in the middle of a line
    yield from path.read_text(encoding="ascii").split("\n")[:-1]


class _Players:
    """The processes of a round."""

    def __init__(self, folder: Path, lock: Path, seed: int, *, sabotaged: bool) -> None:
        self._folder = folder
        self._lock = lock
        self._seed = seed
        self._sabotaged = sabotaged
        self._pids: dict[int, int] = {}
        self._stopped: set[int] = set()
        self._number = 0
        self._counts: Counter[str] = Counter()

    def start(self) -> None:
        """Start one."""
        self._number += 1
        pid = os.fork()
        if not pid:
            try:
                if self._sabotaged:
                    queue.__dict__["try_lock"] = lambda path: os.open(path, os.O_RDWR | os.O_CREAT)
                log = self._folder / f"log-{self._number}"
                play(self._lock, log, self._number, self._seed * 1000 + self._number)
            except BaseException as error:  # noqa: BLE001 - the exit code reports it
                print(f"turns: {error!r}", file=sys.stderr, flush=True)
            finally:
                os._exit(9)
        self._pids[pid] = self._number

    def act(self, rng: random.Random) -> None:
        """Suspend, continue or kill one, or remove a ticket."""
        what = rng.choices(("stop", "continue", "kill", "remove"), (5, 6, 3, 1))[0]
        pid = rng.choice(sorted(self._pids))
        if what == "remove":
            tickets = self._lock.with_name(f"{self._lock.name}{SUFFIX}")
            for ticket in list(tickets.glob("*"))[:1]:
                ticket.unlink(missing_ok=True)
        elif what == "kill":
            self._kill(pid)
            self.start()
        elif what == "stop":
            os.kill(pid, signal.SIGSTOP)
            self._stopped.add(pid)
        elif self._stopped:
            again = self._stopped.pop()
            os.kill(again, signal.SIGCONT)
        self._counts[what] += 1

    def go_on(self) -> None:
        """Continue all that are suspended."""
        while self._stopped:
            os.kill(self._stopped.pop(), signal.SIGCONT)

    def all_get_it(self, when: str) -> list[str]:
        """Wait until each process has had a turn; return a fault for each that has none."""
        before = self._sizes()
        until = time.monotonic() + _SOON
        while time.monotonic() < until:
            now = self._sizes()
            if all(now[number] > before[number] for number in before):
                return []
            time.sleep(0.005)
        now = self._sizes()
        return [f"process {n} got no turn {when}" for n in before if now[n] <= before[n]]

    def one_passes(self, rng: random.Random) -> list[str]:
        """Suspend all but one while it waits; that one must get the lock all the same."""
        chosen = rng.choice(sorted(self._pids))
        for pid in sorted(self._pids.keys() - {chosen}):
            os.kill(pid, signal.SIGSTOP)
            self._stopped.add(pid)
        # one that has the lock keeps it while it is suspended: let it go on until it has not
        until = time.monotonic() + _SOON
        while (owner := holder(self._lock)) in self._stopped and time.monotonic() < until:
            os.kill(owner, signal.SIGCONT)
            time.sleep(_HELD)
            os.kill(owner, signal.SIGSTOP)
            time.sleep(0.001)
        before = self._sizes()[self._pids[chosen]]
        until = time.monotonic() + _SOON
        while self._sizes()[self._pids[chosen]] <= before:
            if time.monotonic() > until:
                return [f"process {self._pids[chosen]} waits for those that are suspended"]
            time.sleep(0.005)
        return []

    def _sizes(self) -> dict[int, int]:
        paths = {n: self._folder / f"log-{n}" for n in self._pids.values()}
        return {n: path.stat().st_size if path.exists() else 0 for n, path in paths.items()}

    def _kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        del self._pids[pid]
        self._stopped.discard(pid)

    def close(self) -> dict[str, int]:
        """Kill all; return how often what was done to them."""
        for pid in list(self._pids):
            self._kill(pid)
        return dict(self._counts)


def main() -> int:
    """Run the step; return the exit code."""
    parser = step_parser(__doc__, seed=1)
    parser.add_argument("--sabotage", action="store_true", help="lock nothing")
    given = parser.parse_args()
    rounds = partial(round_of, sabotaged=given.sabotage)
    return run_rounds(
        "board.turns",
        rounds,
        given,
        "one process at a time had the lock, and each that could got it",
    )


if __name__ == "__main__":
    sys.exit(main())
