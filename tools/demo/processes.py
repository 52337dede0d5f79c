"""The programs that the demonstration starts, and always ends."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
"""The folder in which `python -m tools.demo` can be started."""
_BIN = Path(sys.executable).parent
_PATIENCE = 20.0
"""Seconds in which a program must end after a request."""


class DemoError(Exception):
    """The demonstration cannot continue, or a check failed."""


def start(arguments: list[str], **kwargs: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401 - Popen's own
    """Start a program that does not get Ctrl-C: the demonstration itself ends it."""
    return subprocess.Popen(
        arguments, stdout=kwargs.pop("stdout", subprocess.PIPE), process_group=0, **kwargs
    )


def tail(stream: bytes) -> str:
    """Return the last line of a program's output, which says why it ended."""
    lines = stream.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it printed nothing"


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a command: exit code and output."""

    code: int
    out: bytes
    err: bytes


class Tools:
    """The two commands, run on the demonstration's journal and on no other."""

    def __init__(self, journal: Path) -> None:
        self.journal = journal

    def argv(self, program: str, *arguments: str) -> list[str]:
        """Return a command line for one of the two programs."""
        return [str(_BIN / program), "--journal", str(self.journal), *arguments]

    def shown(self, program: str, *arguments: str) -> str:
        """Return the same command line in a form that a person can type."""
        line = [short(_BIN / program), "--journal", short(self.journal), *arguments]
        return shlex.join(line)

    def run(self, program: str, *arguments: str, codes: tuple[int, ...] = (0,)) -> Answer:
        """Run a command to its end.

        Raises:
            DemoError: it ended with a code that is not in `codes`.
        """
        process = start(self.argv(program, *arguments), stderr=subprocess.PIPE)
        try:
            out, err = process.communicate()
        finally:
            process.kill()
            process.wait()
        if process.returncode not in codes:
            command = shlex.join(process.args if isinstance(process.args, list) else [])
            raise DemoError(f"{command} ended with {process.returncode}: {tail(err)}")
        return Answer(process.returncode, out, err)

    def json(self, program: str, *arguments: str, codes: tuple[int, ...] = (0,)) -> Any:  # noqa: ANN401 - any JSON
        """Run a command with --json and return its output."""
        return json.loads(self.run(program, *arguments, "--json", codes=codes).out)


def short(path: Path) -> str:
    """Return a path as a person would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


class ProjectorProcess:
    """`projector run` beside the writers.

    Attributes:
        kills: the number of kills.
    """

    def __init__(self, tools: Tools) -> None:
        self._argv = tools.argv("projector", "run")
        self._process: subprocess.Popen[bytes] | None = None
        self._again_at = 0.0
        self.kills = 0
        self._start()

    def _start(self) -> None:
        self._process = start(
            self._argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    @property
    def running(self) -> bool:
        """Whether it is running."""
        return self._process is not None

    def kill(self, pause: float) -> None:
        """Kill it with SIGKILL; `look` starts it again after `pause` seconds."""
        self.kills += self._process is not None
        self.end()
        self._again_at = time.monotonic() + pause

    def look(self) -> None:
        """Restart it if it is time.

        Raises:
            DemoError: it ended by itself.
        """
        if self._process is None:
            if time.monotonic() >= self._again_at:
                self._start()
        elif self._process.poll() is not None:
            _, err = self._process.communicate()
            raise DemoError(f"projector run ended with {self._process.returncode}: {tail(err)}")

    def stop(self) -> None:
        """Ask it to stop, as a user or systemd does.

        Raises:
            DemoError: it did not end, or not with 0.
        """
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            _, err = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"projector run did not stop within {_PATIENCE:.0f} s") from error
        self._process = None
        if process.returncode:
            raise DemoError(f"projector run ended with {process.returncode}: {tail(err)}")

    def end(self) -> None:
        """Kill all remaining processes."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()
