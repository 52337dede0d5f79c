"""The report of a program: what it appended, its promises and its waits, see `power.promises`."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import orjson

from journal.fs.disk import Disk

from .promises import Promise, Story, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

P = ParamSpec("P")
T = TypeVar("T")


class Report:
    """Records what a program appends, its promises, and its waits for the disk. Thread-safe."""

    def __init__(self) -> None:
        self._tried: dict[str, int] = {}
        self._promises: list[Promise] = []
        self._waits: list[Wait] = []

    def trying(self, ids: Iterable[str]) -> None:
        """Record that events are about to be appended."""
        now = time.monotonic_ns()
        self._tried.update(dict.fromkeys(ids, now))

    def promised(self, ids: Iterable[str], *, within: int = 0) -> None:
        """Record that a call which promises that events are durable has returned.

        Args:
            ids: the events.
            within: nanoseconds after which the promise holds.
        """
        self._promises.append(Promise(time.monotonic_ns(), within, tuple(ids)))

    def waited(self, began: int) -> None:
        """Record that a call of the disk, which began at `began` (nanoseconds), has returned."""
        self._waits.append(Wait(began, time.monotonic_ns()))

    def save(self, path: Path) -> None:
        """Write all records to a new file."""
        story = Story(self._tried, tuple(self._promises), tuple(self._waits))
        path.write_bytes(orjson.dumps(asdict(story)))


def load(path: Path) -> Story:
    """Read the records that a program saved."""
    story = orjson.loads(path.read_bytes())
    return Story(
        story["tried"],
        tuple(Promise(it["at"], it["within"], tuple(it["ids"])) for it in story["promises"]),
        tuple(Wait(**it) for it in story["waits"]),
    )


class WatchedDisk(Disk):
    """The disk of a program: records how long the program waited for it.

    Args:
        report: the report of these waits.
        lies: `fdatasync` or `fsync`: the call that does nothing; a power cut must show that.
    """

    __slots__ = ("_lies", "_report")

    def __init__(self, report: Report, lies: frozenset[str]) -> None:
        self._report = report
        self._lies = lies

    def make_folder(self, path: Path) -> None:
        """Make one folder."""
        self._timed(super().make_folder, path)

    def create(self, path: Path) -> int:
        """Create a file; on a slow disk this waits for the syncs of others."""
        return self._timed(super().create, path)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Append bytes; on a slow disk this waits too."""
        return self._timed(super().write, fd, data)

    def fdatasync(self, fd: int) -> None:
        """Make a file's bytes durable."""
        if "fdatasync" not in self._lies:
            self._timed(super().fdatasync, fd)

    def fsync(self, fd: int) -> None:
        """Make a file, or the entries of a folder, durable."""
        if "fsync" not in self._lies:
            self._timed(super().fsync, fd)

    def _timed(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        began = time.monotonic_ns()
        try:
            return call(*args, **kwargs)
        finally:
            self._report.waited(began)
