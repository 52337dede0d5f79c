"""The transcripts of one agent: how many there are, and how many of them are imported."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from journal.agents.retention import retention_of
from journal.fs.location import expanded
from journal.importers.files.walk import Walk, shown
from journal.importers.run.unchanged import unchanged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from journal.agents.retention import Retention
    from journal.importers.files.walk import Source
    from journal.importers.formats import SourceFormat
    from journal.importers.run.ledger import Ledger

_State = Literal["imported", "grown", "missing"]
_DAY = 24 * 60 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class Agent:
    """The transcripts of an agent on this machine. Times are microseconds since 1970.

    Attributes:
        format: the name of its importer.
        paths: the files and folders of its program that are there.
        files: its transcripts: files or databases.
        bytes: bytes of them.
        oldest: when the transcript that has not changed for longest was last changed.
        newest: when the latest one was last changed.
        imported: transcripts that the journal has completely.
        grown: those that have changed since they were imported.
        missing: those that were never imported.
        lost_next: when its program deletes the oldest transcript that is not imported completely;
            None if there is none, or the program is not known to delete any.
        retention: what its program deletes by itself; None if it is not known to.
        unreadable: folders that cannot be read.
    """

    format: str
    paths: tuple[str, ...]
    files: int
    bytes: int
    oldest: int
    newest: int
    imported: int
    grown: int
    missing: int
    lost_next: int | None
    retention: Retention | None
    unreadable: tuple[str, ...] = ()


def find_agents(formats: Sequence[SourceFormat], journal: Path, ledger: Ledger) -> list[Agent]:
    """Return the agents that have transcripts in the folders of their programs, by name.

    No transcript is opened: their sizes and times are compared with the hints of earlier imports.

    Args:
        formats: the installed formats.
        journal: the journal's folder, whose files are no transcripts.
        ledger: how far each source was imported.

    Raises:
        JournalOpenError: the home folder is unknown.
    """
    found = (_agent(format, journal, ledger) for format in formats)
    return sorted((agent for agent in found if agent is not None), key=lambda agent: agent.format)


def _agent(format: SourceFormat, journal: Path, ledger: Ledger) -> Agent | None:
    there = [path for path in map(expanded, format.paths) if path.exists()]
    unreadable: list[str] = []
    walk = Walk(
        journal,
        lambda name: any(fnmatchcase(name, pattern) for pattern in format.files),
        frozenset(format.side_folders),
        lambda error: unreadable.append(shown(str(error.filename))),
    )
    retention = retention_of(format.name)
    size = 0
    states: Counter[_State] = Counter()
    times: list[int] = []
    due: list[int] = []
    for source in walk.sources(there):
        try:
            status = source.path.stat()
        except OSError:
            continue  # it was deleted meanwhile
        if not status.st_size:
            continue  # its program has written nothing to it yet
        size += status.st_size
        times.append(status.st_mtime_ns // 1000)
        state = _state(source, format, ledger)
        states[state] += 1
        if state != "imported":
            due.append(times[-1])
    if not times:
        return None
    lost_next = None
    if retention is not None and due:
        lost_next = min(due) + retention.days * _DAY
    return Agent(
        format.name,
        tuple(shown(path) for path in there),
        len(times),
        size,
        min(times),
        max(times),
        states["imported"],
        states["grown"],
        states["missing"],
        lost_next,
        retention,
        tuple(unreadable),
    )


def _state(source: Source, format: SourceFormat, ledger: Ledger) -> _State:
    """Return how much of a transcript the journal has."""
    entry = ledger.read(source.path)
    if entry is None:
        return "missing"
    if entry.format == format.name and unchanged(source, entry, format) is not None:
        return "imported"
    # a file that was written a moment before its import, or that names side files, has no state
    is_whole = entry.offset > 0 and entry.offset == source.path.stat().st_size
    return "imported" if is_whole else "grown"
