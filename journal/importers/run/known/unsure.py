"""Whether the disk may lack events that the lanes seem to have.

After a failed sync the kernel may show what it could not write to the disk, until the machine is
started again, and a further sync may succeed. An import appends no event that the lanes have; from
a failed sync on, it appends all that the ledger does not know.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from journal.errors import ReadError, SyncError
from journal.fs import disk
from journal.fs.files import make_folder, swap_file
from journal.fs.ownership import read_own
from journal.process.boot import boot_id
from journal.segments.segment import open_segment

if TYPE_CHECKING:
    from journal.segments.listing import SegmentRef
    from journal.writer import Journal

IMPORTS = "imports"
_NAME = "unsure"
_MOST = 1_000


def is_unsure(journal: Journal) -> bool:
    """Return whether a sync of an import failed since the machine was started."""
    try:
        return read_own(journal.path / IMPORTS / _NAME, _MOST) == boot_id().encode()
    except OSError:
        return False


def sync(journal: Journal) -> None:
    """Sync what was appended; record a failure, if the file system allows it.

    Raises:
        SyncError: the disk refused.
    """
    try:
        journal.sync()
    except SyncError:
        with contextlib.suppress(OSError):
            make_folder(journal.path / IMPORTS)
            swap_file(journal.path / IMPORTS / _NAME, boot_id().encode())
        raise


def sync_segment(ref: SegmentRef) -> None:
    """Make a segment durable: what it has is not appended again, and the ledger will know it.

    Raises:
        ReadError: it cannot be opened, or the disk refuses.
    """
    try:
        with open_segment(ref.path) as file:
            disk.in_use.fdatasync(file.fileno())
    except OSError as error:
        raise ReadError(f"cannot sync {ref.path}: {error.strerror or error}") from error
