"""Run a workload, and check every disk that a power loss may leave of it."""

from __future__ import annotations

import logging
import tempfile
import traceback
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from unittest.mock import patch

from journal.fs import disk
from journal.process import clock
from tests.support.disks.in_memory import MEMORY
from tests.support.skewed import OFFSETS
from tests.torture.crash.catalogue import all_workloads, family
from tests.torture.crash.checks import Seen, judge
from tests.torture.crash.look import Looker, Start
from tests.torture.crash.model import Key, Model, Refused, Step, Synced, Tree, Tried, Way
from tests.torture.crash.recorder import Lie, Recorder
from tests.torture.crash.stage import Stage, bare
from tests.torture.crash.workloads import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

_EPOCH = 1_750_000_000_000_000_000
_PROJECTED = ("published", "projected")
_OTHERS = 64
"""Of workloads that build no projection, one state in this many is projected."""
_DOUBT = 64
"""Of one state in this many everything is also read without the cache, and compared."""
_SAMPLES = 64
_ROOM = 256
_SHOWN = 8
_WIDE = 300


@dataclass(slots=True)
class Outcome:
    """The results of one workload.

    Attributes:
        name: the workload.
        steps: operations and promises in its log.
        states: distinct disks that were checked, without those of earlier workloads.
        drawn: those of them that only random choice gave, beyond the bound of the enumeration.
        judged: how often a disk was compared with the promises of a moment.
        projected: disks of which the projection was built.
        failures: the failures, as texts.
    """

    name: str
    steps: int = 0
    states: int = 0
    drawn: int = 0
    judged: int = 0
    projected: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """The extent of an exploration.

    Attributes:
        seed: the seed of all random choices.
        share: the part of the states that is checked, up to 1.
        project: one in this many states of workloads with a projection is projected; of the
            others, one in `_OTHERS` times as many.
        lies: syncs that the disk does not perform.
    """

    seed: int
    share: float
    project: int
    lies: tuple[Lie, ...]


def record(name: str, folder: Path, plan: Plan) -> tuple[Recorder, Path | None]:
    """Run a workload; return its recorder, and the transcript that it imported."""
    root, outside = folder / "disk", folder / "outside"
    root.mkdir()
    outside.mkdir()
    random = Random(f"{plan.seed} {family(name)}")
    recorder = Recorder(root, plan.lies)
    ticks = count(_EPOCH, 1000)
    scene = Scene(recorder, random, outside, lambda: next(ticks))
    with (
        patch.object(disk, "in_use", recorder),
        patch.object(clock, "_clocks", {}),  # the times of each workload are its own
        patch("time.time_ns", scene.time),
        patch("os.urandom", random.randbytes),
    ):
        try:
            all_workloads()[name](scene)
        finally:
            scene.end()
    return recorder, next(outside.iterdir(), None)


def explore(names: tuple[str, ...], plan: Plan) -> list[Outcome]:
    """Run workloads, and check every disk that each of them may leave; equal ones once."""
    logging.getLogger("projector").setLevel(logging.ERROR)  # it warns of each repair
    outcomes = [Outcome(name) for name in names]
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        stage = Path(folder) / "state"
        stage.mkdir()
        explorer = _Explorer(plan, Looker(Stage(stage)))
        for outcome in outcomes:
            own = Path(folder) / outcome.name
            own.mkdir()
            try:
                explorer.explore(outcome, own)
            except Exception:  # noqa: BLE001 - the others are to be run all the same
                description = f"{outcome.name}, seed {plan.seed}: {traceback.format_exc()}"
                outcome.failures.append(description)
    return outcomes


