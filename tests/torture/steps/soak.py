"""Writers, projectors, readers and rebuilds together, killed at random, for minutes.

::

    python -m tests.torture.steps.soak --seconds 120
    python -m tests.torture.steps.soak --seconds 20 --seed 7
    python -m tests.torture.steps.soak --sample               a few seconds, as `make test` does

The clock of each is wrong, in each life by another amount: by up to fifty years, and it is set now
and then. Writers of every level append, flush twice, and are killed and started again; each then
flushes again what it had been told is safe, and what it had not. One projector runs and one stands
by; in the first half of the time either is killed now and then, and in the second half left alone.
Readers search for what was acknowledged just now, and hold on to snapshots; some are killed, which
may hit one that is the projector for a moment. The projection is rebuilt again and again, and some
of the rebuilds are killed.

Afterwards `verify` finds nothing but what a death explains; every acknowledged message is there
exactly once, in the lanes, in the projection and in a rebuild, which have one digest; no reader got
an error; no WAL reached 64 MiB; nobody said `database is locked`; and of those who lived through it
descriptors and memory are flat. The seed decides who is killed when, but not what the machine makes
of it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import orjson

from journal import Journal
from journal.segments.reader import read_events
from journal.verify import verify
from journal.verify.checks import DEATH
from projector import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECONDS = 120.0
_SAMPLE = 3.0
_ROLES = (sys.executable, "-m", "tests.torture.soak_roles")
_PROJECTOR = Path(sys.executable).with_name("projector")
_LEVELS = ("never", "interval", "always")
_WAL_LIMIT = 64 * 1024 * 1024
_JUDGED = 20.0
"""Seconds that a process must have lived for its thirds to be compared."""
_PATIENCE = 120.0
"""Seconds that a process has to end in after it was asked to."""
_YOUNG = 10.0
"""Seconds in which an interpreter has certainly started, on a busy machine too."""
_SETTLING = 3.0
"""Seconds in which who stands by has taken over."""
_MORE_FILES = 2
"""Descriptors that may come and go between two looks."""
_MORE_MEMORY = 1.3
_CACHES = 32 * 1024 * 1024
"""Bytes by which memory may grow all the same: page caches fill while the database grows."""


class Failed(Exception):  # noqa: N818 - says what is the matter
    """Something is not as it should be."""


@dataclass(slots=True)
class Sample:
    """A look at a process: when, how many descriptors, and bytes of memory of its own."""

    at: float
    files: int
    memory: int


@dataclass(slots=True)
class Program:
    """A program that is run, and started again whenever it was killed.

    Attributes:
        name: what it is called here.
        argv: how it is started.
        killable: whether it may be killed.
        samples: looks at the present process, since nobody takes over from another any more.
        started: when it was started, on the monotonic clock.
    """

    name: str
    argv: list[str]
    folder: Path
    killable: bool
    process: subprocess.Popen[bytes] | None = None
    samples: list[Sample] = field(default_factory=list)
    started: float = 0.0

    def start(self) -> None:
        """Start it; what it says is added to a file of its own."""
        self.samples, self.started = [], time.monotonic()
        out, err = self.folder / f"{self.name}.out", self.folder / f"{self.name}.err"
        with out.open("ab") as stdout, err.open("ab") as stderr:
            self.process = subprocess.Popen(self.argv, stdout=stdout, stderr=stderr)

    @property
    def young(self) -> bool:
        """Whether it may not have begun to listen to signals yet."""
        return time.monotonic() - self.started < _YOUNG

    def look(self) -> None:
        """Count its descriptors and its memory; it may have ended meanwhile."""
        if self.process is None:
            return
        proc = Path("/proc") / str(self.process.pid)
        with contextlib.suppress(OSError):
            found = re.search(rb"RssAnon:\s+(\d+) kB", (proc / "status").read_bytes())
            files = len(os.listdir(proc / "fd"))
            if found:
                memory = int(found[1]) * 1024
                self.samples.append(Sample(time.monotonic(), files, memory))

    def check(self) -> None:
        """Fail if it ended by itself.

        Raises:
            Failed: it did.
        """
        if self.process is not None and (code := self.process.poll()) is not None:
            raise Failed(f"{self.name} ended by itself with {code}: {self.said()[-2000:]}")

    def said(self) -> str:
        """Return what all its lives wrote to stderr."""
        return (self.folder / f"{self.name}.err").read_text(errors="replace")

    def kill(self) -> None:
        """Kill it, and start it again."""
        self.end(signal.SIGKILL)
        self.start()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it with a signal; return its exit code."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(number)
        try:
            return process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f"{self.name} did not end within {_PATIENCE:.0f} s") from None

    def growth(self) -> tuple[float, float, float]:
        """Compare the first third of the looks with the last: descriptors, and bytes of memory."""
        looks = self.samples
        third = max(1, len(looks) // 3)
        first, last = looks[:third], looks[-third:]
        # the least or the most would be that of a moment, such as between two generations
        files, memory = (
            [median(getattr(look, name) for look in part) for part in (first, last)]
            for name in ("files", "memory")
        )
        return files[1] - files[0], memory[0], memory[1]

    @property
    def age(self) -> float:
        """Seconds between the first look that counts and the last."""
        return self.samples[-1].at - self.samples[0].at if self.samples else 0.0


class Soak:
    """One soak: its programs, and what it saw of them."""

    def __init__(self, folder: Path, seed: int, *, small: bool) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.told = folder / "told"
        self.told.mkdir()
        self.rng = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.rebuilds: Counter[int] = Counter()
        self.wal = 0
        with Journal.open(self.journal):
            pass
        self.programs = [
            *self._writers(2 if small else 6),
            *(self._projector(n) for n in range(2)),
            *(self._role(f"reader{n}", "read", str(self.told)) for n in range(1 if small else 3)),
            *(self._role(f"holder{n}", "hold") for n in range(1 if small else 2)),
        ]
        self.rebuild: subprocess.Popen[bytes] | None = None

    def _role(self, name: str, role: str, *arguments: str) -> Program:
        seed = str(self.rng.getrandbits(32))
        argv = [*_ROLES, role, str(self.journal), *arguments, seed]
        # of each sort the first lives through it all
        return Program(name, argv, self.folder, killable=not name.endswith("0"))

    def _writers(self, count: int) -> list[Program]:
        programs = []
        for n in range(count):
            name = "busy1" if n == 1 else f"writer{n}"
            program = self._role(name, "write", str(self.told / f"{name}.jsonl"), name)
            program.argv.append(_LEVELS[n % len(_LEVELS)])
            programs.append(program)
        return programs

    def _projector(self, number: int) -> Program:
        argv = [*self._project(), "run", "--standby"]
        return Program(f"projector{number}", argv, self.folder, killable=True)

    def _project(self) -> list[str]:
        """Return the command `projector` with a clock that is wrong."""
        return [*_ROLES, "project", str(self.journal)]

    def run(self, seconds: float) -> None:
        """Let them all work, kill some, and watch.

        Raises:
            Failed: one of them ended by itself.
        """
        for program in self.programs:
            program.start()
        self._wait_for_writers()
        began = time.monotonic()
        kill = rebuild = look = 0.0
        settled = False
        while (now := time.monotonic() - began) < seconds:
            time.sleep(0.05)
            self._watch_wal()
            for program in self.programs:
                program.check()
            if now >= seconds / 2 + _SETTLING and not settled:
                settled = True
                for program in self.programs:
                    program.samples = []  # who stood by may be the projector now
            if now >= look:
                look = now + 0.5
                for program in self.programs:
                    program.look()
            if now >= kill:
                kill = now + self.rng.uniform(0.2, 1.5)
                self._kill_one(calm=now > seconds / 2)
            if now >= rebuild:
                rebuild = now + self.rng.uniform(0.5, min(12.0, seconds / 4))
                self._rebuild()

    def _wait_for_writers(self) -> None:
        """Return when something was acknowledged: on a busy machine programs start slowly."""
        until = time.monotonic() + _PATIENCE
        while not any(path.stat().st_size for path in self.told.iterdir()):
            for program in self.programs:
                program.check()
            if time.monotonic() > until:
                raise Failed(f"nothing was appended within {_PATIENCE:.0f} s")
            time.sleep(0.05)

    def _kill_one(self, *, calm: bool) -> None:
        victims = [
            program
            for program in self.programs
            if program.killable and not (calm and program.name.startswith("projector"))
        ]
        if victims:
            victim = self.rng.choice(victims)
            victim.kill()
            self.kills[victim.name.rstrip("0123456789")] += 1

    def _rebuild(self) -> None:
        """Start a rebuild; one that is still at work is killed instead, or left alone."""
        if self.rebuild is not None and self.rebuild.poll() is None:
            if self.rng.choice([True, False]):
                self.rebuild.kill()
                self.rebuild.wait()
                self.kills["rebuild"] += 1
            return
        self._reap_rebuild()
        with (self.folder / "rebuild.err").open("ab") as stderr:
            argv = [*self._project(), "rebuild"]
            self.rebuild = subprocess.Popen(argv, stderr=stderr)

    def _reap_rebuild(self) -> None:
        if self.rebuild is not None:
            self.rebuilds[self.rebuild.wait(_PATIENCE)] += 1
            self.rebuild = None

    def _watch_wal(self) -> None:
        for path in (self.journal / "projection").glob("*.db-wal"):
            with contextlib.suppress(FileNotFoundError):
                self.wal = max(self.wal, path.stat().st_size)

    def stop(self) -> None:
        """End everybody, the projectors last.

        Raises:
            Failed: one of them did not end well.
        """
        self._reap_rebuild()
        for program in self.programs:
            program.check()
            allowed = {0, -signal.SIGTERM} if program.young else {0}
            if (code := program.end()) not in allowed:
                raise Failed(f"{program.name} ended with {code}: {program.said()[-2000:]}")

    def abandon(self) -> None:
        """Leave nobody behind, whatever happened."""
        for program in self.programs:
            if program.process is not None:
                program.process.kill()
                program.process.wait()
        if self.rebuild is not None:
            self.rebuild.kill()
            self.rebuild.wait()

    def judge(self) -> dict[str, object]:
        """Check what is left; return the counts.

        Raises:
            Failed: something is not as it should be.
        """
        self._judge_words()
        self._judge_growth()
        if self.wal >= _WAL_LIMIT:
            raise Failed(f"the WAL reached {self.wal:,} bytes")
        if unexpected := self.rebuilds.keys() - {0, 7, -signal.SIGKILL}:
            raise Failed(f"rebuilds ended with {unexpected}")
        report = verify(self.journal / "lanes")
        if wrong := [problem for problem in report.problems if problem.kind not in DEATH]:
            raise Failed(f"verify finds {wrong[:3]}")
        told = {
            (str(session), str(id))
            for path in self.told.iterdir()
            for session, id in map(orjson.loads, path.read_bytes().split(b"\n")[:-1])
        }
        stands = Counter(
            (at.record.event.session, at.record.event.id)
            for at in read_events(self.journal / "lanes", lambda *_: None)
        )
        shown = self._judge_projection()
        if missing := told - shown.keys():
            raise Failed(f"{len(missing)} acknowledged and lost, such as {min(missing)}")
        if shown.keys() != stands.keys():
            raise Failed("the projection differs from the lanes")
        if doubled := [key for key, count in shown.items() if count != 1]:
            raise Failed(f"{len(doubled)} doubled, such as {doubled[0]}")
        return {
            "acknowledged": len(told),
            "messages": len(shown),
            "records": stands.total(),
            "lanes": report.lanes,
            "segments": report.segments,
            "bytes": report.bytes,
            "torn": len(report.problems),
            "kills": dict(self.kills),
            "rebuilds": sum(self.rebuilds.values()),
            "greatest_wal": self.wal,
            **self._questions(),
        }

    def _questions(self) -> dict[str, object]:
        """Add up what the readers tell that came to their end: questions, and the slowest."""
        told = [
            line.split()
            for path in self.folder.glob("reader*.out")
            for line in path.read_text().splitlines()
        ]
        if not told:
            return {}
        slowest = max(float(seconds) for _, seconds in told)
        return {"questions": sum(int(n) for n, _ in told), "slowest_seconds": slowest}

    def _judge_words(self) -> None:
        """Check that nobody complained of a lock, or more than a warning."""
        for path in self.folder.glob("*.err"):
            said = path.read_text(errors="replace")
            if "locked" in said or "Traceback" in said:
                raise Failed(f"{path.stem} said: {said[-2000:]}")

    def _judge_growth(self) -> None:
        for program in self.programs:
            if program.age < _JUDGED:
                continue
            files, before, after = program.growth()
            print(
                f"  {program.name}: watched for {program.age:.0f} s, {files:+g} descriptors,"
                f" {before / 2**20:.0f} MiB, then {after / 2**20:.0f} MiB"
            )
            if files > _MORE_FILES:
                raise Failed(f"{program.name} has {files:g} descriptors more than in the beginning")
            if after > before * _MORE_MEMORY + _CACHES:
                raise Failed(f"{program.name} grew from {before:,.0f} to {after:,.0f} bytes")

    def _judge_projection(self) -> Counter[tuple[str, str]]:
        """Compare the projection with a rebuild; return how often each message stands in it."""
        with Projection.open(self.journal) as projection:
            before, status = projection.digest(), projection.status()
            argv = [str(_PROJECTOR), "--journal", str(self.journal), "rebuild"]
            subprocess.run(argv, check=True, stderr=subprocess.DEVNULL)
            if before != (after := projection.digest()):
                raise Failed(f"digest {before} became {after} by a rebuild")
            again = projection.status()
            for name in ("events", "messages", "sessions", "duplicates", "conflicts"):
                counts = getattr(status, name), getattr(again, name)
                if counts[0] != counts[1]:
                    raise Failed(f"{name}: {counts[0]} before the rebuild and {counts[1]} after")
            if status.conflicts:
                raise Failed(f"{status.conflicts} conflicts")
            return Counter(
                (view.session, message.id)
                for view in projection.sessions(limit=10**9)
                for message in projection.messages(view.session)
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, help=f"for how long [default: {_SECONDS:.0f}]")
    parser.add_argument("--seed", type=int, help="who is killed when")
    parser.add_argument("--sample", action="store_true", help=f"{_SAMPLE:.0f} s, fewer processes")
    given = parser.parse_args(arguments)
    seed = int.from_bytes(os.urandom(4)) if given.seed is None else given.seed
    seconds = given.seconds or (_SAMPLE if given.sample else _SECONDS)
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    soak = Soak(folder, seed, small=given.sample)
    try:
        soak.run(seconds)
        soak.stop()
        counts = soak.judge()
    except Exception as error:  # noqa: BLE001 - whatever it is, the soak failed by it
        print(f"FAILED soak --seed {seed}: {type(error).__name__}: {error}")
        print(f"  what is left is in {folder}", flush=True)
        return 1
    finally:
        soak.abandon()
    shutil.rmtree(folder)
    print(
        f"soak: seed {seed}, {seconds:.0f} s: " + ", ".join(f"{k}={v}" for k, v in counts.items())
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
