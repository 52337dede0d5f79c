"""The events that were written since the last successful sync, and how they are made durable."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.format.record import Record, decode
from journal.fs.files import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from journal.segments.segment_file import SegmentFile


@dataclass(slots=True)
class Unsynced:
    """What was written since the last successful sync.

    Attributes:
        mark: count of events that this lane writer had written.
        files: segments with unsynced bytes, the active one last.
        folders: folders with unsynced entries.
        lines: the records themselves, to be written again if the disk loses them.
        size: bytes in `lines`.
        lost: why the disk may have lost `lines`: a sync is not enough, they must be written again.
        lane: uuid of the lane that `lines` are numbered for.
    """

    mark: int = 0
    files: list[SegmentFile] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    lost: OSError | None = None
    lane: str = ""

    def records(self) -> list[Record]:
        """Return the records in `lines`."""
        decoded = (decode(line[:-1]) for line in self.lines)
        return [record for record in decoded if isinstance(record, Record)]

    def before(self, later: Unsynced) -> Unsynced:
        """Join this with later writes."""
        return Unsynced(
            later.mark,
            list(dict.fromkeys([*self.files, *later.files])),
            [*self.folders, *later.folders],
            self.lines + later.lines,
            self.size + later.size,
            self.lost or later.lost,
            later.lane,
        )


def sync_all(unsynced: Unsynced) -> None:
    """Make everything in `unsynced` durable.

    Raises:
        OSError: the disk refused.
    """
    try:
        for file in unsynced.files:
            file.sync()
        for folder in dict.fromkeys(unsynced.folders):
            sync_folder(folder)
        for file in unsynced.files:
            # bytes in a file without a name are durable and lost, except for segments that an
            # eraser replaced
            if not (file.is_there() or file.is_superseded()):
                raise vanished(file.path)
    except OSError as error:
        unsynced.lost = error  # first: after an interrupt these files must not be synced again
        raise


def vanished(path: Path) -> OSError:
    """Return the error of a file that was deleted, moved or replaced while it was open."""
    reason = "it was deleted, moved or replaced under the open handle"
    return FileNotFoundError(errno.ENOENT, reason, str(path))
