"""Writers, projectors, readers and rebuilds together, killed at random."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING

import orjson

from journal import Journal
from journal.verify.checks import DEATH
from projector.run.open_segments import MOST_OPEN
from tests.torture.soak.judging import Key, Remains, check_all_there, judge
from tests.torture.soak.programs import PATIENCE, ROLES, ROOT, Failed, Program

if TYPE_CHECKING:
    from pathlib import Path

_LEVELS = ("never", "interval", "always")
_WAL_LIMIT = 64 * 1024 * 1024
_JUDGED = 20.0
"""Seconds that a process must have run for its thirds to be compared."""
_SETTLING = 3.0
"""Seconds in which a standby projector has taken over."""
_MORE_FILES = 8 + MOST_OPEN
"""The segments that a handle keeps open, and the files of a reader that applies events by itself:
database, WAL and index of a second connection, locks, and what one sample finds in passing."""
_MORE_MEMORY = 1.3
_CACHES = 32 * 1024 * 1024
"""Bytes by which memory may grow: page caches fill while the database grows."""
_REBUILD_CODES = {0, 7, -signal.SIGKILL}
"""Exit codes of a rebuild: done, refused because another process builds, or killed."""


class Everything:
    """The scenario: its programs, and what it observed.

    Args:
        folder: for the journal and the files of the programs.
        seed: chooses which program is killed, and when.
        small: whether fewer programs run, as in a sample.
    """

    def __init__(self, folder: Path, seed: int, *, small: bool) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.acknowledged = folder / "acknowledged"
        self.acknowledged.mkdir()
        self.rng = random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.rebuilds: Counter[int] = Counter()
        self.wal = 0
        with Journal.open(self.journal):
            pass
        files = str(self.acknowledged)
        self.programs = [
            *self._writers(2 if small else 6),
            *(self._projector(n) for n in range(2)),
            *(self._role(f"reader{n}", "read", files) for n in range(1 if small else 3)),
            *(self._role(f"holder{n}", "hold") for n in range(1 if small else 2)),
        ]
        self.rebuild: subprocess.Popen[bytes] | None = None

    def _role(self, name: str, role: str, *arguments: str) -> Program:
        seed = str(self.rng.getrandbits(32))
        argv = [*ROLES, role, str(self.journal), *arguments, seed]
        # the first program of each kind is never killed
        return Program(name, argv, self.folder, killable=not name.endswith("0"))

    def _writers(self, count: int) -> list[Program]:
        programs = []
        for n in range(count):
            name = "busy1" if n == 1 else f"writer{n}"
            program = self._role(name, "write", str(self.acknowledged / f"{name}.jsonl"), name)
            program.argv.append(_LEVELS[n % len(_LEVELS)])
            programs.append(program)
        return programs

    def _projector(self, number: int) -> Program:
        argv = [*self._project(), "run", "--standby"]
        return Program(f"projector{number}", argv, self.folder, killable=True)

    def _project(self) -> list[str]:
        """Return the command `projector` with a wrong clock."""
        return [*ROLES, "project", str(self.journal)]

    def run(self, seconds: float) -> None:
        """Start all programs, kill some, and watch them.

        Raises:
            Failed: a program ended by itself.
        """
        for program in self.programs:
            program.start()
        self._wait_for_writers()
        began = time.monotonic()
        kill = rebuild = look = 0.0
        is_settled = False
        while (now := time.monotonic() - began) < seconds:
            time.sleep(0.05)
            self._watch_wal()
            for program in self.programs:
                program.check()
            if now >= seconds / 2 + _SETTLING and not is_settled:
                is_settled = True
                for program in self.programs:
                    program.samples = []  # a standby may be the projector now
            if now >= look:
                look = now + 0.5
                for program in self.programs:
                    program.look()
            if now >= kill:
                kill = now + self.rng.uniform(0.2, 1.5)
                self._kill_one(is_calm=now > seconds / 2)
            if now >= rebuild:
                rebuild = now + self.rng.uniform(0.5, min(12.0, seconds / 4))
                self._rebuild()

    def _wait_for_writers(self) -> None:
        """Wait until an event was acknowledged: on a busy machine programs start slowly."""
        until = time.monotonic() + PATIENCE
        while not any(path.stat().st_size for path in self.acknowledged.iterdir()):
            for program in self.programs:
                program.check()
            if time.monotonic() > until:
                raise Failed(f"nothing was appended within {PATIENCE:.0f} s")
            time.sleep(0.05)

    def _kill_one(self, *, is_calm: bool) -> None:
        victims = [
            program
            for program in self.programs
            if program.killable and not (is_calm and program.name.startswith("projector"))
        ]
        if victims:
            victim = self.rng.choice(victims)
            victim.kill()
            self.kills[victim.name.rstrip("0123456789")] += 1

    def _rebuild(self) -> None:
        """Start a rebuild; if one is still running, kill it or do nothing."""
        if self.rebuild is not None and self.rebuild.poll() is None:
            if self.rng.choice([True, False]):
                self.rebuild.kill()
                self.rebuild.wait()
                self.kills["rebuild"] += 1
            return
        self._reap_rebuild()
        with (self.folder / "rebuild.err").open("ab") as stderr:
            argv = [*self._project(), "rebuild"]
            self.rebuild = subprocess.Popen(argv, cwd=ROOT, stderr=stderr)

    def _reap_rebuild(self) -> None:
        if self.rebuild is not None:
            self.rebuilds[self.rebuild.wait(PATIENCE)] += 1
            self.rebuild = None

    def _watch_wal(self) -> None:
        for path in (self.journal / "projection").glob("*.db-wal"):
            with contextlib.suppress(FileNotFoundError):
                self.wal = max(self.wal, path.stat().st_size)

    def stop(self) -> None:
        """End all programs.

        Raises:
            Failed: a program did not exit with 0.
        """
        self._reap_rebuild()
        for program in self.programs:
            program.stop()

    def abandon(self) -> None:
        """Kill all remaining processes."""
        for program in self.programs:
            program.abandon()
        if self.rebuild is not None:
            self.rebuild.kill()
            self.rebuild.wait()

    def judge(self) -> dict[str, object]:
        """Check the journal; return the counts.

        Raises:
            Failed: a check failed.
        """
        self._judge_messages()
        self._judge_growth()
        if self.wal >= _WAL_LIMIT:
            raise Failed(f"the WAL reached {self.wal:,} bytes")
        if unexpected := self.rebuilds.keys() - _REBUILD_CODES:
            raise Failed(f"rebuilds ended with {unexpected}")
        acknowledged = self._acknowledged()
        remains = judge(self.journal, DEATH)
        check_all_there(acknowledged, remains)
        return self._counts(len(acknowledged), remains)

    def _acknowledged(self) -> set[Key]:
        """Return the keys with a complete line: a partial line is not an acknowledgement."""
        return {
            (str(session), str(id))
            for path in self.acknowledged.iterdir()
            for session, id in map(orjson.loads, path.read_bytes().split(b"\n")[:-1])
        }

    def _counts(self, acknowledged: int, remains: Remains) -> dict[str, object]:
        return {
            "acknowledged": acknowledged,
            "messages": len(remains.keys),
            "records": remains.records,
            "lanes": remains.lanes,
            "segments": remains.segments,
            "bytes": remains.bytes,
            "torn": remains.problems,
            "kills": dict(self.kills),
            "rebuilds": sum(self.rebuilds.values()),
            "greatest_wal": self.wal,
            **self._queries(),
        }

    def _queries(self) -> dict[str, object]:
        """Sum up the output of the readers that ended: number of queries, and the slowest."""
        printed = [
            line.split()
            for path in self.folder.glob("reader*.out")
            for line in path.read_text().splitlines()
        ]
        if not printed:
            return {}
        slowest = max(float(seconds) for _, seconds in printed)
        return {"queries": sum(int(n) for n, _ in printed), "slowest_seconds": slowest}

    def _judge_messages(self) -> None:
        """Check that no program printed an error about a lock, or a traceback."""
        for path in self.folder.glob("*.err"):
            errors = path.read_text(errors="replace")
            if "locked" in errors or "Traceback" in errors:
                raise Failed(f"{path.stem} wrote: {errors[-2000:]}")

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
                raise Failed(
                    f"{program.name} has {files:g} descriptors more than in the beginning; last:\n"
                    + "\n".join(program.opened)
                )
            if after > before * _MORE_MEMORY + _CACHES:
                raise Failed(f"{program.name} grew from {before:,.0f} to {after:,.0f} bytes")


def everything(folder: Path, seed: int, seconds: float, *, small: bool) -> dict[str, object]:
    """Run the scenario; return its counts.

    Raises:
        Failed: a check failed.
    """
    scenario = Everything(folder, seed, small=small)
    try:
        scenario.run(seconds)
        scenario.stop()
        return scenario.judge()
    finally:
        scenario.abandon()
