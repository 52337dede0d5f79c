"""Work on one board in many processes that are killed, and check that each task is done once.

::

    python -m tests.torture.steps.board.workers --seconds 60
    python -m tests.torture.steps.board.workers --seconds 5 --seed 7
    python -m tests.torture.steps.board.workers --sabotage lock    without it: must fail
    python -m tests.torture.steps.board.workers --sabotage lanes   decide on what is applied: too

Workers claim tasks for a short time, send heartbeats, comment, and complete, block or release
them, and add some again under their ids, which has no effect. They look at the whole board, which
applies the lanes, only when there is nothing to claim. Some sleep until their claim has expired,
and go on with it. Workers are killed at any moment, and others take their place; others are
suspended for a moment, also while they wait for the lock of decisions or have it. Each worker
writes to a file of its own the answers that it got.

In the end the remaining tasks are done, and then: no task was completed by two claims, no token was
issued twice, every acknowledged change is in the history, whose numbers have no gap, the tokens in
it grow, each task that waits for others was claimed after these were completed, every comment is
there once, and a rebuild gives the same digest.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from journal.verify import verify
from projector import Board, StaleClaim
from projector.store.deciding import decisions
from projector.store.deciding.lanes import LaneTails
from tests.torture.arguments import step_parser
from tests.torture.rounds import run_rounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from projector import TaskClaim, TaskDetails

_WORKERS = 8
_TASKS = 40
"""Tasks of a round."""
_CLAIM = 0.15
"""Seconds of a claim."""
_PATIENCE = 60.0
SABOTAGES = "lock", "lanes"


class Unlocked:
    """An arbiter that excludes no process."""

    @contextmanager
    def appending(self) -> Iterator[None]:
        """Append at once."""
        yield


@contextmanager
def _unlocked(*_: object) -> Iterator[Unlocked]:
    yield Unlocked()
    time.sleep(0.002)


def play(path: Path, log: Path, seed: int) -> None:
    """Work until nothing is left, or until the process is killed."""
    rng = random.Random(seed)
    with (
        Board.open(path, timeout=_PATIENCE) as board,
        log.open("a", encoding="utf-8", buffering=1) as told,
    ):
        while True:
            claim = board.claim(worker=f"w{seed}", seconds=_CLAIM)
            if claim is None:
                if all(task.state == "done" for task in board.tasks()):
                    break
                for task in board.tasks(state="blocked"):
                    board.unblock(task.id, by="lead")
                time.sleep(0.01)
                continue
            for what in ("claimed", *work(board, claim, rng)):
                told.write(json.dumps([what, claim.task, claim.token]) + "\n")


def work(board: Board, claim: TaskClaim, rng: random.Random) -> Iterator[str]:
    """Do something with a task; yield the answers that the worker gets."""
    if rng.random() < 0.3:
        board.beat(claim)
    if rng.random() < 0.3:
        board.comment(claim.task, "working", id=f"{claim.task}-{claim.token}")
        yield "commented"
    if rng.random() < 0.1:
        board.add("again", id=claim.task)
    if rng.random() < 0.2:
        time.sleep(_CLAIM * rng.uniform(1, 3))
    how = rng.choices(("completed", "released", "blocked"), (8, 1, 1))[0]
    try:
        if how == "completed":
            board.complete(claim)
        elif how == "released":
            board.release(claim)
        else:
            board.block(claim, "later")
    except StaleClaim:
        yield "stale"
    else:
        yield how


def _sabotage(what: str) -> None:
    if what == "lock":
        decisions.__dict__["arbitrating"] = _unlocked
    else:
        LaneTails.read = lambda *_, **__: []  # type: ignore[method-assign]


def round_of(folder: Path, seed: int, sabotage: str | None) -> tuple[dict[str, int], list[str]]:
    """Let workers do the tasks of a board, kill some; return counts and faults."""
    rng = random.Random(seed)
    folder.mkdir(exist_ok=True)
    path = folder / "journal"
    with Board.open(path, timeout=_PATIENCE) as board:
        for number in range(_TASKS):
            after = [f"t{rng.randrange(number)}"] if number and rng.random() < 0.3 else []
            board.add(f"task {number}", id=f"t{number}", after=after, priority=rng.randrange(3))
        killed, faults = _worked(board, folder, rng, sabotage)
    counts, found = judged(folder, path)
    return {**counts, "kills": killed}, [*faults, *found]


def _worked(
    board: Board, folder: Path, rng: random.Random, sabotage: str | None
) -> tuple[int, list[str]]:
    """Keep workers at work until all is done; return how many were killed, and faults."""
    workers: set[int] = set()
    faults: list[str] = []
    killed = 0
    numbers = itertools.count(rng.randrange(1_000_000) * 1_000)
    path = board.store.journal.path
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and any(task.state != "done" for task in board.tasks()):
        while len(workers) < _WORKERS:
            workers.add(_start(folder, path, next(numbers), sabotage))
        stopped = rng.sample(sorted(workers), rng.choice((0, 1, 3)))
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(rng.uniform(0.01, 0.1))
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        if killed < _TASKS:
            victim = rng.choice(sorted(workers))
            os.kill(victim, signal.SIGKILL)
            killed += 1
        for pid in sorted(workers):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                workers.discard(pid)
                code = os.waitstatus_to_exitcode(status)
                if code not in (0, -signal.SIGKILL):
                    faults.append(f"a worker ended with {code}")
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return killed, faults


def _start(folder: Path, path: Path, seed: int, sabotage: str | None) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 9
    try:
        if sabotage:
            _sabotage(sabotage)
        play(path, folder / f"log-{seed}", seed)
        code = 0
    except BaseException as error:  # noqa: BLE001 - the exit code reports it
        print(f"board: worker {seed}: {error!r}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def judged(folder: Path, path: Path) -> tuple[dict[str, int], list[str]]:
    """Compare the answers of workers with what the board shows; return counts and faults."""
    told: list[tuple[str, str, int]] = []
    for log in sorted(folder.glob("log-*")):
        # a worker can be killed in the middle of a line: then it had no answer
        lines = log.read_text(encoding="utf-8").split("\n")[:-1]
        told += [(what, id, token) for what, id, token in map(json.loads, lines)]
    counts = Counter(what for what, _, _ in told)
    faults = [f"told twice: {each}" for each, count in Counter(told).items() if count > 1]
    with Board.open(path, timeout=_PATIENCE) as board:
        details = {task.id: board.task(task.id) for task in board.tasks()}
        if len(details) != _TASKS:
            faults.append(f"{len(details)} of {_TASKS} tasks are there")
        for what, id, token in told:
            faults += _told_faults(what, token, details[id])
        for id in details:
            faults += _history_faults(id, details)
        before = board.store.projection.digest()
        board.store.projection.rebuild()
        if board.store.projection.digest() != before:
            faults.append("a rebuild gives another digest")
    faults += map(str, verify(path / "lanes").problems)
    return dict(counts), faults


def _told_faults(what: str, token: int, found: TaskDetails) -> list[str]:
    id = found.task.id
    if what == "commented":
        ids = [comment.id for comment in found.comments]
        if ids.count(f"{id}-{token}") != 1:
            return [f"{id}: its comments are {ids}, not once {id}-{token}"]
    elif what != "stale" and (what, token) not in [(e.event, e.token) for e in found.history]:
        return [f"{id}: {what} with token {token} is not in its history"]
    return []


def _history_faults(id: str, details: Mapping[str, TaskDetails]) -> list[str]:
    found = details[id]
    faults = [] if found.task.state == "done" else [f"{id} is {found.task.state}"]
    events = found.history
    if [event.number for event in events] != list(range(len(events))):
        faults.append(f"{id}: its history has a gap: {[event.number for event in events]}")
    tokens = [event.token for event in events if event.event == "claimed"]
    if tokens != list(range(1, len(tokens) + 1)):
        faults.append(f"{id}: its tokens are {tokens}")
    if sum(event.event == "completed" for event in events) != 1:
        faults.append(f"{id}: it was completed {[e for e in events if e.event == 'completed']}")
    for before in found.task.after:
        done = [event.time for event in details[before].history if event.event == "completed"]
        begun = [event.time for event in events if event.event == "claimed"]
        if not done or (begun and min(begun) < min(done)):
            faults.append(f"{id} was claimed before {before} was done")
    return faults


def main() -> int:
    """Run the step; return the exit code."""
    parser = step_parser(__doc__, seed=1)
    parser.add_argument(
        "--sabotage", choices=SABOTAGES, help="what decisions do without: the step must fail"
    )
    given = parser.parse_args()
    rounds = partial(round_of, sabotage=given.sabotage)
    return run_rounds(
        "board.workers", rounds, given, "each task was done once, by the claim that held it"
    )


if __name__ == "__main__":
    sys.exit(main())
