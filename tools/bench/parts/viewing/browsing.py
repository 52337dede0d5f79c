"""Requests to a viewer in a process of its own, as a browser sends them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Self

from tools.bench.processes import BenchError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROJECTOR = (sys.executable, "-c", "from projector.cli import main; main()")
_TIMEOUT = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer.

    Attributes:
        status: of HTTP.
        text: its body.
        took: milliseconds from the request to the last byte.
    """

    status: int
    text: str
    took: float


@dataclass(frozen=True, slots=True)
class Viewer:
    """A viewer that runs.

    Attributes:
        pid: of its process.
        port: on loopback.
    """

    pid: int
    port: int

    def get(self, address: str) -> Answer:
        """Request a page.

        Raises:
            BenchError: it is no page.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT)
        try:
            connection.connect()
            began = perf_counter()
            connection.request("GET", address.partition("#")[0], headers={"Accept": "text/html"})
            answer = connection.getresponse()
            body = answer.read()
            took = (perf_counter() - began) * 1000
        finally:
            connection.close()
        if answer.status not in {200, 503}:
            raise BenchError(f"{address}: {answer.status}, {body[:200]!r}")
        return Answer(answer.status, body.decode(), took)

    def peak(self) -> float:
        """Return the most memory that the process has had (VmHWM), in MB."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        (line,) = (line for line in lines if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1000


@contextmanager
def viewing(journal: Path) -> Iterator[Viewer]:
    """Run a viewer; yield it when it answers.

    Raises:
        BenchError: it does not start.
    """
    process = subprocess.Popen(
        [*_PROJECTOR, "--journal", str(journal), "web", "--port", "0"],
        cwd=journal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    try:
        line = process.stdout.readline().decode() if process.stdout else ""
        if not line.startswith("http://"):
            process.kill()
            output = line.encode() + b"".join(filter(None, process.communicate()))
            raise BenchError(f"projector web did not start: {output.decode(errors='replace')}")
        yield Viewer(process.pid, int(line.rstrip("/\n").rpartition(":")[2]))
    finally:
        process.terminate()
        process.communicate()


class Stream:
    """The events of an open page."""

    def __init__(self, viewer: Viewer, address: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", viewer.port, timeout=_TIMEOUT)
        self._connection.request("GET", address)
        self._answer = self._connection.getresponse()

    def next_change(self) -> None:
        """Wait for the next event.

        Raises:
            BenchError: the stream has ended.
        """
        while line := self._answer.readline():
            if line.startswith(b"event:"):
                while self._answer.readline().strip():
                    pass
                return
        raise BenchError("the viewer has ended a stream of events")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
