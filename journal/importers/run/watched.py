"""A file that is followed, and the detection of its changes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.importers.files.sqlite_file import SETTLED, changes_of

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from journal.importers.files.walk import Source
    from journal.importers.formats import SourceFormat
    from journal.importers.run.tail import Tail

DATABASE = "database"
"""First word of the settled state of a database."""
_REST = 10
"""A database is not read again for this many times the duration of its last read."""


@dataclass(slots=True)
class Watched:
    """A file that is followed.

    Attributes:
        source: the file.
        state: changes with the file; None if it could not be opened.
        tail: the state of the last read; None while its format is unknown, and for a document or a
            database.
        database: whether it is a database.
        took: seconds of its last read.
        rests_until: by `time.monotonic`: when a database is checked again.
        format: the format of its lines, if it has lines.
        first_path: the path from which ids are made.
        rest: whether it ends in an unfinished line.
    """

    source: Source
    state: tuple[int, ...] | None
    tail: Tail | None
    database: bool = False
    took: float = 0.0
    rests_until: float = 0.0
    format: SourceFormat | None = None
    first_path: Path | None = None
    rest: bool = False

    def __post_init__(self) -> None:
        if self.database:
            self.rests_until = time.monotonic() + _REST * self.took
        if self.tail is not None:
            self.format, self.rest = self.tail.format, self.tail.rest
            self.first_path = self.tail.first_path or self.tail.path


def state_of(path: Path, found: os.stat_result, *, database: bool) -> tuple[int, ...]:
    """Return numbers that change with a file; the first one is its inode."""
    same = changes_of(path) if database else (found.st_size, found.st_mtime_ns)
    return (found.st_ino, *same)


def settled_state(path: Path, found: os.stat_result, *, database: bool) -> str:
    """Return a text that changes with a file; empty if the next change may not change it.

    A file that was written a moment ago can be written again at the same time of the clock.
    """
    if abs(time.time_ns() - found.st_mtime_ns) < SETTLED:
        return ""
    numbers = state_of(path, found, database=database)
    return " ".join((DATABASE if database else "file", *map(str, numbers)))
