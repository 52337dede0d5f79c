"""The two clocks of events: `time` is for people, `order` decides which event comes first.

`time` is the wall clock of the writer, in microseconds since the Unix epoch, however wrong it may
be. `order` is a Lamport clock (Lamport, "Time, Clocks, and the Ordering of Events in a Distributed
System", CACM 1978) that starts from the wall clock: one more than the highest order that its
writer has read, or the wall clock where that is higher. It follows what was read without any
bound: a large counter costs nothing when it is no date. Both fit a double, so jq and JavaScript
read them exactly.
"""

from __future__ import annotations

import time
from threading import get_ident
from typing import TYPE_CHECKING

from journal.errors import ClockError

if TYPE_CHECKING:
    from pathlib import Path

MAX_TIME = 2**52
"""The latest time that a writer gives, microseconds: in the year 2112. Above it there is as much
room again for orders, so that they can still grow where a clock is set to this time."""

MAX_ORDER = 2**53 - 1
"""The highest order; readers quarantine a record with a higher one."""

AHEAD = 3_600_000_000
"""Microseconds by which clocks may differ: an event dated further ahead has a wrong date."""


def wall() -> int:
    """Return the time of the wall clock, in microseconds since 1970."""
    return time.time_ns() // 1000


class Clock:
    """The highest order of one journal that this process has read, and the next one.

    Attributes:
        read: the highest order that was read.

    Each journal has its own clock: a damaged order in one must not move the others to the end of
    the range. Each thread keeps what it has read by itself, since two that noted a value at the
    same time could lose the higher one.
    """

    __slots__ = ("_by_thread", "read")

    def __init__(self) -> None:
        self.read = 0
        self._by_thread: dict[int, int] = {}

    @property
    def is_at_end(self) -> bool:
        """Whether no order is higher than the one that was read."""
        return self.read >= MAX_ORDER

    def observe(self, order: int) -> None:
        """Record an order that was read: all events written from now on get a higher one."""
        thread = get_ident()
        if order <= self._by_thread.get(thread, 0):
            return
        self._by_thread[thread] = order
        # a thread that stores a lower value last reads all again, and finds the higher one
        while (highest := max(list(self._by_thread.values()))) > self.read:
            self.read = highest

    def tick(self, floor: int) -> tuple[int, int]:
        """Return the time now, and an order higher than `floor` and than all that was read.

        At the end of its range the order stays there; lane uuid and sequence number decide then.

        Raises:
            ClockError: the wall clock is set to a time that no event can have.
        """
        now = wall()
        if not 0 <= now <= MAX_TIME:
            raise ClockError(
                f"this machine's clock is at {now} microseconds since 1970, and an event's time"
                f" is from 0 to {MAX_TIME} (the year 2112): set the clock; nothing was written"
            )
        # an order that this thread has read counts, although another thread may be storing a lower
        # one
        own = self._by_thread.get(get_ident(), 0)
        if now > floor and now > self.read and now > own:
            return now, now
        return now, min(max(floor, self.read, own) + 1, MAX_ORDER)

    def reserve(self) -> tuple[int, int]:
        """Return the time now, and an order above all that this process has read.

        No event that it writes from now on gets a lower one, also if the wall clock is set back.

        Raises:
            ClockError: as `tick`.
        """
        now, order = self.tick(0)
        self.observe(order - 1)
        return now, order


_clocks: dict[str, Clock] = {}


def of(journal: Path) -> Clock:
    """Return the clock of the journal in a folder; its handles in this process share it."""
    return _clocks.setdefault(str(journal), Clock())
