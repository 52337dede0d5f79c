"""Decide in many processes while the projection is rebuilt: of all who try, one succeeds.

::

    python tools/torture/decisions.py --seconds 60
    python tools/torture/decisions.py --seconds 5 --seed 7
    python tools/torture/decisions.py --seconds 5 --sabotage    the step must fail

Processes set keys by comparison, claim and release things, claim titles, and read what they wrote.
Others rebuild the projection without a pause, are killed in the midst of it, and take the folder of
the projection away. Each answer is written down with the moments before and behind it. Afterwards:

- Of all who expected one value, one replaced it. Values are unique, so the successes of a key are a
  chain; nobody was refused while the value that it expected stood all the time.
- No token was given twice, no two held a thing at once, and each found its own claim to release.
- No title has two sessions, and whoever was refused was told whose it is.
- Each read of what a process alone writes gave what it had written last.

With --sabotage a generation is published as it was built, and who has brought the one in use up to
date trusts the one that he finds then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from journal.directory import open_directory
from projector import ABSENT, ProjectorBusy, SessionStore, TitleTaken, build
from projector.build import rebuild
from projector.generation import generations
from projector.goal import Goal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.queues import Queue

    import apsw

    from projector.store import Claim

_SECONDS = 60.0
_DECIDERS = 4
_THINGS = 3
"""Keys, and things to claim, that all of them try for."""
_PATIENCE = 30.0
"""Seconds that a decision may wait for others: a machine of two cores is busy."""
_FILLER = 2_000
"""Messages that make a rebuild take a moment."""


class Answer(NamedTuple):
    """What one call returned.

    Attributes:
        what: `set`, `claim`, `release`, `title` or `own`.
        name: of the key, the thing or the title.
        given: the value that was expected, the token that was released, or the session.
        got: the new value, the token, or whose the title is; None if it was refused.
        began, ended: seconds of a clock that all processes share.
    """

    what: str
    name: str
    given: object
    got: object
    began: float
    ended: float


@dataclass
class _Decider:
    """One process that decides until time is up."""

    path: Path
    name: str
    random: random.Random

    def __post_init__(self) -> None:
        self.answers: list[Answer] = []
        self._count = 0

    def run(self, until: float) -> list[Answer]:
        acts: list[Callable[[SessionStore], None]] = [
            self._set,
            self._claim,
            self._title,
            self._own,
        ]
        with SessionStore.open(self.path, fsync="never", timeout=_PATIENCE) as store:
            while time.monotonic() < until:
                self._count += 1
                self.random.choice(acts)(store)
        return self.answers

    def _note(self, what: str, name: str, given: object, act: Callable[[], object]) -> object:
        began = time.monotonic()
        got = act()
        self.answers.append(Answer(what, name, given, got, began, time.monotonic()))
        return got

    def _thing(self) -> str:
        return str(self.random.randrange(_THINGS))

    def _set(self, store: SessionStore) -> None:
        name, new = self._thing(), f"{self.name}-{self._count}"
        old = store.get(name, ABSENT)

        def act() -> object:
            return new if store.compare_and_set(name, new, expected=old) else None

        self._note("set", name, None if old is ABSENT else old, act)

    def _claim(self, store: SessionStore) -> None:
        name = self._thing()
        claims: list[Claim] = []

        def claim() -> object:
            found = store.claim(name, holder=self.name, seconds=3600)
            if found is None:
                return None
            claims.append(found)
            return found.token

        self._note("claim", name, None, claim)
        for held in claims:
            time.sleep(self.random.random() / 200)
            self._note("release", name, held.token, partial(self._release, store, held))

    @staticmethod
    def _release(store: SessionStore, held: Claim) -> object:
        return store.release(held) or None

    def _title(self, store: SessionStore) -> None:
        # a new title every tenth of a second, which all of them want
        title, session = f"title {int(time.monotonic() * 10)}", f"{self.name}-{self._count}"

        def act() -> object:
            try:
                store.claim_title(session, title)
            except TitleTaken as error:
                return error.session
            return session

        self._note("title", title, session, act)

    def _own(self, store: SessionStore) -> None:
        store.set("count", self._count, namespace=self.name)
        self._note("own", self.name, self._count, lambda: store.get("count", namespace=self.name))


def _decide(path: Path, name: str, seed: str, until: float, answers: Queue[list[Answer]]) -> None:
    answers.put(_Decider(path, name, random.Random(seed)).run(until))


def _decide_on_trust(
    path: Path, name: str, seed: str, until: float, answers: Queue[list[Answer]]
) -> None:
    """Decide on whatever generation is found, once the one in use had been brought up to date."""
    reached = Goal.is_reached
    trusting: set[int] = set()

    def is_reached(goal: Goal, db: apsw.Connection) -> bool:
        if id(goal) in trusting:
            trusting.clear()
            return True
        trusting.add(id(goal))
        return reached(goal, db)

    Goal.is_reached = is_reached  # type: ignore[method-assign, assignment] # the sabotage
    _decide(path, name, seed, until, answers)


def _build(path: Path, until: float) -> None:
    journal = open_directory(path, create=False)
    while time.monotonic() < until:
        try:
            rebuild(journal)
        except ProjectorBusy:
            time.sleep(0.01)


def _build_and_publish(path: Path, until: float) -> None:
    """Publish what was built without another look at the lanes."""
    build.put_into_use = lambda journal, number, *_: generations(journal.path).publish(number)
    _build(path, until)


def judge(answers: Iterable[Answer]) -> list[str]:
    """Return what no order of the calls explains in which each takes effect within its time."""
    by_name: defaultdict[tuple[str, str], list[Answer]] = defaultdict(list)
    for answer in answers:
        what = "claim" if answer.what == "release" else answer.what
        by_name[what, answer.name].append(answer)
    rules = {"set": _judge_sets, "claim": _judge_claims, "title": _judge_titles, "own": _judge_own}
    return [
        f"{what} {name!r}: {fault}"
        for (what, name), found in sorted(by_name.items())
        for fault in rules[what](found)
    ]


def _judge_sets(answers: list[Answer]) -> Iterable[str]:
    followers: defaultdict[object, list[Answer]] = defaultdict(list)
    setters = {answer.got: answer for answer in answers if answer.got is not None}
    for answer in setters.values():
        followers[answer.given].append(answer)
    for value, found in followers.items():
        if len(found) > 1:
            yield f"{value!r} was replaced {len(found)} times, by {[a.got for a in found]}"
        for answer in found:
            if value is not None and value not in setters:
                yield f"{answer.got!r} replaced {value!r}, which was never there"
            elif value is not None and setters[value].began > answer.ended:
                yield f"{answer.got!r} replaced {value!r} before it was there"
    for answer in answers:
        before = setters.get(answer.given)
        behind = followers.get(answer.given)
        stood = answer.given is None or (before is not None and before.ended < answer.began)
        if answer.got is None and stood and not (behind and behind[0].began < answer.ended):
            yield f"refused although {answer.given!r} stood all the time"


def _judge_claims(answers: list[Answer]) -> Iterable[str]:
    granted = [a for a in answers if a.what == "claim" and isinstance(a.got, int)]
    claims = sorted(granted, key=_token)
    releases = {a.given: a for a in answers if a.what == "release"}
    for token, count in Counter(claim.got for claim in claims).items():
        if count > 1:
            yield f"token {token} was given {count} times"
    for release in releases.values():
        if release.got is None:
            yield f"the holder of token {release.given} was told that it holds nothing"
    for first, second in pairwise(claims):
        released = releases.get(first.got)
        if released is None or second.ended < released.began:
            yield f"token {second.got} was given while that of {first.got} was held"
    for refused in (a for a in answers if a.what == "claim" and a.got is None):
        # somebody must have held it at some moment of the call
        if not any(
            claim.began < refused.ended
            and (claim.got not in releases or releases[claim.got].ended > refused.began)
            for claim in claims
        ):
            yield "refused although nobody held it"


def _token(claim: Answer) -> int:
    return claim.got if isinstance(claim.got, int) else 0


def _judge_titles(answers: list[Answer]) -> Iterable[str]:
    owners = {answer.got for answer in answers if answer.got == answer.given}
    if len(owners) > 1:
        yield f"sessions {sorted(map(str, owners))} all have it"
    for answer in answers:
        if answer.got not in owners:
            yield f"{answer.given!r} was told that {answer.got!r} has it, which never got it"


def _judge_own(answers: list[Answer]) -> Iterable[str]:
    for answer in answers:
        if answer.got != answer.given:
            yield f"{answer.got!r} was read where {answer.given!r} had been written"


def run(seed: int, seconds: float, *, sabotage: bool = False) -> tuple[Counter[str], list[str]]:
    """Let them decide for so long; return counts, and what is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="decisions-"))
    try:
        return _run(folder / "journal", seed, seconds, sabotage=sabotage)
    finally:
        shutil.rmtree(folder)


