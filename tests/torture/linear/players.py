"""The processes that decide, each with its own clock, and those that rebuild meanwhile."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import time
from typing import TYPE_CHECKING, Any

from journal.errors import ArbiterBusy
from journal.fs.directory import open_directory
from projector import ABSENT, NotProjected, ProjectorBusy, SessionStore, TitleTaken
from projector.run.build import rebuild
from projector.store.deciding.values import key_value
from projector.store.keys import KEYS, key_event
from tests.support.skewed import skewed

from .history import NotAnswered, Scribe
from .models import CLAIM, KEY, TITLE
from .sabotage import SABOTAGES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import apsw

    from projector.store import Claim

THINGS = 3
"""Number of keys, and of names to claim, that all processes use."""
PATIENCE = 30.0
"""Seconds that a decision may wait for others: a machine with two cores is busy."""
_MICROSECONDS = 1_000_000


class Player:
    """A process that decides until it is killed, or the time is up.

    Args:
        store: the store of its decisions.
        scribe: the record of its calls.
        name: the prefix of its values and sessions.
        chance: chooses its calls.
    """

    def __init__(
        self, store: SessionStore, scribe: Scribe, name: str, chance: random.Random
    ) -> None:
        self._store = store
        self._scribe = scribe
        self._name = name
        self._random = chance
        self._count = 0

    def play(self) -> None:
        """Make one random call."""
        self._count += 1
        acts: list[Callable[[], None]] = [
            *(self._compare, self._swap, self._get),
            *(self._set_own, self._set_blind),
            *(self._claim, self._title),
        ]
        self._random.choice(acts)()

    def _call(self, thing: str, what: str, given: tuple[Any, ...], ask: Callable[[], Any]) -> None:
        def act() -> Any:  # noqa: ANN401 - whatever it answers
            try:
                return ask()
            except (ArbiterBusy, NotProjected) as error:  # both errors say that nothing was decided
                raise NotAnswered from error

        self._scribe.call(thing, what, given, act)

    def _new(self) -> str:
        return f"{self._name}-{self._count}"

    def _thing(self, kind: str) -> str:
        return f"{kind} {self._random.randrange(THINGS)}"

    def _compare(self) -> None:
        thing, new, old = self._thing(KEY), self._new(), None
        if self._random.random() < 0.9:
            old = self._store.keys.get(thing)
        expected = ABSENT if old is None else old
        self._call(
            thing,
            "compare",
            (old, new),
            lambda: self._store.keys.compare_and_set(thing, new, expected=expected),
        )

    def _swap(self) -> None:
        """Use `decide` to exchange the present value for a new one."""
        thing, new = self._thing(KEY), self._new()

        def question(db: apsw.Connection) -> tuple[Any, list[dict[str, Any]]]:
            return key_value(db, KEYS, thing), [key_event(KEYS, thing, new)]

        self._call(thing, "swap", (new,), lambda: self._store.decide(question))

    def _get(self) -> None:
        self._read(self._thing(KEY))

    def _read(self, thing: str) -> None:
        def ask() -> Any:  # noqa: ANN401 - any JSON
            found, fresh = self._store.read(lambda db: key_value(db, KEYS, thing))
            if not fresh:  # the error says so, and then there is no promise
                raise NotProjected(str(fresh.behind))
            return found

        self._call(thing, "get", (), ask)

    def _set_own(self) -> None:
        """Set a key that no other process sets, and read it."""
        thing, new = f"{KEY} of {self._name}", self._new()
        self._call(thing, "set", (new,), lambda: self._store.keys.set(thing, new))
        self._read(thing)

    def _set_blind(self) -> None:
        """Set a key that all processes set, without a comparison, and read it."""
        thing, new = f"{self._thing(KEY)} blind", self._new()
        if self._random.random() < 0.2:
            self._call(thing, "set", (None,), lambda: self._store.keys.delete(thing))
        else:
            self._call(thing, "set", (new,), lambda: self._store.keys.set(thing, new))
        self._read(thing)

    def _claim(self) -> None:
        thing, holders, held = self._thing(CLAIM), self._name, []
        seconds = self._random.choice([0.05, 0.3, 1.0, 3600.0])
        length = round(seconds * _MICROSECONDS)

        def claim() -> int | None:
            found = self._store.claims.acquire(thing, holder=holders, seconds=seconds)
            held.extend([found] if found else [])
            return found.token if found else None

        self._call(thing, "claim", (self._new(), length), claim)
        for mine in held:
            self._hold(thing, mine, seconds)
        if not held:
            self._call(thing, "holder", (), lambda: self._holder(thing))

    def _hold(self, thing: str, mine: Claim, seconds: float) -> None:
        """Renew a claim, and release it or let it expire."""
        length = round(seconds * _MICROSECONDS)
        for number in range(self._random.choice([0, 0, 1, 2])):
            self._pause()
            given = mine.token, f"{self._new()}-{number}", length
            self._call(
                thing,
                "renew",
                given,
                lambda: self._store.claims.renew(mine, seconds=seconds) is not None,
            )
        self._pause()
        if seconds > 1.0 or self._random.random() < 0.5:
            for _ in range(self._random.choice([1, 1, 2])):
                self._call(
                    thing, "release", (mine.token,), lambda: self._store.claims.release(mine)
                )

    def _holder(self, thing: str) -> int:
        found = self._store.claims.get(thing)
        return found.token if found else 0

    def _pause(self) -> None:
        time.sleep(self._random.choice([0.0, 0.002, 0.06]))

    def _title(self) -> None:
        # all processes try the same title, which changes every 0.1 s
        name, session = f"{TITLE} {time.monotonic_ns() // 100_000_000}", self._new()

        def act() -> str:
            try:
                self._store.claim_title(session, name)
            except TitleTaken as error:
                return error.session
            return session

        self._call(name, "title", (session,), act)


def play(path: Path, calls_file: Path, seed: str, over: Path, sabotage: str | None) -> None:
    """Decide until the end, with changing handles.

    Args:
        path: the journal.
        calls_file: the file for its calls; its name without the suffix is the player's.
        seed: chooses its calls, and the error of its clock.
        over: a file that exists when the run is over.
        sabotage: the step that is left out.
    """
    chance = random.Random(seed)
    scribe = Scribe(calls_file)
    with skewed(random.Random(f"{seed} clock")), SABOTAGES[sabotage]():
        number = 0
        while _continues(over):
            number += 1
            with SessionStore.open(path, fsync="never", timeout=PATIENCE) as store:
                player = Player(store, scribe, f"{calls_file.stem}.{number}", chance)
                for _ in range(chance.randrange(200)):
                    if not _continues(over):
                        break
                    player.play()


def build(path: Path, seed: str, over: Path, sabotage: str | None) -> None:
    """Rebuild the projection without a pause, until the end."""
    journal = open_directory(path, create=False)
    with skewed(random.Random(seed)), SABOTAGES[sabotage]():
        while _continues(over):
            with contextlib.suppress(ProjectorBusy):
                rebuild(journal)
            time.sleep(0.01)


def _continues(over: Path) -> bool:
    parent = multiprocessing.parent_process()
    return not over.exists() and (parent is None or parent.is_alive())
