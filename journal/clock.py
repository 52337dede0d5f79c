"""The hybrid logical clock that orders events.

Microseconds since the Unix epoch: the wall clock, but never backwards in a lane, and never
behind what this process has read (Kulkarni et al., "Logical Physical Clocks", OPODIS 2014,
with the logical part folded into the microseconds). A value fits a double until the year 2255,
so jq and JavaScript read it exactly.
"""

from __future__ import annotations

import time

_LEAP = 3_600_000_000
"""Microseconds that the clock lets itself be pushed ahead of the wall clock."""

_seen = 0


def wall() -> int:
    """Return the time on the wall, in microseconds since 1970."""
    return time.time_ns() // 1000


def tick(floor: int) -> int:
    """Return a time later than `floor` and than everything observed, in microseconds."""
    now = wall()
    return now if now > floor and now > _seen else max(floor, _seen) + 1


def observe(moment: int) -> None:
    """Push the clock past a time that was read from the journal, in microseconds.

    A time more than an hour ahead is not followed: one machine with a broken clock would drag
    every later event of every reader along.
    """
    global _seen  # noqa: PLW0603 - one clock a process is what the algorithm asks for
    if _seen < moment < wall() + _LEAP:
        _seen = moment
