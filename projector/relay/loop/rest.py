"""An event loop that rests in a busy fleet, so that it handles together what arrives meanwhile.

A relay in a fleet of many machines that all write wakes for each chunk of each of them. Most of
what this takes is the waking, not the chunk: with a rest, one waking serves many chunks, and the
appends of this machine become fewer and larger chunks, too.
"""

from __future__ import annotations

import asyncio
import selectors
import time

_QUIET = 100.0
"""Messages a second up to which there is no rest: one append is found as soon as it can be."""
_SHARE = 0.001
"""Seconds of rest for each message a second above that."""
_LONGEST = 0.1
"""Seconds of a rest, at most."""
_BACKLOG = 64
"""Messages behind one that arrives, above which the relay catches up, and does not rest."""
_MEASURED = 0.1
"""Seconds over which messages are counted, at least."""


class Rest:
    """How long the loop rests, by how many messages arrived in the last second."""

    def __init__(self) -> None:
        self._count = 0
        self._since = time.monotonic()
        self._rate = 0.0

    def note(self, behind: int) -> None:
        """Count a message that has arrived.

        Args:
            behind: how many more there were when the carrier delivered it.
        """
        self._count = 0 if behind > _BACKLOG else self._count + 1

    def seconds(self) -> float:
        """Return how long to rest before a wait; 0 while few messages arrive."""
        now = time.monotonic()
        past = now - self._since
        if past >= _MEASURED:
            self._rate += (self._count / past - self._rate) * min(1.0, past)
            self._count, self._since = 0, now
        return min(_LONGEST, max(0.0, self._rate - _QUIET) * _SHARE)


class _Selector(selectors.DefaultSelector):
    """Rests in front of a wait for the next event; what is ready is handled without a rest."""

    def __init__(self, rest: Rest) -> None:
        super().__init__()
        self._rest = rest

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if rest := self._rest.seconds():
            time.sleep(rest)  # timers wait for its end, too: none here is that exact
        return super().select(timeout)


def loop_that_rests(rest: Rest) -> asyncio.AbstractEventLoop:
    """Make an event loop that rests."""
    return asyncio.SelectorEventLoop(_Selector(rest))
