"""How long calls took, and for how much of it other processes had the processor."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Answer = TypeVar("Answer")

_ended: list[float] = []
"""The delays of threads that have ended, in ms: their files are gone."""


@dataclass(slots=True)
class Waits:
    """The longest of several calls, in milliseconds.

    Attributes:
        wall: of the longest.
        own: of the longest, without the time for which its threads were ready to run and others
            had the processor.
        calls: how many there were.
    """

    wall: float = 0.0
    own: float = 0.0
    calls: int = 0

    def add(self, wall: float, own: float) -> None:
        """Take another call into account."""
        self.wall = max(self.wall, wall)
        self.own = max(self.own, own)
        self.calls += 1

    async def timed(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Time a call, also if it raises; return its answer.

        Raises:
            Exception: what the call raises.
        """
        before, ended, began = _delays(), sum(_ended), perf_counter()
        try:
            return await call()
        finally:
            wall = (perf_counter() - began) * 1000
            # a thread that has ended is not among those that are there behind the call
            delay = sum(_ended) - ended
            delay += sum(ms - before.get(thread, 0.0) for thread, ms in _delays().items())
            self.add(wall, max(0.0, wall - delay))


def _delays() -> dict[int, float]:
    """Return for each thread the milliseconds for which it was ready while others ran.

    Stores of asynchronous frameworks work in threads, one after the other. A thread that is not
    known to `threading`, such as the one that syncs a journal, is left out: no call waits for it.
    """
    others = [each for each in threading.enumerate() if each is not threading.main_thread()]
    # a forked process has a main thread that is known by the id it had in its parent
    living = {os.getpid(), *(each.native_id for each in others)}
    return {id: _delay_of(id) for id in living if id is not None}


def note_ends() -> None:
    """Keep the delays of threads that end from now on: some stores start one for each call."""
    run = threading.Thread.run

    def noted(thread: threading.Thread) -> None:
        begun = _delay_of(threading.get_native_id())
        try:
            run(thread)
        finally:
            _ended.append(_delay_of(threading.get_native_id()) - begun)

    threading.Thread.run = noted  # type: ignore[method-assign, assignment]


def _delay_of(thread: int) -> float:
    path = Path(f"/proc/self/task/{thread}/schedstat")
    try:
        return int(path.read_text(encoding="ascii").split()[1]) / 1e6
    except (FileNotFoundError, ProcessLookupError):  # it has ended since it was listed
        return 0.0