class _Explorer:
    """Checks the disks of workloads, and remembers the results."""

    def __init__(self, plan: Plan, looker: Looker) -> None:
        self._plan = plan
        self._looker = looker
        self._known: dict[bytes, Seen] = {}
        self._drawn: set[bytes] = set()

    def explore(self, outcome: Outcome, folder: Path) -> None:
        """Run a workload, check its disks, and store the results."""
        recorder, source = record(outcome.name, folder, self._plan)
        outcome.steps = len(recorder.log)
        before, drawn_before = len(self._known), len(self._drawn)
        with self._looker.at_work(source):
            self._look_at_all(recorder, outcome)
        outcome.states = len(self._known) - before
        outcome.drawn = len(self._drawn) - drawn_before

    def _look_at_all(self, recorder: Recorder, outcome: Outcome) -> None:
        random = Random(f"{self._plan.seed} {outcome.name} states")
        model = Model()
        for place, step in enumerate(recorder.log):
            model.take(step)
            if isinstance(step, Refused | Synced | Tried):
                continue  # no new state is possible, and there is no new promise
            for tree, required, way in _moments(model, random):
                seen = self._seen(tree, way, model, outcome)
                if seen is None:
                    continue
                outcome.judged += 1
                failures = judge(seen, tree, model, required)
                if failures:
                    description = _report(self._plan, outcome.name, recorder, place, tree, failures)
                    outcome.failures.append(description)
                    return

    def _seen(self, tree: Tree, way: Way, model: Model, outcome: Outcome) -> Seen | None:
        """Return the result of checking a disk; None if it is not in the checked part."""
        start = Start(restarted=way != "plain", offset=0)
        digest = _digest(tree, start)
        seen = self._known.get(digest)
        if seen is None:
            chance = int.from_bytes(digest[:4], "big")
            if way != "plain" and chance >= self._plan.share * 2**32:
                return None
            others = 1 if outcome.name in _PROJECTED else _OTHERS
            project = chance % (self._plan.project * others) == 0
            wrong = OFFSETS[digest[4] % len(OFFSETS)] * (1 if digest[5] % 2 else -1)
            start = replace(start, offset=wrong)
            recheck = chance % _DOUBT == 0
            seen = self._looker.look(tree, model, start, project=project, recheck=recheck)
            self._known[digest] = seen
            self._drawn.add(digest)
            outcome.projected += project
        if way != "drawn":
            self._drawn.discard(digest)
        return seen


def _moments(model: Model, random: Random) -> Iterator[tuple[Tree, set[Key], Way]]:
    """Yield each possible disk, the keys that it must have, and how it was derived."""
    yield model.as_it_is(), model.survive_death, "plain"
    for tree, way in model.after_power_loss(random, _SAMPLES, _ROOM):
        yield tree, model.survive_power, way


def _digest(tree: Tree, start: Start) -> bytes:
    sha = blake2b(b"%d" % start.restarted, digest_size=16)
    for path, stored in tree.items():
        content = b"/" if stored is None else stored.content
        sha.update(b"%d %d " % (len(path), len(content)))
        sha.update(path.encode())
        sha.update(content)
    return sha.digest()


def _report(
    plan: Plan, name: str, recorder: Recorder, place: int, tree: Tree, failures: list[str]
) -> str:
    """Store a disk with a failure, and describe how it was derived."""
    kept = Path(tempfile.mkdtemp(prefix="crash-state-"))
    (kept / "disk").mkdir()
    Stage(kept / "disk").lay_out(bare(tree))
    log = (f"{n:4} {_shown(step)}" for n, step in enumerate(recorder.log[: place + 1]))
    (kept / "log").write_text("\n".join(log) + "\n")
    more = len(failures) - _SHOWN
    lines = [
        f"{name}, seed {plan.seed}: power lost after step {place}, see {kept}",
        *failures[:_SHOWN],
        *([f"and {more} more"] if more > 0 else []),
        f"again: python -m tests.torture.steps.crash_states --seed {plan.seed} --only '{name}'",
    ]
    return "\n  ".join(lines)


def _shown(step: Step) -> str:
    text = repr(step)
    return text if len(text) <= _WIDE else f"{text[:_WIDE]}..."
