"""The amount that one transaction may change; the next one folds what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROW = 1_000
"""The cost of a changed row besides its text: about a quarter of a page of the WAL."""


class Portion:
    """The amount that a transaction may still change: bytes of text, and `ROW` for each row.

    Without a bound one record, which deletes a session of a hundred thousand messages, makes a
    transaction of that size.
    """

    def __init__(self, size: int, stop: Callable[[], bool]) -> None:
        self._left = size
        self._stop = stop

    def spend(self, size: int) -> None:
        """Subtract the size of a change."""
        self._left -= size

    @property
    def rows(self) -> int:
        """The number of rows without text that may still be changed; at least one."""
        return max(1, self._left // ROW)

    def is_spent(self) -> bool:
        """Return whether the rest must wait for the next transaction."""
        return self._left <= 0 or self._stop()


def unbounded() -> Portion:
    """Return a portion without a bound."""
    return Portion(2**62, lambda: False)
