"""Imports a Hermes `state.db`: new rows, changes, and deletions.

A message's id is its row id. The ids of all other events come from their content, those of
changes also from the number of imports that found some: a title that goes from one to another and
back is three events. Only the fields that have changed in Hermes are revised, so other edits of
the session in this journal stay in force.

If Hermes rewrote a transcript, messages without a row are removed from the transcript here, too. A
session that Hermes has deleted is not changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.errors import ImportFailed
from journal.format.event_types import KEY_DELETED, KEY_SET
from journal.importers.formats import DatabaseResult
from journal.importers.hermes.change_writer import ChangeWriter
from journal.importers.hermes.database import open_database
from journal.importers.hermes.known_state import KnownState, mark53_of
from journal.importers.hermes.messages import Messages
from journal.importers.hermes.rows import KEY_SPACES, named_value
from journal.importers.hermes.sessions import write_session
from journal.importers.hermes.versions import NEWEST
from journal.importers.parsing.events import key
from journal.importers.parsing.source_time import micros

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.importers.formats import ItemWriter
    from journal.importers.hermes.database import Database
    from journal.importers.sqlite.snapshot import Row

_READ = {"schema_version", "sessions", "messages", *KEY_SPACES}
_STEP = 256
"""Rows between two signs of progress."""


def read_database(
    path: Path,
    known: str,
    writer: ItemWriter,
    *,
    reread: bool,
    first: bool,
    step: Callable[[int], None],
) -> DatabaseResult:
    """Read one database, as `DatabaseReader` specifies."""
    state = KnownState.unpack(known)
    if reread and first:
        state = state.emptied()
    with open_database(path) as database:
        changes = ChangeWriter(writer, state.round, first)
        work = _Import(database, state, changes, step, path.stat().st_mtime_ns // 1000)
        failure = work.run()
    return DatabaseResult(work.rows, work.now.packed(), failure, work.there)


@dataclass(slots=True)
class _Import:
    """One reading of one database.

    Attributes:
        known: the result of earlier imports.
        modified: when the database was changed last, in microseconds since 1970.
        now: the result of this import; rows that could not be read stay as they were known.
        rows: number of rows that were read.
    """

    database: Database
    known: KnownState
    changes: ChangeWriter
    step: Callable[[int], None]
    modified: int
    now: KnownState = field(init=False)
    rows: int = 0
    _alive: dict[str, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keys = {space: dict(marks) for space, marks in self.known.keys.items()}
        self.now = KnownState(self.known.round, dict(self.known.sessions), keys=keys)

    @property
    def there(self) -> frozenset[str]:
        """The sessions that the database has."""
        return frozenset(map(key, self._alive))

    def run(self) -> str | None:
        """Read every table; a damaged one must not prevent the reading of the others."""
        version = self.database.version
        if version > NEWEST:
            self.changes.repair(f"schema version {version}, newer than {NEWEST}, the last known")
        failed: list[str] = []
        for part in (self._sessions, self._messages, self._keys, self._others):
            try:
                part()
            except ImportFailed as error:
                failed.append(str(error))
        self.now.round += self.changes.written > 0
        return failed[0] if failed else None

    def _sessions(self) -> None:
        for row in self.database.rows("sessions"):
            self.rows += 1
            id = row.values.get("id")
            if not isinstance(id, str) or not id:
                self.changes.skip("session without an id")
                continue
            self._alive[id] = micros(row.values.get("started_at"))
            known = self.known.sessions.get(id)
            self.now.sessions[id] = write_session(self.changes, id, row, known)

    def _messages(self) -> None:
        known = iter(self.known.messages)
        messages = Messages(self.changes, self._alive, self.modified, known)
        self.now.messages = messages.now
        try:
            size, highest = self.database.snapshot.size(), self.database.highest("messages")
            for row in self.database.rows("messages", by="id"):
                self.rows += 1
                messages.take(row)
                if self.rows % _STEP == 0:
                    self.step(size * min(self.rows, highest) // max(highest, 1))
        except ImportFailed:
            messages.break_off()
            raise
        messages.end()

    def _keys(self) -> None:
        for table, space in KEY_SPACES.items():
            marks: dict[str, int] = {}
            for row in self.database.rows(table, whole=True):
                self.rows += 1
                self._key(table, space, row, marks)
            before = self.known.keys.get(space, {})
            for name in sorted(before.keys() - marks.keys()):
                self.changes.change(space, KEY_DELETED, {"key": name})
            self.now.keys[space] = marks

    def _key(self, table: str, space: str, row: Row, marks: dict[str, int]) -> None:
        """Append a key's value if it is new."""
        named = named_value(table, row.values)
        if named is None:
            self.changes.skip("key-value without a key")
            return
        name, value = named
        marks[name] = mark53_of(value)
        data = {"key": name, "value": value}
        known = self.known.keys.get(space, {}).get(name)
        if known == marks[name]:
            self.changes.already(space)
        elif known is None:
            self.changes.fact(space, KEY_SET, data, row.repairs)
        else:
            self.changes.change(space, KEY_SET, data, row.repairs)

    def _others(self) -> None:
        """Count the tables that are not imported: state of programs, and counters by model."""
        for table in self.database.tables:
            if table not in _READ:
                for _ in range(self.database.count(table)):
                    self.changes.skip(f"row of the table {table}")
