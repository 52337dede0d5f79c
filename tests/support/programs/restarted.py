"""Programs that are killed and started again."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

from tests.support.programs.end import end


class Program:
    """A command that runs until it is killed, and is started again. Threads may share it."""

    def __init__(self, *command: object) -> None:
        self._command = [sys.executable, "-m", *map(str, command)]
        # two threads that kill it at once would start two, and end only one of them
        self._turn = threading.Lock()
        self._is_over = False
        self._process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def kill(self) -> None:
        """Kill it, and start it again, unless it was killed for good."""
        with self._turn:
            if not self._is_over:
                end(self._process)
                self._process = self._start()

    def pause(self, seconds: float) -> None:
        """Stop it for some time."""
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Kill it for good; again does nothing."""
        with self._turn:
            self._is_over = True
            end(self._process)
