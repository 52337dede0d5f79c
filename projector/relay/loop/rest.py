"""An event loop that rests in a busy fleet, so that it handles together what arrives meanwhile.

A relay in a fleet of many machines that all write wakes for each chunk of each of them. Most of
what this takes is the waking, not the chunk: with a rest, one waking serves many chunks, and the
appends of this machine become fewer and larger chunks, too.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

_QUIET = 100.0
"""Messages a second up to which there is no rest: one append is found as soon as it can be."""
_SHARE = 0.002
"""Seconds of rest for each message a second above that."""
_LONGEST = 0.1
"""Seconds of a rest, at most."""
_BACKLOG = 64
"""Messages behind one that arrives, above which the relay catches up, and does not rest."""
_AWAKE = 0.2
"""Seconds without a rest after a request of another machine, which may send the next one."""
_MEASURED = 0.1
"""Seconds over which messages are counted, at least."""


class Rest:
    """How long the loop rests, by how many messages arrived in the last second."""

    def __init__(self) -> None:
        self._count = 0
        self._since = time.monotonic()
        self._rate = 0.0
        self._working = 0
        self._awake_until = 0.0

    def note(self, behind: int) -> None:
        """Count a message that has arrived.

        Args:
            behind: how many more there were when the carrier delivered it.
        """
        self._count = 0 if behind > _BACKLOG else self._count + 1

    @contextmanager
    def working(self) -> Iterator[None]:
        """Do not rest meanwhile: a backlog waits for an answer to each of its requests."""
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1

    def serving(self, serve: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
        """Return a function that serves another machine, and keeps the loop awake for the next."""

        def awake(*asked: Asked.args, **named: Asked.kwargs) -> Answer:
            self._awake_until = time.monotonic() + _AWAKE
            return serve(*asked, **named)

        return awake

    def seconds(self) -> float:
        """Return how long to rest before a wait; 0 while few messages arrive."""
        now = time.monotonic()
        past = now - self._since
        if past >= _MEASURED:
            self._rate += (self._count / past - self._rate) * min(1.0, past)
            self._count, self._since = 0, now
        if self._working or now < self._awake_until:
            return 0.0
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
        rest = self._rest.seconds()
        if rest == 0:
            return super().select(timeout)
        time.sleep(rest)  # a timer may be late by as much: none here is that exact
        return super().select(None if timeout is None else max(0.0, timeout - rest))


def loop_that_rests(rest: Rest) -> asyncio.AbstractEventLoop:
    """Make an event loop that rests."""
    return asyncio.SelectorEventLoop(_Selector(rest))
