"""Finds the sessions whose sources have vanished.

The ledger knows each source by hashes of its path and of the folders above it, and names its
sessions. A source has vanished if a walk over one of these folders did not meet it. A folder that
cannot be read, or that is not there itself, says nothing of what was in it: its disk may not be
mounted. A session is gone only if no other source has it, so a folder that was moved, and imported
again, loses none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.importers.run.ledger import folder_mark

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from journal.importers.files.walk import Walk
    from journal.importers.run.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Vanished:
    """What a walk has shown.

    Attributes:
        sessions: those that no source has any more.
        entries: names of the ledger's entries of sources that are not there.
    """

    sessions: frozenset[str] = frozenset()
    entries: frozenset[str] = frozenset()


@dataclass(slots=True)
class Sources:
    """The sources of one journal, as its ledger knows them.

    Attributes:
        ledger: names them.
        _before: the entries that were there when the walk began: another process may add some.
        _lost: sessions that a database had and has no more.
        _elsewhere: entries of sources in other folders.
    """

    ledger: Ledger
    _before: set[str] = field(default_factory=set)
    _lost: set[str] = field(default_factory=set)
    _elsewhere: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Note which sources are known, before a walk."""
        self._before = self.ledger.names()

    def lost(self, sessions: Iterable[str]) -> None:
        """Note sessions that a source had and has no more, although it is there."""
        self._lost.update(sessions)

    def vanished(self, walk: Walk, files: Iterable[str]) -> Vanished:
        """Return what has vanished.

        A source that the walk has met costs a hash, any other one is read once.

        Args:
            walk: a walk that is complete.
            files: paths, without links, of missing files that were given by their own names.
        """
        missing = {self.ledger.name_of(path) for path in files}
        there = {self.ledger.name_of(path) for path in walk.seen}
        roots = set(map(folder_mark, walk.roots))
        closed = set(map(folder_mark, walk.unreadable))
        sessions, self._lost = self._lost, set()
        entries: set[str] = set()
        for name in self._before - there - self._elsewhere:
            entry = self.ledger.entry(name)
            if entry is None:
                continue
            above = set(entry.folders.split())
            if name not in missing and not above & roots:
                self._elsewhere.add(name)
            elif not above & closed:
                entries.add(name)
                sessions.update(entry.session_ids)
        if sessions:
            sessions -= self._had_by(self.ledger.names() - entries)
        return Vanished(frozenset(sessions), frozenset(entries))

    def _had_by(self, names: AbstractSet[str]) -> set[str]:
        """Return the sessions of sources."""
        found = map(self.ledger.entry, names)
        return {id for entry in found if entry is not None for id in entry.session_ids}
