"""The requests to forget in a backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.backup.lines import read_lines
from journal.erasure.request import Request, request_of
from journal.format.event_types import ERASURE_REQUESTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.backup.manifest import Copied
    from journal.backup.place import Backup

_TYPE = ERASURE_REQUESTED.encode()


def requests_in(backup: Backup) -> Iterator[Request]:
    """Yield the requests in a backup, also those whose key it lacks.

    Raises:
        BackupDamaged: a file is damaged.
        ReadError: a file cannot be read.
    """
    for copied in backup.manifest.segments:
        if not _mentions(backup, copied):
            continue
        for line in read_lines(backup, copied):
            if (request := request_of(line.record.event)) is not None:
                yield request


def _mentions(backup: Backup, copied: Copied) -> bool:
    """Return whether a segment may contain a request: few do, and only these are decoded."""
    found, last = False, b""
    for block in backup.read(copied):  # to its end, where the checksum is compared
        found = found or _TYPE in last + block
        last = block[-len(_TYPE) :]
    return found
