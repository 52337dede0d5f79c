"""An append-only message journal for AI agents: the write side.

::

    import journal
    from journal import Journal

    with Journal.open("~/agents") as handle:
        position = handle.append_message("s1", "user", "hello", id="m1")
    for position, event in journal.read("~/agents"):
        print(position, event.type, event.data)

Every process appends events to a lane that it alone holds; nothing waits for another writer.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from journal.backup.check import (
        BackupCheck,
        verify_backup,
    )
    from journal.backup.make import (
        BackupReport,
        make_backup,
    )
    from journal.backup.restore import (
        RestoreReport,
        restore_backup,
    )
    from journal.erasure.compact import (
        Compaction,
        compact,
    )
    from journal.errors import (
        AppendError,
        ArbiterBusy,
        ArbiterLost,
        BackupDamaged,
        BackupFailed,
        ClockError,
        ClosedError,
        EraseError,
        EraserBusy,
        EventError,
        ExportFailed,
        JournalError,
        JournalOpenError,
        LanesBusy,
        LeaseError,
        NotAJournalError,
        ReadError,
        RedactionError,
        Reentered,
        SyncError,
        VersionError,
    )
    from journal.events import (
        Entry,
        read,
    )
    from journal.forgotten import (
        is_forgotten,
    )
    from journal.format.event import (
        Event,
    )
    from journal.format.new_event import (
        new_event,
    )
    from journal.format.position import (
        Position,
    )
    from journal.format.redacted import (
        Redacted,
    )
    from journal.format.timestamps import (
        is_timestamp,
    )
    from journal.segments.damaged_bytes import (
        DamagedBytes,
    )
    from journal.writer import (
        Journal,
    )
else:
    from journal.process.exports import lazy

    __getattr__, __dir__ = lazy(
        __name__,
        {
            "journal.backup.check": ("BackupCheck", "verify_backup"),
            "journal.backup.make": ("BackupReport", "make_backup"),
            "journal.backup.restore": ("RestoreReport", "restore_backup"),
            "journal.erasure.compact": ("Compaction", "compact"),
            "journal.errors": (
                "AppendError",
                "ArbiterBusy",
                "ArbiterLost",
                "BackupDamaged",
                "BackupFailed",
                "ClockError",
                "ClosedError",
                "EraseError",
                "EraserBusy",
                "EventError",
                "ExportFailed",
                "JournalError",
                "JournalOpenError",
                "LanesBusy",
                "LeaseError",
                "NotAJournalError",
                "ReadError",
                "RedactionError",
                "Reentered",
                "SyncError",
                "VersionError",
            ),
            "journal.events": ("Entry", "read"),
            "journal.forgotten": ("is_forgotten",),
            "journal.format.event": ("Event",),
            "journal.format.new_event": ("new_event",),
            "journal.format.position": ("Position",),
            "journal.format.redacted": ("Redacted",),
            "journal.format.timestamps": ("is_timestamp",),
            "journal.segments.damaged_bytes": ("DamagedBytes",),
            "journal.writer": ("Journal",),
        },
    )

__version__ = "0.2.0.dev0"

__all__ = [
    "AppendError",
    "ArbiterBusy",
    "ArbiterLost",
    "BackupCheck",
    "BackupDamaged",
    "BackupFailed",
    "BackupReport",
    "ClockError",
    "ClosedError",
    "Compaction",
    "DamagedBytes",
    "Entry",
    "EraseError",
    "EraserBusy",
    "Event",
    "EventError",
    "ExportFailed",
    "Journal",
    "JournalError",
    "JournalOpenError",
    "LanesBusy",
    "LeaseError",
    "NotAJournalError",
    "Position",
    "ReadError",
    "Redacted",
    "RedactionError",
    "Reentered",
    "RestoreReport",
    "SyncError",
    "VersionError",
    "__version__",
    "compact",
    "is_forgotten",
    "is_timestamp",
    "make_backup",
    "new_event",
    "read",
    "restore_backup",
    "verify_backup",
]
