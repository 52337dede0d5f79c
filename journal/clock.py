"""The two clocks of events: `time` for people, `order` for what decides.

`time` is the wall clock of the writer, in microseconds since the Unix epoch, however wrong it may
be. `order` is a Lamport clock (Lamport, "Time, Clocks, and the Ordering of Events in a Distributed
System", CACM 1978) that starts from the wall clock: one more than the highest order that its
writer has read, or the wall clock where that is higher. It follows what was read without any
bound: a large counter costs nothing when it is no date. Both fit a double, so jq and JavaScript
read them exactly.
"""

from __future__ import annotations

import time

from journal.errors import ClockError

MAX_TIME = 2**52
"""The latest time that a writer gives, microseconds: in the year 2112. Behind it there is as much
room again for orders, so that a clock at its end leaves some to go on with."""

MAX_ORDER = 2**53 - 1
"""The highest order; a record with a higher one is set aside by readers."""

_read = 0


def wall() -> int:
    """Return the time on the wall, in microseconds since 1970."""
    return time.time_ns() // 1000


def tick(floor: int) -> tuple[int, int]:
    """Return the time now, and an order higher than `floor` and than all that was read.

    At the end of its range the order stays there; lane uuid and sequence number decide then.

    Raises:
        ClockError: the wall clock is set to a time that no event can have.
    """
    now = wall()
    if not 0 <= now <= MAX_TIME:
        raise ClockError(
            f"the clock of this machine says {now} microseconds since 1970, and an event's time"
            f" is from 0 to {MAX_TIME} (the year 2112): set the clock; nothing was written"
        )
    if now > floor and now > _read:
        return now, now
    return now, min(max(floor, _read) + 1, MAX_ORDER)


def observe(order: int) -> None:
    """Note an order that was read: all that this process writes from now on comes behind it."""
    global _read  # noqa: PLW0603 - one clock a process is what the algorithm asks for
    _read = max(_read, min(order, MAX_ORDER))
