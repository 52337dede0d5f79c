"""Enumerate what a power loss may leave of a journal, and check each such disk.

Real workloads run on a disk that records every file operation and every promise
(`crash/workloads.py`, `crash/recorder.py`). For each moment at which the power may go, the model
in `crash/model.py` (which says what is taken to be possible, and what is not looked at) gives the
states in which the disk may be found. From each of them:

- the journal opens, and `journal verify` names nothing but what the power loss explains: damage
  in bytes that were not synced, numbers that are missing with the events that were lost;
- every event that was acknowledged as durable is there (`always`, `sync()`, `close()`, the
  background sync of `interval`, what the projection showed), and nothing that was never appended;
- nothing stands there more often than it was appended;
- appending goes on, with two handles, and changes nothing else;
- a transcript that is imported again is complete;
- of a part of the states: the projection has each message once and equals a rebuilt one, before
  and after everything is appended again with the same ids.

A state in which it fails is kept, with the log that led to it.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, get_args
from unittest.mock import patch

from crash import workloads
from crash.checks import Seen, judge, lay_out, look
from crash.model import Key, Model, Refused, Step, Synced, Tree, Tried
from crash.recorder import Lie, Recorder

from journal import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crash.workloads import Scene

    Workload = Callable[[Scene], None]

FEWEST = 50_000
"""Distinct states of a full run: fewer mean that something is no longer enumerated."""
FEWEST_OF_SAMPLE = 1_000
FULL_SECONDS = 300
"""Seconds for which a full run is meant; a shorter one looks at a part of the states."""
_EPOCH = 1_750_000_000_000_000_000


def all_workloads() -> dict[str, Workload]:
    """Return the workloads by name."""
    found: dict[str, Workload] = {
        "first of all": workloads.first_of_all,
        "never": workloads.never,
        "interval": workloads.interval,
        "several lanes": workloads.several_lanes,
        "rolls, always": partial(workloads.rolls, fsync="always"),
        "rolls, never": partial(workloads.rolls, fsync="never"),
        "taken over": workloads.taken_over,
        "folder refused": workloads.folder_refused,
        "threads": workloads.threads,
        "imported": workloads.imported,
        "published": workloads.published,
        "projected": workloads.projected,
    }
    for fsync in ("always", "interval", "never"):
        for room in (0, 1, 100, 400):
            name = f"full disk, {fsync}, {room} bytes"
            found[name] = partial(workloads.full_disk, fsync=fsync, room=room)
        for times in (1, 2, 3):
            name = f"sync refused, {fsync}, {times} times"
            found[name] = partial(workloads.refused, fsync=fsync, times=times)
    for life in range(_LIVES):
        last = life == _LIVES - 1
        found[f"killed at {life}"] = partial(workloads.killed_at, life=life, last=last)
    return found


@dataclass(slots=True)
class Outcome:
    """What came of one workload.

    Attributes:
        name: the workload.
        steps: operations and promises in its log.
        states: distinct disks that were looked at.
        judged: how often a disk was held against what was promised at a moment.
        projected: disks of which the projection was built.
        failures: what went wrong, ready to be printed.
    """

    name: str
    steps: int = 0
    states: int = 0
    judged: int = 0
    projected: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is looked at.

    Attributes:
        seed: of everything random.
        share: part of the states, up to 1.
        project: of one in so many states that hold a projection it is built; of the others, of
            one in 24 times as many.
        lies: syncs that the disk does not do.
    """

    seed: int
    share: float
    project: int
    lies: tuple[Lie, ...]


def record(name: str, folder: Path, plan: Plan) -> tuple[Recorder, Path | None]:
    """Run a workload; return what was recorded, and the transcript that it imported."""
    root, outside = folder / "disk", folder / "outside"
    root.mkdir()
    outside.mkdir()
    random = Random(f"{plan.seed} {name}")
    recorder = Recorder(root, plan.lies)
    scene = workloads.Scene(recorder, random, outside)
    ticks = count(_EPOCH, 1000)
    with (
        patch.object(disk, "in_use", recorder),
        patch("time.time_ns", lambda: next(ticks)),
        patch("os.urandom", random.randbytes),
    ):
        try:
            all_workloads()[name](scene)
        finally:
            scene.end()
    return recorder, next(outside.iterdir(), None)


def explore(name: str, plan: Plan) -> Outcome:
    """Run one workload, and look at every disk that it may leave."""
    logging.getLogger("projector").setLevel(logging.ERROR)  # it says what it mends
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        try:
            return _explore(name, plan, Path(folder))
        except Exception:  # noqa: BLE001 - the others are to be run all the same
            return Outcome(name, failures=[f"{name}, seed {plan.seed}: {traceback.format_exc()}"])


def _memory() -> Path | None:
    """Return a folder that lies in memory; None if the machine has none."""
    memory = Path("/dev/shm")  # noqa: S108 - everything goes into a new folder in it
    return memory if memory.is_dir() else None


