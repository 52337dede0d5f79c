"""Reads one database in one snapshot, and appends its new events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.errors import ImportFailed, JournalError
from journal.importers.run.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.importers.formats import DatabaseReader, SourceFormat
    from journal.importers.run.event_writer import EventWriter
    from journal.importers.run.ledger import Ledger


def read_database(
    path: Path,
    format: SourceFormat,
    reader: DatabaseReader,
    writer: EventWriter,
    ledger: Ledger,
    *,
    reread: bool,
    first: bool,
    step: Callable[[int], None],
) -> tuple[Entry, str | None]:
    """Read a database; append the events that no earlier import appended.

    Returns:
        The entry for the ledger, valid when all events are durable; and why a part of the database
        could not be read, or None.

    Raises:
        ImportFailed: it is of another program, cannot be opened, or its reader raised an error.
        JournalError: the journal could not be written; the counts in the report are appended.
    """
    entry = ledger.read(path)
    if entry is not None and (entry.format, entry.parser) != (format.name, format.version):
        entry = None
    known = "" if entry is None else entry.marks
    writer.sessions = set()
    try:
        found = reader(path, known, writer, reread=reread, first=first, step=step)
    except (JournalError, OSError):
        raise
    except Exception as error:  # the reader may be of another package
        why = f"{type(error).__name__}: {error}"
        raise ImportFailed(f"the importer {format.name!r} failed: {why}") from error
    writer.flush()
    before = 0 if first or entry is None else entry.lines
    writer.report.lines += max(0, found.rows - before)
    known = found.known
    if format.prune is not None and (forgotten := writer.requests.read_understood()):
        known = format.prune(known, forgotten.forgets_session)
    if found.sessions is not None and found.failure is None:
        writer.sessions = set(found.sessions)
    elif entry is not None:
        writer.sessions |= entry.session_ids
    return Entry(format.name, format.version, found.rows, 0, "", known), found.failure
