"""One seat: starts its agent, kills it, restarts it, and keeps its acknowledgements."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, cast

from tools.demo.processes import ROOT, DemoError, start, tail
from tools.demo.script import AGENTS

if TYPE_CHECKING:
    from pathlib import Path

_AGENT = (sys.executable, "-m", "tools.demo.agent")
_AGAIN = 40
"""Acknowledged messages that a restarted agent flushes again, as if it had no memory of them."""
_DOWN = 0.4
"""Seconds between a death and the restart."""
_PATIENCE = 20.0
"""Seconds in which an agent must end when its part is over."""


class Seat(threading.Thread):
    """Runs one agent through all its restarts.

    Attributes:
        acknowledged: every id that was read from a pipe, once.
        flushed_again: ids that were read more than once.
        kills: how often the agent was killed with SIGKILL.
        restarts: how often it was started again.
        state: its state, in one word.
        error: the reason why it cannot continue.
    """

    def __init__(self, journal: Path, number: int, messages: int, rate: float) -> None:
        super().__init__(name=f"seat {number}", daemon=True)
        self.agent = AGENTS[number]
        self.messages = messages
        self.acknowledged: set[str] = set()
        self.flushed_again = 0
        self.kills = self.restarts = 0
        self.state = "starts"
        self.error: Exception | None = None
        self._journal, self._number, self._rate = journal, number, rate
        self._chance = random.Random(number)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()

    def run(self) -> None:
        """Run the agent through the planned kills, then to its end."""
        shares = [self._chance.uniform(0.15, 0.45), self._chance.uniform(0.55, 0.9)]
        deaths = shares[: 1 + self._number % 2]
        try:
            for share in deaths:
                self._live(max(1, int(share * self.messages)))
                self.state = "killed"
                self._ended.wait(_DOWN)
                self.restarts += 1
            self._live(None)
            self.state = "done"
        except (DemoError, OSError, subprocess.SubprocessError) as error:
            self.error = error

    def end(self) -> None:
        """Kill the agent and start no other one."""
        with self._lock:
            self._ended.set()
            if self._process is not None:
                self._process.kill()

    def _live(self, death: int | None) -> None:
        """Run the agent until `death` messages are acknowledged, or to its end."""
        with self._lock:
            if self._ended.is_set():
                return
            process = self._process = self._start()
        try:
            self._listen(process, death)
            process.wait(_PATIENCE)
        finally:
            process.kill()
            _, err = process.communicate()
        expected = 0 if death is None else -signal.SIGKILL
        if process.returncode != expected and not self._ended.is_set():
            raise DemoError(
                f"writer {self.agent.name} ended with {process.returncode}: {tail(err)}"
            )

    def _start(self) -> subprocess.Popen[bytes]:
        begin = max(0, len(self.acknowledged) - _AGAIN)
        numbers = (self._number, self.messages, begin, self._rate)
        argv = [*_AGENT, str(self._journal), *map(str, numbers)]
        return start(argv, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE)

    def _listen(self, process: subprocess.Popen[bytes], death: int | None) -> None:
        """Read acknowledgements until the pipe ends; kill the agent at the planned time."""
        out, rest = cast("IO[bytes]", process.stdout), b""
        while block := os.read(out.fileno(), 65536):
            # an id without its newline is not an acknowledgement: the agent died while it wrote
            *lines, rest = (rest + block).split(b"\n")
            before = len(self.acknowledged)
            self.acknowledged.update(line.decode() for line in lines)
            self.flushed_again += len(lines) - (len(self.acknowledged) - before)
            self.state = "talks" if len(self.acknowledged) > before else "repeats"
            if death is not None and len(self.acknowledged) >= death and not self._ended.is_set():
                # a moment later, so that it also dies during an append and not always after an
                # answer
                self._ended.wait(self._chance.uniform(0, 0.03))
                process.kill()
                self.kills += 1
                death = None
            if len(self.acknowledged) == self.messages and death is None:
                _dismiss(process)


def _dismiss(process: subprocess.Popen[bytes]) -> None:
    """Ask an agent to end."""
    if process.stdin is not None:
        process.stdin.close()
        process.stdin = None  # communicate() would flush it once more
