"""Keeps in the ledger which source has which sessions, and marks those that none has any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.importers.run.gone.marks import Marks
from journal.importers.run.gone.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from journal.erasure.requests import RequestScan
    from journal.importers.files.walk import Source, Walk
    from journal.importers.run.known.keys import KnownKeys
    from journal.importers.run.ledger import Entry, Ledger
    from journal.importers.run.report import Report
    from journal.writer import Journal


@dataclass(slots=True)
class Presence:
    """The sources of a journal and their sessions.

    Attributes:
        ledger: how far each source was imported.
        journal: the marks are appended to it.
        keys: knows which sessions are marked.
        requests: finds what was forgotten.
        report: counts the marks.
    """

    ledger: Ledger
    journal: Journal
    keys: KnownKeys
    requests: RequestScan
    report: Report
    _sources: Sources = field(init=False)
    _marks: Marks = field(init=False)

    def __post_init__(self) -> None:
        self._sources = Sources(self.ledger)
        self._marks = Marks(self.journal, self.keys, self.requests, self.report)

    def remember(
        self, source: Source, entry: Entry, sessions: AbstractSet[str], *, is_all: bool
    ) -> None:
        """Note in the ledger how far a source was imported.

        Args:
            source: the file.
            entry: how far it was imported.
            sessions: ids of the sessions that were found in it.
            is_all: whether it has no others. A file may be about to be written again: it counts as
                having what it had, as long as it is there.

        Raises:
            JournalError: the journal could not be written.
            OSError: the file system refused.
        """
        before = self.ledger.read(source.path)
        had = frozenset[str]() if before is None else before.session_ids
        has = sessions if is_all else sessions | had
        now = entry.having(source.real, has)
        forgotten = self.requests.read_understood()
        if forgotten:
            now = now.without(forgotten.forgets_session)
        self._marks.returned(has - had)
        self._sources.lost(had - has)
        if now != before:
            self.ledger.note(source.path, now)

    def begin(self) -> None:
        """Note which sources are known, before a walk after which sessions are marked."""
        self._sources.begin()

    def mark_gone(self, walk: Walk | None, files: Iterable[str]) -> None:
        """Mark the sessions that no source has any more, after a complete walk.

        Args:
            walk: the walk; without one nothing is marked.
            files: paths, without links, of missing files that were given by their own names.

        Raises:
            JournalError: the journal could not be written.
            OSError: the file system refused.
        """
        if walk is None:
            return
        self.ledger.write()
        vanished = self._sources.vanished(walk, files)
        if vanished.sessions:
            self._marks.gone(vanished.sessions)
            self.journal.sync()
        self.ledger.remove(vanished.entries)
