"""The acceptance runs: many writers at once, many short processes, kill -9 at random.

::

    python tools/acceptance.py                       all of it at full size
    python tools/acceptance.py --writers 8 --messages 20000
    python tools/acceptance.py --processes 10000
    python tools/acceptance.py --kills 200 --seed 7

Each run works in a journal of its own, prints its counts and its seed, and ends with `verify` and
with the digest compared to a rebuild's. Exit code 1 if anything was lost, doubled or unexplained.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from journal import Journal, JournalError
from journal.segments.reader import read_events
from journal.verify import verify
from projector import Projection, ProjectorError

if TYPE_CHECKING:
    from collections.abc import Callable

_PROJECTOR = [sys.executable, "-c", "from projector.cli import main; main()"]
_PATIENCE = 120.0
"""Seconds after which a projector that should be done counts as stuck."""
_HARMLESS = {"torn", "empty"}
"""What kill -9 may leave in a lane: an append that never returned, a segment not yet begun."""


class Failed(Exception):  # noqa: N818 - says what is the matter
    """A run did not hold what it should."""


@dataclass(slots=True)
class Run:
    """One run: its journal, and what it found out."""

    name: str
    journal: Path
    said: dict[str, object] = field(default_factory=dict)

    def say(self, **counts: object) -> None:
        """Note counts, and print them."""
        self.said |= counts
        shown = "  ".join(f"{name}={value}" for name, value in counts.items())
        print(f"{self.name}: {shown}", flush=True)

    def check(self, holds: object, what: str) -> None:
        """Fail the run unless `holds`."""
        if not holds:
            raise Failed(f"{self.name}: {what} (the journal is kept in {self.journal})")


def start_projector(journal: Path) -> subprocess.Popen[bytes]:
    """Start `projector run`; return when it listens."""
    process = subprocess.Popen(
        [*_PROJECTOR, "--journal", str(journal), "run"], stderr=subprocess.PIPE, bufsize=0
    )
    line = process.stderr.readline() if process.stderr else b""
    if not line.startswith(b"projecting"):
        process.kill()
        line += process.communicate()[1]
        raise Failed(f"projector run did not start: {line.decode()}")
    return process


def stop(process: subprocess.Popen[bytes]) -> int:
    """End a projector with SIGTERM; return its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=_PATIENCE)
    return process.returncode


