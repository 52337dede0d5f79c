"""Titles that a program gives to sessions whose files do not change: looked for by their indexes.

The ledger knows the state of the indexes beside a file when its titles were read. While it is the
same, an import looks at each index and opens nothing.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from journal.importers.files.location import location_of
from journal.importers.files.sqlite_file import SETTLED
from journal.importers.files.walk import shown
from journal.importers.run.known.keys import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from journal.importers.files.walk import Source
    from journal.importers.formats import SourceFormat
    from journal.importers.run.event_writer import EventWriter
    from journal.importers.run.ledger import Entry, Ledger
    from journal.importers.run.watched import Watched

_BEHIND = " index "
"""Divides the state of a file from that of the indexes beside it."""
_UNSETTLED = "?"


def index_state(folder: Path | str, format: SourceFormat) -> str:
    """Return a text that changes with the indexes of a format in a folder; empty without any.

    It ends with a question mark if the next change may not change it.
    """
    if format.index is None:
        return ""
    states, settled = [], ""
    for name in format.index.files:
        try:
            found = os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118 - thousands of Paths cost
        except OSError:
            continue
        states.append(f"{found.st_size} {found.st_mtime_ns}")
        if abs(time.time_ns() - found.st_mtime_ns) < SETTLED:
            settled = _UNSETTLED
    return ", ".join(states) + settled


def with_index(state: str, index: str) -> str:
    """Return the settled state of a file with that of its indexes; empty if it has none."""
    return f"{state}{_BEHIND}{index}" if state and index else state


def without_index(state: str) -> str:
    """Return the settled state of a file alone."""
    return state.partition(_BEHIND)[0]


@dataclass(slots=True)
class IndexTitles:
    """Appends titles of sessions whose files are as they were.

    Attributes:
        ledger: knows which titles were read.
        writer: appends those that are new.
    """

    ledger: Ledger
    writer: EventWriter
    _followed: dict[str, str] = field(default_factory=dict)  # state of its indexes, by file

    def take(self, source: Source, entry: Entry, format: SourceFormat) -> None:
        """Append the titles of a file, if its indexes have changed since they were read.

        Args:
            source: the file.
            entry: its entry in the ledger.
            format: the format of the entry.

        Raises:
            JournalError: the journal could not be written.
        """
        now = self.note(source, format)
        is_same = now == entry.state.partition(_BEHIND)[2] and not now.endswith(_UNSETTLED)
        if format.index is None or is_same:
            return
        location = location_of(source.path, entry.place)
        self.writer.origin = Origin(format.name, format.version)
        self.writer.source, self.writer.sessions = shown(source.path), set()
        for session in sorted(entry.session_ids):
            self.writer.take(format.index.titles(location, session), None)
        self.writer.flush()
        state = with_index(without_index(entry.state), now)
        self.ledger.note(source.path, replace(entry, state=state))

    def settled(self, source: Source, state: str) -> str:
        """Return the settled state of a file that was read, with that of its indexes before."""
        return with_index(state, self._followed.get(str(source.real), ""))

    def note(self, source: Source, format: SourceFormat) -> str:
        """Return the state of the indexes of a file that is about to be read, and note it."""
        now = self._followed[str(source.real)] = index_state(source.real.parent, format)
        return now

    def follow(self, watched: Mapping[str, Watched]) -> None:
        """Append the titles of those files that are followed whose indexes have changed.

        Args:
            watched: the files, by their paths without links.

        Raises:
            JournalError: the journal could not be written.
        """
        states: dict[tuple[str, str], str] = {}
        for real, each in watched.items():
            if each.format is None or each.format.index is None:
                continue
            folder = os.path.dirname(real)  # noqa: PTH120 - as above
            key = folder, each.format.name
            if key not in states:
                states[key] = index_state(folder, each.format)
            if self._followed.get(real, "") != states[key]:
                entry = self.ledger.read(each.source.path)
                if entry is not None:
                    self.take(each.source, entry, each.format)
