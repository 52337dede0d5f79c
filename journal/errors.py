"""What can go wrong on the write side, by the phase in which it happens.

::

    JournalError
    ├── JournalOpenError      the directory cannot be opened or made
    │   ├── NotAJournalError  it is something else, or there is nothing
    │   └── VersionError      it was made by a newer format than this reads
    ├── EventError            an event cannot be stored as it is given; nothing was written
    ├── LeaseError            no lane could be leased
    │   └── LanesBusy         other writers hold all lanes
    ├── ClockError            the machine's clock is set to a time that no event can have
    ├── AppendError           write(2) failed, or the lane vanished: these ids are not acknowledged
    ├── SyncError             the disk refused to make these ids durable
    ├── ClosedError           the handle was closed
    ├── Reentered             this thread is in the middle of a call of the same handle
    ├── ArbiterBusy           another process held the arbiter lock all the time
    │   └── ArbiterLost       its file was removed or replaced while it was held
    ├── EraseError            a segment could not be rewritten; the old one is still there
    │   └── EraserBusy        another process held the eraser's lock all the time
    ├── ReadError             a lane or segment could not be read
    ├── RedactionError        a rule or a scanner for redaction cannot be used
    ├── ImportFailed          a source could not be imported
    ├── ExportFailed          a journal could not be written in another program's format
    ├── InstallFailed         the settings of an agent could not be read or changed
    └── BackupFailed          a backup could not be made, read or restored
        └── BackupDamaged     it is damaged or incomplete
"""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMED = 8  # ids spelled out in a message; the whole list is on the exception


def name_ids(ids: Sequence[str]) -> str:
    """Return the ids as one phrase, the first few of them."""
    shown = ", ".join(repr(i) for i in ids[:_NAMED])
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"{shown}{more}"


def reason(error: Exception) -> str:
    """Return the reason of an error, without an OSError's number and path."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


_PLURALS = {"stretch": "stretches", "hash": "hashes"}


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one; of several words the last."""
    return f"{number:,} {noun if number == 1 else _PLURALS.get(noun, f'{noun}s')}"


_LARGEST = 2**64
"""The largest number that an error shows."""


class JournalError(Exception):
    """Root of every error that the journal raises."""


class JournalOpenError(JournalError):
    """The journal's directory cannot be opened or made."""


class NotAJournalError(JournalOpenError):
    """The directory holds no journal."""


class VersionError(JournalOpenError):
    """The journal was made by a newer format than this program reads."""


class EventError(JournalError, ValueError):
    """An event cannot be stored as it is given; nothing was written."""


class LeaseError(JournalError):
    """No lane could be leased."""


class LanesBusy(LeaseError):  # noqa: N818 - reads as a state, like ArbiterBusy
    """Other writers hold all lanes that a journal can have."""


class ClockError(JournalError):
    """The machine's clock is set to a time that no event can have; nothing was written."""


class AppendError(JournalError):
    """write(2) failed, or the lane vanished: the events named in `ids` are not acknowledged.

    Trying again with the same ids is always safe.
    """

    def __init__(self, message: str, ids: Sequence[str]) -> None:
        super().__init__(message)
        self.ids = tuple(ids)


class SyncError(JournalError):
    """The disk refused to make the events named in `ids` durable.

    They are written, and survive the death of the process, but not a power loss.
    """

    def __init__(self, message: str, ids: Sequence[str]) -> None:
        super().__init__(message)
        self.ids = tuple(ids)


class ClosedError(JournalError):
    """The handle was closed."""


class Reentered(JournalError):  # noqa: N818 - reads as what happened
    """This thread is in the middle of a call of the same handle; nothing was done.

    A signal handler, a finalizer or a callback runs in whatever thread it meets, between any two
    steps of it: that call cannot end before the handler does.
    """


class ArbiterBusy(JournalError):  # noqa: N818 - reads as a state, like a busy file
    """Another process held the arbiter lock all the time; nothing was decided."""


class ArbiterLost(ArbiterBusy):
    """The arbiter's file was removed or replaced while it was held; nothing was decided."""


class EraseError(JournalError):
    """A file could not be rewritten without what is forgotten, or removed: it is still there.

    What was erased before it stays erased: repeat it when the cause is removed.
    """


class EraserBusy(EraseError):  # noqa: N818 - reads as a state, like ArbiterBusy
    """Another process held the eraser's lock all the time, or it was lost meanwhile."""


class ReadError(JournalError):
    """A lane or segment could not be read."""


class RedactionError(JournalError):
    """A rule or a scanner for redaction cannot be used."""


class ImportFailed(JournalError):  # noqa: N818 - reads as what happened, next to the command of that name
    """A source could not be imported."""


class ExportFailed(JournalError):  # noqa: N818 - as ImportFailed
    """A journal could not be written in another program's format; there is no new file."""


class InstallFailed(JournalError):  # noqa: N818 - as ImportFailed
    """The settings of an agent could not be read or changed; they are as they were."""


class BackupFailed(JournalError):  # noqa: N818 - as ImportFailed
    """A backup could not be made, read or restored; the backup that was there is unchanged."""


class BackupDamaged(BackupFailed):
    """A backup is damaged: a file is missing, or differs from the manifest."""


def shown(value: object) -> str:
    """Return a value as an error names it: a number as it is, of all others the kind and length.

    A text can be a secret that no rule recognises, and errors go to logs.
    """
    kind = type(value).__name__
    if value is None or (isinstance(value, bool | int | float) and abs(value) <= _LARGEST):
        return repr(value)
    if not isinstance(value, Sized):
        return f"a {kind}"
    return f"a {kind} of {len(value)}" if len(value) else repr(value)
