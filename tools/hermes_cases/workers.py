"""The processes of a case, from the side of who tells them what to do."""

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

_SCRIPT = Path(__file__).parents[1] / "hermes_cases.py"
_TAIL = 2_000


class CaseError(Exception):
    """A case could not be tried. It is an error, never a verdict."""


class Worker:
    """A process that plays a part on one side."""

    def __init__(self, side: str, home: Path) -> None:
        self._err = tempfile.TemporaryFile()  # noqa: SIM115 - `__exit__` closes it
        environment = os.environ | {"HOME": str(home), "HERMES_HOME": str(home)}
        self._process = subprocess.Popen(
            [sys.executable, str(_SCRIPT), "worker", side],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._err,
            text=True,
            env=environment,
        )

    def tell(self, act: str, **arguments: object) -> None:
        """Tell it to do something, and do not wait."""
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        print(
            json.dumps({"act": act, "arguments": arguments}, default=str),
            file=self._process.stdin,
            flush=True,
        )

    def answer(self, seconds: float = 600.0) -> Any:  # noqa: ANN401 - JSON
        """Return what it says of what it did.

        Raises:
            CaseError: it ended instead, or says nothing.
        """
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                raise CaseError(f"a process said nothing for {seconds} s")
        line = self._process.stdout.readline()
        if not line:
            raise CaseError(f"a process ended with {self._process.wait()}:\n{self.complaint()}")
        return json.loads(line)

    def do(self, act: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Tell it to do something; return what it says.

        Raises:
            CaseError: as `answer`.
        """
        self.tell(act, **arguments)
        return self.answer()

    def complaint(self) -> str:
        """Return the end of what it wrote to standard error."""
        self._err.seek(0)
        return self._err.read().decode(errors="replace")[-_TAIL:]

    def stop(self) -> None:
        """Have it stand still, wherever it is."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._err.close()


class Crew(ExitStack):
    """Some workers of one side, which end together."""

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
        """Have them all do a thing at one instant; return what each says."""
        at = time.monotonic() + ahead
        for worker, own in zip(self.workers, each, strict=True):
            worker.tell(act, at=at, **arguments, **own)
        return [worker.answer() for worker in self.workers]
