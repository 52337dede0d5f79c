"""How much one transaction may change: what it must fold beyond that waits for the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROW = 1_000
"""What a changed row costs besides its text, so that a page of the WAL is four times as much."""


class Portion:
    """What a transaction may still change, in bytes of text and `ROW` for each row.

    A transaction without such a bound grows with what its events say: one record can delete a
    session of a hundred thousand messages.
    """

    def __init__(self, size: int, stop: Callable[[], bool]) -> None:
        self._left = size
        self._stop = stop

    def spend(self, size: int) -> None:
        """Count what was changed."""
        self._left -= size

    @property
    def rows(self) -> int:
        """How many rows without text may still be changed; at least one."""
        return max(1, self._left // ROW)

    def is_spent(self) -> bool:
        """Say whether the rest is to wait."""
        return self._left <= 0 or self._stop()


def unbounded() -> Portion:
    """Return a portion that nothing fills: for one event, or where nobody waits."""
    return Portion(2**62, lambda: False)
