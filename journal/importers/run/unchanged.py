"""Files that an earlier import has read as they are: the next one does not open them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from journal.importers.files.sqlite_file import SETTLED
from journal.importers.run.index_titles import without_index
from journal.importers.run.watched import Watched, state_of

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from journal.importers.files.walk import Source
    from journal.importers.formats import SourceFormat
    from journal.importers.run.ledger import Entry

_DATABASE = "database"
"""First word of the settled state of a database."""


def settled_state(path: Path, found: os.stat_result, *, database: bool) -> str:
    """Return a text that changes with a file; empty if the next change may not change it.

    A file that was written a moment ago can be written again at the same time of the clock.
    """
    if abs(time.time_ns() - found.st_mtime_ns) < SETTLED:
        return ""
    numbers = state_of(path, found, database=database)
    return " ".join((_DATABASE if database else "file", *map(str, numbers)))


def unchanged(source: Source, entry: Entry, format: SourceFormat) -> Watched | None:
    """Return the state of a file that is as it was when it was read; None if it must be read.

    It is looked at and not opened: a second import of 20,000 files costs a look at each.

    Args:
        source: the file.
        entry: its entry in the ledger.
        format: the format of the entry.
    """
    if not entry.state or entry.parser != format.version:
        return None
    database = entry.state.startswith(_DATABASE)
    try:
        found = source.path.stat()
    except OSError:
        return None  # reading it reports the error
    if settled_state(source.path, found, database=database) != without_index(entry.state):
        return None
    watched = Watched(source, state_of(source.path, found, database=database), None, database)
    if entry.digest:  # it has lines, and more of them may follow
        watched.format, watched.first_path = format, source.path
        watched.rest = entry.offset < found.st_size
    return watched
