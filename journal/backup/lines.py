"""The records in a segment of a backup."""

from __future__ import annotations

from io import FileIO
from typing import TYPE_CHECKING, NamedTuple

from journal.format.record import Record
from journal.format.scan import Damage
from journal.segments.blocks import read_chunk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.backup.manifest import Copied
    from journal.backup.place import Backup


class Line(NamedTuple):
    """A record in a file: its first byte, and the byte behind its newline."""

    record: Record
    start: int
    end: int


def read_lines(backup: Backup, copied: Copied) -> Iterator[Line]:
    """Yield the records of a segment, and the ranges of their lines.

    Raises:
        BackupDamaged: the file is missing or too short; its checksum is not checked.
        ReadError: it cannot be read.
    """
    with FileIO(backup.open(copied)) as file:
        file.name = str(backup.file(copied))
        offset = start = 0
        while True:
            chunk = read_chunk(file, offset, final=True)
            for item in chunk.items:
                if isinstance(item, Damage):
                    start = item.offset + item.length
                    continue
                if item.end > copied.size:  # a later backup, which did not finish, added it
                    return
                if isinstance(item.record, Record):
                    yield Line(item.record, start, item.end)
                start = item.end
            if chunk.at_end or chunk.end == offset:
                return
            offset = chunk.end
