"""Progress of a command that applies events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.output import is_terminal, overwrite_line
from journal.errors import counted

if TYPE_CHECKING:
    from projector.run.watermark import Progress


class EventCounter:
    """Counts the events that are applied, and shows the count on a terminal while it grows.

    Attributes:
        events: how many events are applied.
    """

    def __init__(self) -> None:
        self.events = 0
        self._terminal = is_terminal(err=True)
        self._before = 0

    def __call__(self, progress: Progress) -> None:
        """Take in the progress of one pass, after each transaction."""
        if progress.commits == 1:  # the counts of `progress` start from 0 with each pass
            self._before = self.events
        self.events = self._before + progress.events
        if self._terminal:
            overwrite_line(counted(self.events, "event"))
