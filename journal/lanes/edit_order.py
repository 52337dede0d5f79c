"""The place of an edit in the order of events: after all records that its author may have read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.errors import AppendError, ReadError, Reentered
from journal.format.event_types import SWEEPING
from journal.format.new_event import Encoded
from journal.lanes.frontier import Frontier
from journal.process import clock

if TYPE_CHECKING:
    from journal.format.new_event import Ready
    from journal.fs.directory import Directory


class EditOrder:
    """Reads how far the lanes have come, before an edit is appended. Safe for threads.

    Attributes:
        frontier: the last record of each lane.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.frontier = Frontier(directory.lanes)

    def look(self, events: list[Ready], own: str) -> dict[str, int] | None:
        """Read the ends of the lanes, so that edits get a higher order than all records in them.

        Args:
            events: the events to append.
            own: folder of the lane that they go to, whose end its writer knows.

        Returns:
            The end of every lane, if a sweep does not name what its author had seen.

        Raises:
            AppendError: a lane cannot be read, or no order is left for an edit.
        """
        # no sweep is encoded before it is appended
        new = (event for event in events if not isinstance(event, Encoded))
        is_blind = any(type in SWEEPING and "seen" not in data for _, _, type, data, *_ in new)
        try:
            try:
                ends = _look_with(self.frontier, own, is_blind=is_blind)
            except Reentered:  # a handler reads the ends of all lanes by itself
                ends = _look_with(Frontier(self._directory.lanes), own, is_blind=is_blind)
        except ReadError as error:
            raise AppendError(f"{error}; nothing was written", ()) from error
        self.check_order()
        return ends

    def check_order(self) -> None:
        """Check that there is an order behind all that was read.

        Raises:
            AppendError: there is none.
        """
        path = self._directory.path
        if clock.of(path).is_at_end:
            raise AppendError(
                f"the order of events in {path} is at its end: a record in it has the highest"
                " order that there is, which only a damaged or forged one has, and no edit can come"
                " behind it. `journal cat` shows it (order"
                f" {clock.MAX_ORDER}): move its lane out of the journal; nothing was written",
                (),
            )


def _look_with(frontier: Frontier, own: str, *, is_blind: bool) -> dict[str, int] | None:
    if is_blind:
        return frontier.ends()
    frontier.look(own)
    return None
