"""Files that an earlier import has read as they are: the next one does not open them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.run.index_titles import without_index
from journal.importers.run.watched import DATABASE, Watched, settled_state, state_of

if TYPE_CHECKING:
    from journal.importers.files.walk import Source
    from journal.importers.formats import SourceFormat
    from journal.importers.run.ledger import Entry


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
    database = entry.state.startswith(DATABASE)
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
