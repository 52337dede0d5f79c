"""Programs that a scenario starts, kills, restarts, watches and ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[3]
ROLES = (sys.executable, "-m", "tests.torture.soak.roles")
"""The command for a role; its first arguments are the role and the journal."""
PATIENCE = 120.0
"""Seconds in which a process must end after a request."""


class Failed(Exception):  # noqa: N818 - says what is wrong
    """A check of a scenario failed."""


@dataclass(slots=True)
class Sample:
    """One sample of a process: time, number of descriptors, and bytes of private memory."""

    at: float
    files: int
    memory: int


@dataclass(slots=True)
class Program:
    """A program that is restarted after each kill.

    Attributes:
        name: its name in messages and in the names of its files.
        argv: its command line; it starts in the root of the repository.
        folder: for its output, `NAME.out` and `NAME.err`.
        killable: whether it may be killed.
        is_standby: whether it may take over the work of another program at any time: only what it
            uses while it has a database open is sampled.
        samples: samples of the present process, since no other program can take over its work.
        opened: what its descriptors led to at the last sample.
    """

    name: str
    argv: list[str]
    folder: Path
    killable: bool
    is_standby: bool = False
    process: subprocess.Popen[bytes] | None = None
    samples: list[Sample] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Start it; append its output to that of its earlier runs."""
        self.samples = []
        out, err = self.folder / f"{self.name}.out", self.folder / f"{self.name}.err"
        with out.open("ab") as stdout, err.open("ab") as stderr:
            self.process = subprocess.Popen(self.argv, cwd=ROOT, stdout=stdout, stderr=stderr)

    @property
    def handles_sigterm(self) -> bool:
        """Whether it has installed its handler of SIGTERM: on a busy machine that takes a while."""
        if self.process is None:
            return False
        status = Path(f"/proc/{self.process.pid}/status").read_bytes()
        found = re.search(rb"SigCgt:\s+([0-9a-f]+)", status)
        return found is not None and bool(int(found[1], 16) >> (signal.SIGTERM - 1) & 1)

    def look(self) -> None:
        """Sample its descriptors and its memory; it may have ended."""
        if self.process is None:
            return
        proc = Path("/proc") / str(self.process.pid)
        with contextlib.suppress(OSError):
            found = re.search(rb"RssAnon:\s+(\d+) kB", (proc / "status").read_bytes())
            self.opened = _opened(proc / "fd")
            if self.is_standby and not any(".db" in file for file in self.opened):
                self.samples = []
            elif found:
                memory = int(found[1]) * 1024
                self.samples.append(Sample(time.monotonic(), len(self.opened), memory))

    def check(self) -> None:
        """Check that it still runs.

        Raises:
            Failed: it has ended.
        """
        if self.process is not None and (code := self.process.poll()) is not None:
            raise Failed(f"{self.name} ended by itself with {code}: {self.errors()[-2000:]}")

    def errors(self) -> str:
        """Return what all its runs wrote to stderr."""
        return (self.folder / f"{self.name}.err").read_text(errors="replace")

    def kill(self) -> None:
        """Kill it, and start it again."""
        self.end(signal.SIGKILL)
        self.start()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it with a signal; return its exit code.

        Raises:
            Failed: it did not end in time.
        """
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(number)
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f"{self.name} did not end within {PATIENCE:.0f} s") from None

    def stop(self) -> None:
        """End it with SIGTERM, as a user or systemd would.

        Raises:
            Failed: it had ended before, or did not exit with 0.
        """
        self.check()
        # before its handler is installed, SIGTERM kills the interpreter
        allowed = {0} if self.handles_sigterm else {0, -signal.SIGTERM}
        if (code := self.end()) not in allowed:
            raise Failed(f"{self.name} ended with {code}: {self.errors()[-2000:]}")

    def abandon(self) -> None:
        """Kill it if it still runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def growth(self) -> tuple[float, float, float]:
        """Compare the first third of the samples with the last: descriptors, bytes of memory."""
        looks = self.samples
        third = max(1, len(looks) // 3)
        first, last = looks[:third], looks[-third:]
        # minimum and maximum would be those of a moment, such as between two generations
        files, memory = (
            [median(getattr(look, name) for look in part) for part in (first, last)]
            for name in ("files", "memory")
        )
        return files[1] - files[0], memory[0], memory[1]

    @property
    def age(self) -> float:
        """Seconds between the first and the last sample that count."""
        return self.samples[-1].at - self.samples[0].at if self.samples else 0.0


def _opened(folder: Path) -> list[str]:
    """Return what the descriptors of a process lead to; those that are closed meanwhile are not."""
    opened = []
    for entry in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            opened.append(os.readlink(entry))  # noqa: PTH115 - Path would resolve "pipe:[1]"
    return sorted(opened)