def _explore(name: str, plan: Plan, folder: Path) -> Outcome:
    recorder, source = record(name, folder, plan)
    outcome = Outcome(name, steps=len(recorder.log))
    root = folder / "state"
    root.mkdir()
    random = Random(f"{plan.seed} {name} states")
    model = Model()
    known: dict[bytes, Seen] = {}
    share = plan.share * next((part for begin, part in _PARTS if name.startswith(begin)), 1.0)
    for place, step in enumerate(recorder.log):
        model.take(step)
        if isinstance(step, (Refused, Synced, Tried)):
            continue  # nothing is possible that was not before, and nothing more is promised
        for tree, required, plain in _moments(model, random):
            digest = _digest(tree)
            seen = known.get(digest)
            if seen is None:
                if not plain and int.from_bytes(digest[:4], "big") >= share * 2**32:
                    continue
                project = (
                    digest[4] % (plan.project if name in _PROJECTED else 24 * plan.project) == 0
                )
                seen = known[digest] = _look(tree, model, root, source, project=project)
                outcome.projected += project
            outcome.judged += 1
            failures = judge(seen, tree, model, required)
            if failures:
                outcome.failures.append(_report(name, plan, recorder, place, tree, failures))
                break
        if outcome.failures:
            break
    outcome.states = len(known)
    return outcome


def _moments(model: Model, random: Random) -> Iterator[tuple[Tree, set[Key], bool]]:
    """Yield what may be found now, what must be in it, and whether it is a plain case."""
    yield model.as_it_is(), model.survive_death, True
    for tree, plain in model.after_power_loss(random, _SAMPLES, _ROOM):
        yield tree, model.survive_power, plain


def _digest(tree: Tree) -> bytes:
    sha = blake2b(digest_size=16)
    for path, stored in tree.items():
        content = b"/" if stored is None else stored.content
        sha.update(b"%d %d " % (len(path), len(content)))
        sha.update(path.encode())
        sha.update(content)
    return sha.digest()


def _look(tree: Tree, model: Model, root: Path, source: Path | None, *, project: bool) -> Seen:
    try:
        return look(tree, model, root, source=source, project=project)
    except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
        return Seen({}, {}, (), (), (traceback.format_exc(),))


def _report(
    name: str, plan: Plan, recorder: Recorder, place: int, tree: Tree, failures: list[str]
) -> str:
    """Keep a disk on which something is wrong, and say how it came about."""
    kept = Path(tempfile.mkdtemp(prefix="crash-state-"))
    (kept / "disk").mkdir()
    lay_out(tree, kept / "disk")
    log = (f"{n:4} {_shown(step)}" for n, step in enumerate(recorder.log[: place + 1]))
    (kept / "log").write_text("\n".join(log) + "\n")
    more = len(failures) - _SHOWN
    lines = [
        f"{name}, seed {plan.seed}: power lost after step {place}, see {kept}",
        *failures[:_SHOWN],
        *([f"and {more} more"] if more > 0 else []),
        f"again: python tools/torture/crash_states.py --seed {plan.seed} --only '{name}'",
    ]
    return "\n  ".join(lines)


def _shown(step: Step) -> str:
    text = repr(step)
    return text if len(text) <= _WIDE else f"{text[:_WIDE]}..."


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=FULL_SECONDS, help="looks at a part")
    parser.add_argument("--sample", action="store_true", help="a few states of a few workloads")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="workloads with it in their name"
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument(
        "--lie",
        action="append",
        default=[],
        choices=get_args(Lie),
        help="a disk that does not do this kind of sync: the sweep must fail",
    )
    given = parser.parse_args()
    share = _SAMPLE_SHARE if given.sample else min(1.0, given.seconds / FULL_SECONDS)
    plan = Plan(given.seed, share, 6 if given.sample else 1, tuple(given.lie))
    names = [n for n in (_SAMPLED if given.sample else all_workloads()) if given.only in n]
    if not names:
        parser.error(f"no workload has {given.only!r} in its name")
    begun = time.monotonic()
    with ProcessPoolExecutor(given.jobs, get_context("fork")) as pool:
        outcomes = list(pool.map(partial(explore, plan=plan), names))
    for outcome in outcomes:
        print("\n".join(outcome.failures), end="\n" if outcome.failures else "", file=sys.stderr)
    states = sum(outcome.states for outcome in outcomes)
    fewest = 0 if given.only else FEWEST_OF_SAMPLE if given.sample else int(FEWEST * share)
    failed = sum(bool(outcome.failures) for outcome in outcomes)
    print(
        f"crash states: {len(names)} workloads, {sum(o.steps for o in outcomes):,} steps,"
        f" {states:,} distinct states, {sum(o.judged for o in outcomes):,} judged,"
        f" {sum(o.projected for o in outcomes):,} projected, {failed} workloads failed;"
        f" seed {given.seed}, {time.monotonic() - begun:.0f} s"
    )
    if states < fewest and not failed:
        print(f"there must be {fewest:,} distinct states at least", file=sys.stderr)
    return int(bool(failed) or states < fewest)


_LIVES = 28
"""Operations of a process that is killed at each of them; with the last it lives on."""
_PARTS = (
    ("killed at", 0.15),
    ("full disk", 0.12),
    ("sync refused", 0.07),
    ("several lanes", 0.5),
    ("rolls, never", 0.5),
)
"""Of workloads that are many and alike, or that leave very many states: the part looked at."""
_PROJECTED = ("published", "projected")
_SAMPLES = 64
_ROOM = 256
_SHOWN = 8
_WIDE = 300
_SAMPLE_SHARE = 0.03
_SAMPLED = (
    "first of all",
    "interval",
    "rolls, never",
    "taken over",
    "killed at 5",
    "killed at 25",
    "full disk, always, 100 bytes",
    "sync refused, always, 1 times",
    "sync refused, never, 1 times",
    "folder refused",
    "threads",
    "imported",
    "published",
    "projected",
)


if __name__ == "__main__":
    sys.exit(main())
