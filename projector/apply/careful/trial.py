"""Find an event that cannot be applied: each is tried alone, in an empty projection in memory.

Whether an event fails alone depends on the event only, and not on its batch or on what was applied
before. So every projection of the same lanes puts the same events into quarantine. No event that
passes `journal.format.bounds` is known to fail; this is for faults that are not known yet.
"""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from journal.errors import JournalError
from journal.format.frame import DamagedRecord
from projector.apply.applier import Applier
from projector.apply.portion import unbounded
from projector.db.connections import create_in_memory
from projector.db.digest import digest
from projector.errors import NotApplied, ProjectorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.format.event import Event

_OUTSIDE = (
    *(DamagedRecord, JournalError, ProjectorError, OSError, MemoryError),
    *(apsw.AbortError, apsw.BusyError, apsw.CantOpenError, apsw.CorruptError, apsw.FullError),
    *(apsw.IOError, apsw.InterruptError, apsw.LockedError, apsw.NotADBError, apsw.PermissionsError),
    *(apsw.ReadOnlyError, apsw.ThreadingViolationError),
)
"""Errors of the file system, of another connection or of the caller: no event causes them."""


@contextmanager
def applying() -> Iterator[None]:
    """Turn each error that an event may have caused into `NotApplied`; let the others pass.

    Raises:
        NotApplied: the block raised an exception that is not in `_OUTSIDE`.
    """
    try:
        yield
    except _OUTSIDE:
        raise
    except Exception as error:
        # the frames hold a query that was not finished, which keeps its table locked
        traceback.clear_frames(error.__traceback__)
        raise NotApplied(f"{type(error).__name__}: {error}") from error


class Trial:
    """An empty projection in memory, to which each event is applied alone."""

    def __init__(self) -> None:
        self._db = create_in_memory()
        self._lane = Applier(self._db).state.lanes["trial"]

    def check(self, seq: int, event: Event) -> None:
        """Raise an error if an event cannot be applied alone.

        Raises:
            DamagedRecord: it cannot; the message gives the reason.
        """
        self._db.execute("SAVEPOINT trial")
        try:
            with applying():
                applier = Applier(self._db)
                applier.apply(applier.arrivals(self._lane, seq, event))
                applier.finish(unbounded())
                digest(self._db)
        except NotApplied as error:
            raise DamagedRecord(str(error)) from error
        finally:
            self._db.execute("ROLLBACK TO trial")
            self._db.execute("RELEASE trial")
