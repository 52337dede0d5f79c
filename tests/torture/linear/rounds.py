"""One run: players and builders are started, suspended, killed and restarted; then checked."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from projector import SessionStore
from projector.db.generations import generations

from .history import calls_of
from .models import judge
from .players import PATIENCE, build, play

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from .history import Call

_PLAYERS = 4
_FILLER = 2_000
"""Number of messages, so that a rebuild takes some time."""
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(slots=True)
class Round:
    """Processes that decide, with interruptions.

    Attributes:
        folder: an empty folder.
        sabotage: the step that is left out, or None.
        counts: number of interruptions of each kind.
        faults: descriptions of failures.
    """

    folder: Path
    seed: int
    sabotage: str | None
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _calls: list[Call] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def run(self, seconds: float) -> None:
        """Let them decide for this long, and check their answers."""
        chance = random.Random(self.seed)
        with SessionStore.open(self._path, fsync="never") as store:
            for number in range(_FILLER):
                store.append("filler", "user", f"message {number} " * 10)
            store.keys.get("nothing")
        players = [self._player() for _ in range(_PLAYERS)]
        builder = self._builder()
        self._wait_for(players)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(chance.uniform(0.05, 0.4))
            self._disturb(players, chance)
            if not builder.is_alive() or chance.random() < 0.2:
                self.counts["builders killed"] += builder.is_alive()
                builder.kill()
                builder.join()
                builder = self._builder()
        self._over.touch()
        for player in players:
            self._end(player)
        builder.join(PATIENCE)
        self.counts["rebuilds"] = generations(self._path).current() or 0
        for call in self._calls:
            self.counts[f"{call.what} {'lost' if call.lost else _answer(call)}"] += 1
        self.faults += judge(self._calls)
        self._judge_titles()

    @property
    def _path(self) -> Path:
        return self.folder / "journal"

    @property
    def _over(self) -> Path:
        return self.folder / "over"

    def _player(self) -> SpawnProcess:
        name = f"p{next(self._numbers)}"
        arguments = (
            self._path,
            self._calls_file(name),
            f"{self.seed}/{name}",
            self._over,
            self.sabotage,
        )
        process = _SPAWN.Process(target=play, args=arguments, name=name)
        process.start()
        return process

    def _builder(self) -> SpawnProcess:
        arguments = self._path, f"{self.seed}/{next(self._numbers)}", self._over, self.sabotage
        process = _SPAWN.Process(target=build, args=arguments)
        process.start()
        return process

    def _calls_file(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"

    def _has_begun(self, player: SpawnProcess) -> bool:
        file = self._calls_file(player.name)
        return file.exists() and file.stat().st_size > 0

    def _wait_for(self, players: list[SpawnProcess]) -> None:
        """Wait until all of them decide: on a busy machine programs start slowly."""
        until = time.monotonic() + 2 * PATIENCE
        while not all(map(self._has_begun, players)) and time.monotonic() < until:
            time.sleep(0.05)

    def _disturb(self, players: list[SpawnProcess], chance: random.Random) -> None:
        """Suspend one for a while, or kill it and start another one."""
        number = chance.randrange(len(players))
        player = players[number]
        what = chance.choice(["stop", "stop", "kill", "nothing"])
        if player.pid is None or not player.is_alive() or not self._has_begun(player):
            return
        if what == "stop":
            self.counts["players stopped"] += 1
            os.kill(player.pid, signal.SIGSTOP)
            time.sleep(chance.choice([0.02, 0.2, 0.8]))
            os.kill(player.pid, signal.SIGCONT)
        elif what == "kill":
            self.counts["players killed"] += 1
            player.kill()
            self._end(player)
            players[number] = self._player()

    def _end(self, player: SpawnProcess) -> None:
        """Wait until one has ended, and read its answers."""
        player.join(2 * PATIENCE)
        if player.exitcode is None:
            player.kill()
            player.join()
            self.faults.append(f"{player.name} did not end by itself")
        elif player.exitcode not in (0, -signal.SIGKILL):
            self.faults.append(f"{player.name} ended with {player.exitcode}, see above")
        if self._calls_file(player.name).exists():
            self._calls += calls_of(self._calls_file(player.name), time.monotonic_ns())

    def _judge_titles(self) -> None:
        with SessionStore.open(self._path) as store:
            titles = Counter(view.title for view in store.sessions(limit=10**9) if view.title)
        self.faults += [f"{n} sessions have {title!r}" for title, n in titles.items() if n > 1]


def _answer(call: Call) -> str:
    if call.what == "title":
        return "granted" if call.got == call.given[0] else "refused"
    if call.what in ("claim", "compare", "renew", "release"):
        return "granted" if call.got else "refused"
    return "answered"


def run(seed: int, seconds: float, sabotage: str | None) -> tuple[Counter[str], list[str]]:
    """Let processes decide for this long; return counts and failures."""
    folder = Path(tempfile.mkdtemp(prefix="decisions-"))
    try:
        one = Round(folder, seed, sabotage)
        one.run(seconds)
    finally:
        shutil.rmtree(folder)
    return one.counts, one.faults
