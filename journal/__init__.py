"""An append-only message journal for AI agents: the write side.

::

    from journal import Journal

    with Journal.open("~/agents") as journal:
        position = journal.append_message("s1", "user", "hello", id="m1")

Every process appends events to a lane that it alone holds; nothing waits for another writer.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
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
else:
    from journal.process.exports import lazy

    __getattr__, __dir__ = lazy(
        __name__,
        {
            "journal.errors": (
                "AppendError",
                "ClockError",
                "ClosedError",
                "EventError",
                "JournalError",
                "JournalOpenError",
                "LeaseError",
                "NotAJournalError",
                "ReadError",
                "Reentered",
                "SyncError",
                "VersionError",
            ),
            "journal.format.event": ("Event",),
            "journal.format.position": ("Position",),
            "journal.writer": ("Journal",),
        },
    )

__version__ = "0.1.0"

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
    "__version__",
]
