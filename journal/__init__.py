"""An append-only message journal for AI agents: the write side.

::

    from journal import Journal

    with Journal.open("~/agents") as journal:
        position = journal.append_message("s1", "user", "hello", id="m1")

Every process appends events to a lane that it alone holds; nothing waits for another writer.
"""

from journal.errors import (
    AppendError,
    ClockError,
    ClosedError,
    EventError,
    JournalError,
    JournalOpenError,
    LeaseError,
    NotAJournalError,
    ReadError,
    Reentered,
    SyncError,
    VersionError,
)
from journal.format.event import Event
from journal.format.position import Position
from journal.writer import Journal

__all__ = [
    "AppendError",
    "ClockError",
    "ClosedError",
    "Event",
    "EventError",
    "Journal",
    "JournalError",
    "JournalOpenError",
    "LeaseError",
    "NotAJournalError",
    "Position",
    "ReadError",
    "Reentered",
    "SyncError",
    "VersionError",
]
