"""How long an append takes, apart from waits for a processor.

The time of an append has three parts. Its thread ran. It slept: in a lock, in a system call that
waited for the disk, or because another thread held the interpreter. Or it was ready to run and
waited for a processor: on a busy machine that takes any time, whatever the program does. The kernel
counts the last part for each thread. The first two are what the program makes a caller wait for,
unless the thread that held the lock or the interpreter waited for a processor in its turn: what the
other threads of the process waited for one meanwhile does not count either.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident, get_native_id
from typing import TYPE_CHECKING, Any

from journal.fs.disk import Disk

if TYPE_CHECKING:
    from collections.abc import Callable

_TASKS = Path("/proc/self/task")


def missing() -> str | None:
    """Return why waits cannot be measured here; None if they can."""
    try:
        (_TASKS / str(get_native_id()) / "schedstat").read_bytes()
    except OSError as error:
        return f"the kernel does not count waits for a processor: {error}"
    return None


@dataclass(frozen=True, slots=True)
class Wait:
    """How long an append took, in microseconds.

    Attributes:
        began: when it was called, by the monotonic clock.
        wall: until it returned.
        queued: how long its thread was ready to run and waited for a processor.
        others: how long other threads of the process did so meanwhile.
        slept: how long its thread neither ran nor was ready to run.
        call: the operation on the disk that took the longest; empty if there was none.
        in_call: how long that took, waits for a processor included.
    """

    began: int
    wall: int
    queued: int
    others: int
    slept: int
    call: str
    in_call: int

    @property
    def own(self) -> int:
        """How long its thread ran, and slept for no thread that waited for a processor."""
        return max(self.wall - self.queued - self.slept, self.wall - self.queued - self.others)


class Meter:
    """Measures calls of the thread that makes it. Put its `disk` into use.

    Attributes:
        disk: the disk, which notes the longest operation of this thread.
    """

    def __init__(self) -> None:
        self.disk = TimedDisk()
        self._thread = get_native_id()

    def measure(self, call: Callable[[], object]) -> Wait:
        """Make a call, and return how long it took."""
        self.disk.longest = "", 0
        began, ran, before = self._now()
        call()
        ended, ran_then, after = self._now()
        waited = {thread: total - before.get(thread, 0) for thread, total in after.items()}
        queued = waited.pop(self._thread)
        wall = ended - began
        slept = max(0, wall - (ran_then - ran) - queued)
        name, in_call = self.disk.longest
        began, wall, queued, others, slept, in_call = (
            each // 1000 for each in (began, wall, queued, sum(waited.values()), slept, in_call)
        )
        return Wait(began, wall, queued, others, slept, name, in_call)

    def _now(self) -> tuple[int, int, dict[int, int]]:
        """Return the time, how long this thread has run, and how long each thread has waited."""
        while True:
            before = _queued()
            now, ran = time.monotonic_ns(), time.thread_time_ns()
            after = _queued()
            # a wait between two of these looks would be taken for one in the call, or outside of it
            if before[self._thread] == after[self._thread]:
                return now, ran, after


def _queued() -> dict[int, int]:
    """Return how long each thread of this process has waited for a processor, in nanoseconds."""
    found = {}
    for name in os.listdir(_TASKS):
        with contextlib.suppress(OSError):  # the thread has ended
            found[int(name)] = int((_TASKS / name / "schedstat").read_bytes().split()[1])
    return found


class TimedDisk(Disk):
    """A disk that notes the longest operation of the thread that made it.

    Attributes:
        longest: its name and its nanoseconds.
    """

    __slots__ = ("_thread", "longest")

    def __init__(self) -> None:
        self._thread = get_ident()
        self.longest = "", 0

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - an attribute of any kind
        found = super().__getattribute__(name)
        if name.startswith("_") or name == "longest" or get_ident() != self._thread:
            return found

        def timed(*given: object) -> object:
            began = time.monotonic_ns()
            try:
                return found(*given)
            finally:
                self.longest = max(
                    self.longest, (name, time.monotonic_ns() - began), key=lambda each: each[1]
                )

        return timed
