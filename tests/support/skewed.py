"""Wall clocks that are wrong by hours or years, differently in each process, and that change.

In a process with a skewed clock only `time.time_ns` and `time.time` differ, as on another machine
that shares the folder. Clocks that count from the boot are not changed.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar, cast
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from journal.process.clock import Clock

T = TypeVar("T")
_SECOND = 10**9
_HOUR = 3600 * _SECOND
_YEAR = 8766 * _HOUR
OFFSETS = (
    *(0, _SECOND // 50, _SECOND, 300 * _SECOND),
    *(3 * _HOUR, 13 * _HOUR, 960 * _HOUR),
    *(3 * _YEAR, 12 * _YEAR, 50 * _YEAR),
)
"""Nanoseconds by which a clock is wrong, ahead or behind."""
FIRST = _YEAR
LAST = 130 * _YEAR
"""Nanoseconds since 1970 at which a clock stops: events can have this date, and it is the last."""
_SET = 0.02
"""Probability that the clock is set to another time when it is read."""


def offset(random: Random) -> int:
    """Return a random number of nanoseconds by which a clock is wrong."""
    return random.choice(OFFSETS) * random.choice([-1, 1])


_TICKS = (0, 1_000, 20_000, 500_000, 5_000_000, 30_000_000)
"""Nanoseconds that pass between two looks at `Ticking`: none to more than a small error above."""


class Ticking:
    """A right clock that advances with each look at it, so that a run can be repeated exactly.

    With the machine's clock, what a run does depends on the load of the machine.

    Args:
        random: decides how much time passes.
        start: its first time, in nanoseconds since 1970.
    """

    def __init__(self, random: Random, start: int) -> None:
        self._random = random
        self._now = start

    def __call__(self) -> int:
        """Return the time, in nanoseconds since 1970."""
        self._now += self._random.choice(_TICKS)
        return self._now


class SkewedClock:
    """A wall clock that is wrong, and sometimes changes to another wrong time.

    Args:
        random: chooses by how much it is wrong, and when that changes.
        right: the clock that is right, in nanoseconds since 1970.
    """

    def __init__(self, random: Random, right: Callable[[], int]) -> None:
        self._random = random
        self._right = right
        self._offset = offset(random)

    def __call__(self) -> int:
        """Return the time of this clock, in nanoseconds since 1970."""
        if self._random.random() < _SET:
            self._offset = offset(self._random)
        return min(max(self._right() + self._offset, FIRST), LAST)


@contextmanager
def skewed(random: Random) -> Iterator[None]:
    """Replace the wall clock of this process by a wrong one."""
    clock = SkewedClock(random, time.time_ns)
    with (
        patch("time.time_ns", clock),
        patch("time.time", lambda: clock() / _SECOND),
    ):
        yield


class _Elsewhere:
    """A handle in another process; see `elsewhere`."""

    def __init__(self, make: Callable[[], object], clock: Callable[[], int]) -> None:
        self._clock = clock
        self._clocks: dict[str, Clock] = {}
        with self._there():
            self._handle = make()

    @contextmanager
    def _there(self) -> Iterator[None]:
        """Use the other process's clock, and the highest order that it has read."""
        with (
            patch("time.time_ns", self._clock),
            patch("journal.process.clock._clocks", self._clocks),
        ):
            yield

    def __getattr__(self, name: str) -> object:
        found = getattr(self._handle, name)
        if not callable(found):
            return found

        def call(*given: object, **named: object) -> object:
            with self._there():
                return found(*given, **named)

        return call


def elsewhere(make: Callable[[], T], clock: Callable[[], int]) -> T:
    """Return a handle that runs every method as in another process.

    It has its own wall clock (nanoseconds since 1970), and knows only the orders that it read
    itself.
    """
    return cast("T", _Elsewhere(make, clock))