def fork(work: Callable[[], None]) -> int:
    """Run `work` in a child and return its pid; the child ends with 0 if nothing was raised."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def finish(run: Run, harmless: frozenset[str] = frozenset()) -> Counter[tuple[str, str]]:
    """Verify the journal, compare the digest with a rebuild's; return how often each key stands."""
    keys: Counter[tuple[str, str]] = Counter()
    with Projection.open(run.journal) as projection:
        before = projection.digest()
        status = projection.status()
        subprocess.run(
            [*_PROJECTOR, "--journal", str(run.journal), "rebuild"],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        after = projection.digest()
        for view in projection.sessions(limit=10**9):
            keys.update((view.session, m.id) for m in projection.messages(view.session))
    run.check(before == after, f"digest {before} became {after} by a rebuild")
    report = verify(run.journal / "lanes")
    kinds = Counter(problem.kind for problem in report.problems)
    found = {str(kind): count for kind, count in kinds.items()}
    run.say(digest=before[:16], lanes=report.lanes, segments=report.segments, problems=found)
    wrong = [problem for problem in report.problems if problem.kind not in harmless]
    run.check(not wrong, f"verify finds {wrong[:3]}")
    run.check(status.conflicts == 0, f"{status.conflicts} conflicts")
    run.check(all(n == 1 for n in keys.values()), "a message stands twice in its session")
    run.check(len(keys) == status.messages, f"{len(keys)} shown, {status.messages} counted")
    return keys


def word(writer: int, number: int) -> str:
    """Return a word that only one message holds."""
    return f"w{writer}x{number}z"


def writers(run: Run, *, count: int, messages: int) -> None:
    """`count` processes append `messages` each at once, with a projector beside them."""
    run.journal.mkdir()
    running = start_projector(run.journal)
    ready, go = os.pipe()

    def write(writer: int) -> None:
        os.close(go)
        os.read(ready, 1)  # all begin at the same instant
        with Journal.open(run.journal) as journal:
            for number in range(messages):
                text = f"message {word(writer, number)} of writer{writer}"
                journal.append_message(f"s{writer}", "user", text, id=f"m{number}")

    began = time.perf_counter()
    try:
        children = [fork(partial(write, writer)) for writer in range(count)]
        os.close(ready)
        os.close(go)
        ended = [os.waitpid(child, 0)[1] for child in children]
        written = time.perf_counter()
        run.check(not any(ended), f"writers ended with {ended}")
        total = count * messages
        with Projection.open(run.journal) as projection:
            _wait(run, projection, total)
            projected = time.perf_counter()
            status = projection.status()
            run.say(
                messages=status.messages,
                duplicates=status.duplicates,
                append_per_second=round(total / (written - began)),
                projected_seconds_after_the_last_append=round(projected - written, 2),
                wal_bytes=status.wal_bytes,
            )
            run.check(status.messages == total, f"{status.messages} messages, not {total}")
            run.check(status.lanes <= count + 1, f"{status.lanes} lanes for {count} writers")
            _find_all(run, projection, count, messages)
    finally:
        code = stop(running)
    run.check(code == 0, f"projector run ended with {code}")
    keys = finish(run)
    wanted = {(f"s{w}", f"m{n}") for w in range(count) for n in range(messages)}
    run.check(keys.keys() == wanted, f"{len(wanted - keys.keys())} messages are missing")


def _wait(run: Run, projection: Projection, messages: int) -> None:
    until = time.monotonic() + _PATIENCE
    while projection.status().messages < messages:
        run.check(time.monotonic() < until, f"the projector is stuck: {projection.status()}")
        time.sleep(0.01)


def _find_all(run: Run, projection: Projection, count: int, messages: int) -> None:
    """Search for the one word of every message."""
    began = time.perf_counter()
    for writer in range(count):
        for number in range(messages):
            hits = projection.search(word(writer, number), limit=2).hits
            found = [(hit.session, hit.id) for hit in hits]
            wanted = [(f"s{writer}", f"m{number}")]
            run.check(found == wanted, f"{word(writer, number)} finds {found}")
    searches = count * messages
    each = (time.perf_counter() - began) / max(searches, 1)
    run.say(findable=searches, milliseconds_a_search=round(each * 1000, 3))


def processes(run: Run, *, count: int, at_once: int = 8) -> None:
    """`count` processes append one message each, a few at a time."""

    def write(number: int) -> None:
        with Journal.open(run.journal, fsync="never") as journal:
            journal.append_message("hooks", "user", f"run {number}", id=f"m{number}")

    began = time.perf_counter()
    alive: set[int] = set()
    ended: Counter[int] = Counter()
    for number in range(count):
        if len(alive) >= at_once:
            child, status = os.wait()
            alive.discard(child)
            ended[status] += 1
        alive.add(fork(partial(write, number)))
    for child in alive:
        ended[os.waitpid(child, 0)[1]] += 1
    seconds = time.perf_counter() - began
    run.check(ended == {0: count}, f"processes ended with {dict(ended)}")
    keys = finish(run)
    lanes = len(os.listdir(run.journal / "lanes"))
    run.say(processes=count, at_once=at_once, per_second=round(count / seconds), lanes=lanes)
    run.check(lanes <= at_once + 1, f"{lanes} lanes")
    wanted = {("hooks", f"m{n}") for n in range(count)}
    run.check(keys.keys() == wanted, f"{len(wanted - keys.keys())} messages are missing")


@dataclass(slots=True)
class _Writer:
    """A writer that may be killed at any moment; what it printed, it had been told is safe."""

    process: subprocess.Popen[bytes]
    acknowledged: Path


def kills(run: Run, *, count: int, seed: int, at_once: int = 4) -> None:
    """SIGKILL writers and the projector at random moments, `count` times in all."""
    rng = random.Random(seed)
    run.say(seed=seed)
    with Journal.open(run.journal):
        pass
    folder = run.journal.with_name(f"{run.journal.name}-acknowledged")
    folder.mkdir()
    made = 0

    def start_writer() -> _Writer:
        nonlocal made
        made += 1
        path = folder / f"{made}.jsonl"
        fsync = rng.choice(["never", "interval", "interval", "always"])
        with path.open("wb") as file:
            process = subprocess.Popen(
                [
                    sys.executable,
                    __file__,
                    "--as-writer",
                    str(run.journal),
                    *(str(made), str(rng.getrandbits(32)), fsync),
                ],
                stdout=file,
            )
        return _Writer(process, path)

    alive: list[_Writer] = []
    struck: Counter[str] = Counter()
    began = time.perf_counter()
    running = start_projector(run.journal)
    try:
        alive += [start_writer() for _ in range(at_once)]
        while struck.total() < count:
            time.sleep(rng.uniform(0.0, 0.25))
            if rng.random() < 0.35:  # noqa: PLR2004 - about every third
                _kill(running, run)
                struck["projector"] += 1
                running = start_projector(run.journal)
            else:
                victim = alive.pop(rng.randrange(len(alive)))
                _kill(victim.process, run)
                struck["writer"] += 1
                alive.append(start_writer())
        seconds = time.perf_counter() - began
        while alive:
            _kill(alive.pop().process, run)
    finally:
        for writer in alive:
            writer.process.kill()
        code = stop(running)
    run.check(code == 0, f"the last projector ended with {code}")
    # what a dead writer printed last may be half a line: that one was not told to anybody
    told = [
        tuple(orjson.loads(line))
        for path in folder.iterdir()
        for line in path.read_bytes().split(b"\n")[:-1]
    ]
    stands = Counter(
        (at.record.event.session, at.record.event.id)
        for at in read_events(run.journal / "lanes", lambda _ref, _damage: None)
    )
    keys = finish(run, frozenset(_HARMLESS))
    missing = [key for key in told if key not in keys]
    doubled = [key for key in told if keys[key] != 1]
    run.say(
        kills=dict(struck),
        seconds=round(seconds, 1),
        writers=made,
        acknowledged=len(told),
        messages=len(keys),
        written_twice_and_shown_once=sum(n > 1 for n in stands.values()),
        missing=len(missing),
        doubled=len(doubled),
    )
    run.check(len(told) >= count, f"only {len(told)} acknowledged: the writers did no work")
    run.check(not missing, f"acknowledged and lost: {missing[:5]}")
    run.check(not doubled, f"acknowledged and doubled: {doubled[:5]}")
    run.check(keys.keys() == stands.keys(), "the projection differs from the lanes")


def _kill(process: subprocess.Popen[bytes], run: Run) -> None:
    code = process.poll()
    if code is not None:
        error = process.stderr.read() if process.stderr else b""
        run.check(holds=False, what=f"a process ended by itself with {code}: {error!r}")
    process.kill()
    process.wait()
    if process.stderr:
        process.stderr.close()


def as_writer(journal: Path, name: str, seed: int, fsync: str) -> None:
    """Append for ever, some of it twice, and print each key once its append has returned."""
    rng = random.Random(seed)
    with Journal.open(journal, fsync=fsync) as handle:  # type: ignore[arg-type] # one of the levels
        number = 0
        while True:
            batch = rng.choice([1, 1, 1, 20])
            session = f"s{rng.randrange(5)}"
            events = [_made_up(rng, session, f"{name}-{number + n}") for n in range(batch)]
            handle.append_many(events)
            if rng.random() < 0.1:  # noqa: PLR2004 - tried again, as after an error
                handle.append_many(events)
            lines = b"".join(orjson.dumps([session, event["id"]]) + b"\n" for event in events)
            os.write(1, lines)
            number += batch
            time.sleep(rng.choice([0, 0.001, 0.005, 0.02]))


def _made_up(rng: random.Random, session: str, id: str) -> dict[str, object]:
    text = " ".join(rng.choices(["alpha", "beta", "gamma", "北京", "x" * 500], k=rng.randint(1, 6)))
    return {
        "type": "message.appended",
        "session": session,
        "id": id,
        "data": {"role": "user", "content": text},
    }


def main(arguments: list[str] | None = None) -> int:
    """Do the runs that were asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--writers", type=int, metavar="N", help="processes that append at once")
    parser.add_argument("--messages", type=int, default=20_000, metavar="N", help="of each writer")
    parser.add_argument("--processes", type=int, metavar="N", help="processes of one message")
    parser.add_argument("--kills", type=int, metavar="N", help="SIGKILLs at random moments")
    parser.add_argument("--seed", type=int, default=None, help="of the random moments")
    parser.add_argument("--as-writer", nargs=4, metavar="X", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.as_writer:
        journal, name, seed, fsync = given.as_writer
        as_writer(Path(journal), name, int(seed), fsync)
        return 0
    if given.writers is given.processes is given.kills is None:
        given.writers, given.processes, given.kills = 8, 10_000, 200
    seed = int.from_bytes(os.urandom(4)) if given.seed is None else given.seed
    folder = Path(tempfile.mkdtemp(prefix="acceptance-"))
    runs: dict[str, Callable[[Run], None]] = {}
    if given.writers:
        runs["writers"] = lambda run: writers(run, count=given.writers, messages=given.messages)
    if given.processes:
        runs["processes"] = lambda run: processes(run, count=given.processes)
    if given.kills:
        runs["kills"] = lambda run: kills(run, count=given.kills, seed=seed)
    failed = False
    for name, do in runs.items():
        try:
            do(Run(name, folder / name))
        except (Failed, JournalError, ProjectorError, subprocess.SubprocessError) as error:
            failed = True
            print(f"FAILED {name} (--seed {seed}): {type(error).__name__}: {error}", flush=True)
        else:
            print(f"{name}: passed", flush=True)
    if not failed:
        shutil.rmtree(folder)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
