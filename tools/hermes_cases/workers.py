"""The worker processes of a case, as the process that controls them sees them."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROOT = Path(__file__).parents[2]
_TAIL = 2_000


class CaseError(Exception):
    """A case could not be run. This is an error, not a verdict."""


def _paths() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


class Worker:
    """A worker process on one side."""

    def __init__(self, side: str, home: Path) -> None:
        self._err = tempfile.TemporaryFile()  # noqa: SIM115 - `__exit__` closes it
        environment = os.environ | {
            "HOME": str(home),
            "HERMES_HOME": str(home),
            "PYTHONPATH": os.pathsep.join([str(_ROOT), *_paths()]),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.hermes_cases.worker", side],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._err,
            text=True,
            env=environment,
        )

    def tell(self, act: str, **arguments: object) -> None:
        """Send a request without waiting for the answer."""
        assert self._process.stdin is not None  # noqa: S101 - `Popen` was called with a pipe
        print(
            json.dumps({"act": act, "arguments": arguments}, default=str),
            file=self._process.stdin,
            flush=True,
        )

    def answer(self, seconds: float = 600.0) -> Any:  # noqa: ANN401 - JSON
        """Return the answer to the oldest open request.

        Raises:
            CaseError: the process ended, or did not answer in time.
        """
        assert self._process.stdout is not None  # noqa: S101 - same
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                raise CaseError(f"a process did not answer within {seconds} s")
        line = self._process.stdout.readline()
        if not line:
            raise CaseError(f"a process ended with {self._process.wait()}:\n{self.complaint()}")
        return json.loads(line)

    def do(self, act: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Send a request; return the answer.

        Raises:
            CaseError: as `answer`.
        """
        self.tell(act, **arguments)
        return self.answer()

    def complaint(self) -> str:
        """Return the end of its standard error."""
        self._err.seek(0)
        return self._err.read().decode(errors="replace")[-_TAIL:]

    def stop(self) -> None:
        """Suspend the process wherever it is."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume the process."""
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._err.close()


class Crew(ExitStack):
    """Workers of one side, which end together."""

    def __init__(self, side: str, home: Path, count: int) -> None:
        super().__init__()
        home.mkdir(parents=True, exist_ok=True)
        self.workers = [self.enter_context(Worker(side, home)) for _ in range(count)]

    def __iter__(self) -> Iterator[Worker]:
        return iter(self.workers)

    def __getitem__(self, index: int) -> Worker:
        return self.workers[index]

    def together(
        self, act: str, each: Sequence[dict[str, Any]], *, ahead: float = 0.03, **arguments: object
    ) -> list[Any]:
        """Let all of them execute a request at the same time; return their answers."""
        at = time.monotonic() + ahead
        for worker, own in zip(self.workers, each, strict=True):
            worker.tell(act, at=at, **arguments, **own)
        return [worker.answer() for worker in self.workers]
