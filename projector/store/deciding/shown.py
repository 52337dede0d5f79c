"""What a snapshot hides, of the events behind it, too: requests to forget are in force for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.erasure.requests import Forgotten
from journal.errors import JournalOpenError
from projector.run.hiding import Hiding
from projector.store.deciding.lines import Unclear

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import apsw

    from projector.store.deciding.lines import Line


class Shown:
    """Checks that events behind a snapshot are shown as they are. For one thread at a time.

    Args:
        journal: the journal's folder.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self.clear()

    def clear(self) -> None:
        """Begin again with the next snapshot."""
        self._hiding: Hiding | None = None
        self._forgotten = Forgotten(())

    def load(self, db: apsw.Connection, held: Iterable[Line]) -> None:
        """Read what a snapshot hides, and check the events that are known.

        Raises:
            Unclear: it does not hide all that its requests ask to forget, or that is not known; or
                as `check`.
        """
        try:
            if self._hiding is None:
                self._hiding = Hiding(db, self._journal)
            else:
                self._hiding.load()
        except JournalOpenError as error:  # of the keys: who applies it meets it, too
            raise Unclear from error
        forgotten = self._hiding.forgotten
        if forgotten.unknown_keys or not self._hiding.knows(()):
            raise Unclear
        if forgotten is not self._forgotten:
            self._forgotten = forgotten
            self.check(held)

    def check(self, lines: Iterable[Line]) -> None:
        """Check that no request changes an event.

        Raises:
            Unclear: one is forgotten or reduced.
        """
        if not self._forgotten:
            return
        for line in lines:
            event = line.event()
            if self._forgotten.apply(event, line.lane, line.seq)[0] is not event:
                raise Unclear
