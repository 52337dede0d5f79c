"""The moment by which an answer must be there."""

from __future__ import annotations

import time

from projector.errors import QueryTimeout

STEPS = 20_000
"""Steps of SQLite's machine between two looks at the clock: about a millisecond."""


class Deadline:
    """The moment by which an answer must be there."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._end = float("inf") if timeout is None else time.monotonic() + timeout

    def is_over(self) -> bool:
        """Say whether the time is up."""
        return time.monotonic() >= self._end

    def before(self, part: float) -> Deadline:
        """Return the moment that lies a part of the time before this one, a second at the most."""
        earlier = Deadline(self._timeout)
        earlier._end = self._end - self._part(part)
        return earlier

    def behind(self, seconds: float) -> Deadline:
        """Return the moment that lies so many seconds behind this one."""
        later = Deadline(self._timeout)
        later._end = self._end + seconds
        return later

    def extend(self, part: float) -> None:
        """See that a part of the time is left: what was done before may have come to no end."""
        self._end = max(self._end, time.monotonic() + self._part(part))

    def _part(self, part: float) -> float:
        return 0.0 if self._timeout is None else min(1.0, part * self._timeout)

    def check(self) -> None:
        """Raise QueryTimeout if the time is up."""
        if self.is_over():
            raise self.error("bringing the projection up to date")

    def error(self, what: str) -> QueryTimeout:
        """Return the error that says what took too long."""
        return QueryTimeout(
            f"{what} takes longer than {self._timeout:g} s; allow more time, narrow the query"
            " down, or let `projector run` do the work beforehand"
        )