def _run(
    path: Path, seed: int, seconds: float, *, sabotage: bool
) -> tuple[Counter[str], list[str]]:
    with SessionStore.open(path, fsync="never") as store:
        for number in range(_FILLER):
            store.append("filler", "user", f"message {number} " * 10)
        store.get("")
    context = multiprocessing.get_context("spawn")
    until = time.monotonic() + seconds
    queue: Queue[list[Answer]] = context.Queue()
    deciders = [
        context.Process(
            target=_decide_on_trust if sabotage else _decide,
            args=(path, f"p{n}", f"{seed}/{n}", until, queue),
        )
        for n in range(_DECIDERS)
    ]
    counts: Counter[str] = Counter()
    for process in deciders:
        process.start()
    chance = random.Random(seed)
    building = _build_and_publish if sabotage else _build
    while time.monotonic() < until:
        builder = context.Process(target=building, args=(path, until))
        builder.start()
        builder.join(min(chance.uniform(0.5, 3.0), max(0.0, until - time.monotonic())))
        if builder.is_alive() and time.monotonic() < until:
            builder.kill()
            counts["builders killed"] += 1
        builder.join()
    answers = [answer for _ in deciders for answer in queue.get(timeout=2 * _PATIENCE)]
    for process in deciders:
        process.join()
    for answer in answers:
        counts[f"{answer.what} {'refused' if _is_refused(answer) else 'granted'}"] += 1
    counts["rebuilds"] = generations(path).current() or 0
    return counts, judge(answers)


def _is_refused(answer: Answer) -> bool:
    return answer.got is None or (answer.what == "title" and answer.got != answer.given)


def main(arguments: list[str] | None = None) -> int:
    """Run the step; return the exit code."""
    parser = argparse.ArgumentParser(description="Decide while the projection is rebuilt.")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="[default: 60]")
    parser.add_argument("--seed", type=int, default=1, help="[default: 1]")
    parser.add_argument("--sabotage", action="store_true", help="the step must fail")
    given = parser.parse_args(arguments)
    counts, faults = run(given.seed, given.seconds, sabotage=given.sabotage)
    print(
        f"decisions: seed {given.seed}: "
        + ", ".join(f"{n} {what}" for what, n in sorted(counts.items()))
    )
    for fault in faults:
        print(f"decisions: {fault}")
    if not faults:
        print("decisions: each answer is explained by one order of the calls")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
