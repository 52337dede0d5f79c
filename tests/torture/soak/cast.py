"""The programs of a scenario, with rebuilds beside them, killed at random and watched."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING

import orjson

from projector.run.open_segments import MOST_OPEN
from tests.torture.soak.programs import PATIENCE, ROOT, Failed, Program

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

_WAL_LIMIT = 64 * 1024 * 1024
_JUDGED = 20.0
"""Seconds that a process must have run for its thirds to be compared."""
_SETTLING = 3.0
"""Seconds in which a standby projector has taken over."""
_MORE_FILES = 8 + MOST_OPEN
"""The segments that a handle keeps open, and the files of a reader that applies events by itself:
database, WAL and index of a second connection, locks, and what one sample finds in passing."""
_MORE_MEMORY = 1.3
_REBUILD_CODES = {0, 7, -signal.SIGKILL}
"""Exit codes of a rebuild: done, refused because another process builds, or killed."""


class Cast:
    """The programs of a scenario, and what was observed of them.

    Args:
        folder: where the journal and the files of the programs are.
        rng: chooses which program is killed, and when.
        project: the command `projector` for the journal, without what it is to do.
        caches: bytes by which memory may grow: page caches fill while the database grows.

    Attributes:
        acknowledged: the folder of the files in which writers record what was acknowledged.
        programs: the programs; a scenario adds its own before it runs them.
        kills: how often a program of each name was killed.
    """

    def __init__(
        self,
        folder: Path,
        rng: random.Random,
        project: list[str],
        caches: int = 32 * 1024 * 1024,
    ) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.acknowledged = folder / "acknowledged"
        self.acknowledged.mkdir()
        self.programs: list[Program] = []
        self.kills: Counter[str] = Counter()
        self._rng = rng
        self._project = project
        self._caches = caches
        self._rebuilds: Counter[int] = Counter()
        self._rebuild: subprocess.Popen[bytes] | None = None
        self._wal = 0

    def add_projectors(self) -> None:
        """Add a projector and one on standby."""
        for number in range(2):
            argv = [*self._project, "run", "--standby"]
            name = f"projector{number}"
            self.programs.append(Program(name, argv, self.folder, killable=True, is_standby=True))

    def run(self, seconds: float, work: Sequence[Path]) -> None:
        """Start all programs, kill some, and watch them.

        Args:
            seconds: how long, from when they work.
            work: the files in which programs record that they do.

        Raises:
            Failed: a program ended by itself.
        """
        for program in self.programs:
            program.start()
        self._wait_for(work)
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
                kill = now + self._rng.uniform(0.2, 1.5)
                self._kill_one(is_calm=now > seconds / 2)
            if now >= rebuild:
                rebuild = now + self._rng.uniform(0.5, min(12.0, seconds / 4))
                self._start_or_kill_rebuild()

    def _wait_for(self, work: Sequence[Path]) -> None:
        """Wait until each file has something: on a busy machine programs start slowly."""
        until = time.monotonic() + PATIENCE
        while not all(path.exists() and path.stat().st_size for path in work):
            for program in self.programs:
                program.check()
            if time.monotonic() > until:
                raise Failed(f"not all programs work after {PATIENCE:.0f} s")
            time.sleep(0.05)

    def _kill_one(self, *, is_calm: bool) -> None:
        victims = [
            program
            for program in self.programs
            if program.killable and not (is_calm and program.name.startswith("projector"))
        ]
        if victims:
            victim = self._rng.choice(victims)
            victim.kill()
            self.kills[victim.name.rstrip("0123456789")] += 1

    def _start_or_kill_rebuild(self) -> None:
        """Start a rebuild; if one is still running, kill it or do nothing."""
        if self._rebuild is not None and self._rebuild.poll() is None:
            if self._rng.choice([True, False]):
                self._rebuild.kill()
                self._rebuild.wait()
                self.kills["rebuild"] += 1
            return
        self._reap_rebuild()
        with (self.folder / "rebuild.err").open("ab") as stderr:
            argv = [*self._project, "rebuild"]
            self._rebuild = subprocess.Popen(argv, cwd=ROOT, stderr=stderr)

    def _reap_rebuild(self) -> None:
        if self._rebuild is not None:
            self._rebuilds[self._rebuild.wait(PATIENCE)] += 1
            self._rebuild = None

    def _watch_wal(self) -> None:
        for path in (self.journal / "projection").glob("*.db-wal"):
            with contextlib.suppress(FileNotFoundError):
                self._wal = max(self._wal, path.stat().st_size)

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
        if self._rebuild is not None:
            self._rebuild.kill()
            self._rebuild.wait()

    def judge(self) -> dict[str, object]:
        """Check what the programs wrote and used; return the counts.

        Raises:
            Failed: a check failed.
        """
        self._judge_messages()
        self._judge_growth()
        if self._wal >= _WAL_LIMIT:
            raise Failed(f"the WAL reached {self._wal:,} bytes")
        if unexpected := self._rebuilds.keys() - _REBUILD_CODES:
            raise Failed(f"rebuilds ended with {unexpected}")
        return {
            "kills": dict(self.kills),
            "rebuilds": sum(self._rebuilds.values()),
            "greatest_wal": self._wal,
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
            if after > before * _MORE_MEMORY + self._caches:
                raise Failed(f"{program.name} grew from {before:,.0f} to {after:,.0f} bytes")


def read_lines(path: Path) -> Iterator[Any]:
    """Yield the JSON of each complete line: a kill leaves a partial one, which says nothing."""
    return map(orjson.loads, path.read_bytes().split(b"\n")[:-1])


def play(
    cast: Cast, seconds: float, work: Sequence[Path], judge: Callable[[], dict[str, object]]
) -> dict[str, object]:
    """Run the programs for some seconds, end them, and return what `judge` counts.

    Args:
        cast: the programs.
        seconds: how long they run, from when they work.
        work: the files in which programs record that they do.
        judge: checks what they leave.

    Raises:
        Failed: a check failed.
    """
    try:
        cast.run(seconds, work)
        cast.stop()
        return judge()
    finally:
        cast.abandon()
