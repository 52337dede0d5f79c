"""The moment by which an answer must be there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from projector.errors import QueryTimeout

if TYPE_CHECKING:
    from projector.project import Progress


class Deadline:
    """The moment by which an answer must be there."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._end = float("inf") if timeout is None else time.monotonic() + timeout

    def is_over(self) -> bool:
        """Say whether the time is up."""
        return time.monotonic() >= self._end

    def check(self, _progress: Progress | None = None) -> None:
        """Raise QueryTimeout if the time is up; called between transactions of catching up."""
        if self.is_over():
            raise self.error("bringing the projection up to date")

    def error(self, what: str) -> QueryTimeout:
        """Return the error that says what took too long."""
        return QueryTimeout(
            f"{what} takes longer than {self._timeout:g} s; allow more time, narrow the query"
            " down, or let `projector run` do the work beforehand"
        )
