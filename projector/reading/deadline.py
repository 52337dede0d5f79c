"""The end of a time limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from projector.errors import QueryTimeout

if TYPE_CHECKING:
    from collections.abc import Callable

REFRESHING = "bringing the projection up to date (what was done of it is kept)"
"""What takes too long where new events cannot be applied in time."""
HIDING = "hiding what is requested to be forgotten (what was done of it is kept)"
"""What takes too long where no generation that hides it is in use in time."""


class Deadline:
    """The moment at which a time limit of some seconds ends; None means no limit."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._end = float("inf") if timeout is None else time.monotonic() + timeout

    def is_over(self) -> bool:
        """Return whether the limit has passed."""
        return time.monotonic() >= self._end

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit."""
        return self._timeout is not None

    def left(self) -> float | None:
        """Return the seconds that are left, at least a moment; None if there is no limit."""
        return None if self._timeout is None else max(0.001, self._end - time.monotonic())

    def before(self, part: float) -> Deadline:
        """Return a deadline that is earlier by a part of the limit, at most by a second."""
        earlier = Deadline(self._timeout)
        earlier._end = self._end - self._part(part)
        return earlier

    def behind(self, seconds: float) -> Deadline:
        """Return a deadline that is later by so many seconds."""
        later = Deadline(self._timeout)
        later._end = self._end + seconds
        return later

    def extend(self, part: float) -> None:
        """Move the deadline so that at least a part of the limit is left, at most a second."""
        self._end = max(self._end, time.monotonic() + self._part(part))

    def _part(self, part: float) -> float:
        return 0.0 if self._timeout is None else min(1.0, part * self._timeout)

    def check(self) -> None:
        """Raise QueryTimeout if the limit has passed."""
        if self.is_over():
            raise self.error(REFRESHING)

    def error(self, what: str) -> QueryTimeout:
        """Return the error that names what took too long."""
        return QueryTimeout(
            f"{what} takes longer than {self._timeout:g} s; allow more time, narrow the query"
            " down, or let `projector run` do the work beforehand"
        )


def from_first_look(seconds: float | None) -> Callable[[], bool]:
    """Return a function that returns whether some seconds have passed since its first call.

    So what it bounds does something, however long it takes to begin. None means no bound.
    """
    ends: list[Deadline] = []

    def is_over() -> bool:
        if not ends:
            ends.append(Deadline(seconds))
            return False
        return ends[0].is_over()

    return is_over
