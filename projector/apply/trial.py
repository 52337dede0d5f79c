"""Which event cannot be applied: each is tried alone, in an empty projection in memory.

That an event fails alone is a property of the event, whatever batch it came in and whatever stood
before it, so every projection of the same lanes sets the same events aside. No event that passes
`journal.format.bounds` is known to fail; this is for those that nobody thought of.
"""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from journal.errors import JournalError
from journal.format.record import DamagedRecord
from projector.apply.applier import Applier
from projector.apply.portion import unbounded
from projector.db.digest import digest
from projector.db.schema import create_in_memory
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
"""What the file system, another connection or the caller is to blame for, and no event."""


@contextmanager
def applying() -> Iterator[None]:
    """Turn whatever an event may have caused into one error.

    Raises:
        NotApplied: an exception left the block for which an event may be to blame. Every other
            one passes as it is.
    """
    try:
        yield
    except _OUTSIDE:
        raise
    except Exception as error:
        # a query that was broken off would keep its table locked as long as the error is known
        traceback.clear_frames(error.__traceback__)
        raise NotApplied(f"{type(error).__name__}: {error}") from error


class Trial:
    """An empty projection in memory, in which one event after another is applied alone."""

    def __init__(self) -> None:
        self._db = create_in_memory()
        self._lane = Applier(self._db).state.lane("trial")

    def check(self, seq: int, event: Event) -> None:
        """Refuse an event that cannot be applied alone.

        Raises:
            DamagedRecord: it cannot; the message says why.
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
