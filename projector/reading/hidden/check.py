"""Whether a snapshot that lacks events may answer a query, or shows what is to be forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.process.fork import no_fork
from projector.db.schema import NOT_UNDERSTOOD
from projector.errors import QueryTimeout
from projector.reading.deadline import HIDING
from projector.reading.hidden.shows_forgotten import ShowsForgotten

if TYPE_CHECKING:
    import apsw

    from journal.fs.directory import Directory
    from projector.reading.goal import Goal
    from projector.reading.hidden.unhidden import Unhidden
    from projector.run.open_segments import OpenSegments


class HidingCheck:
    """Checks the snapshots of one handle.

    Args:
        journal: the journal.
        segments: those that are open.
    """

    def __init__(self, journal: Directory, segments: OpenSegments) -> None:
        self._journal = journal
        self._segments = segments
        self._unhidden: Unhidden | None = None

    def is_late(self, db: apsw.Connection) -> bool:
        """Return whether a key was added that makes a request to forget understood."""
        if db.execute(NOT_UNDERSTOOD).fetchone() is None:
            return False
        with no_fork.turn:
            from projector.run.hiding import is_late  # noqa: PLC0415 - hardly any query needs it

        return is_late(db, self._journal.path)

    def may_answer(self, db: apsw.Connection, goal: Goal) -> bool:
        """Return whether the snapshot that `db` holds may answer, although it lacks events.

        It may not if it shows what requests in the lanes ask to forget. Then another process is
        waited for that replaces the generation.

        Raises:
            ShowsForgotten: none does: the file system refuses, or a projector hangs.
            QueryTimeout: the time of the query is over.
            ReadError: a segment cannot be read.
            JournalOpenError: the file of the keys cannot be read.
        """
        if self._unhidden is None:
            with no_fork.turn:
                from projector.reading.hidden.unhidden import Unhidden  # noqa: PLC0415 - as in `is_late`

            self._unhidden = Unhidden(self._journal.path, self._segments)
        requests = self._unhidden.find(db, goal.unapplied())
        if not requests:
            return True
        if goal.deadline.is_over() or isinstance(goal.hindrance, QueryTimeout):
            raise goal.deadline.error(HIDING)
        if goal.hindrance is not None:
            raise ShowsForgotten(requests, goal.hindrance)
        if goal.hiding_patience.is_over():
            raise ShowsForgotten(requests, "the projector that runs has not come to it")
        return False
