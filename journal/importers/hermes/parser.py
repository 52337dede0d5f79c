"""Imports a Hermes `state.db`: what is new in it, what has changed, and what is gone.

A message's id is its row id. The ids of all other events come from their content, those of
changes also from the number of imports that found some: a title that goes from one to another and
back is three events. What a session is told to be is only what has changed in Hermes, so what was
said of it here in the meantime stands.

What is gone from a session that is still there, since Hermes wrote its transcript anew, is removed
from the transcript here, too; a session that Hermes has deleted stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.errors import ImportFailed
from journal.format.event_types import KEY_DELETED, KEY_SET
from journal.importers.files.sources import shown
from journal.importers.hermes.database import NEWEST, open_database
from journal.importers.hermes.file import HERMES
from journal.importers.hermes.memory import Memory, mark_of
from journal.importers.hermes.messages import Messages
from journal.importers.hermes.rows import KEY_SPACES, named_value
from journal.importers.hermes.sessions import tell_session
from journal.importers.hermes.teller import Teller
from journal.importers.ledger import PARSER, Entry
from journal.importers.moments import micros

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.importers.hermes.database import Database, Row
    from journal.importers.ledger import Ledger
    from journal.importers.sink import Sink

_READ = {"schema_version", "sessions", "messages", *KEY_SPACES}
_STEP = 256
"""Rows between two signs of progress."""


def read_database(
    path: Path,
    sink: Sink,
    ledger: Ledger,
    *,
    reread: bool = False,
    first: bool = True,
    step: Callable[[int], None] = lambda _offset: None,
) -> tuple[Entry, str | None]:
    """Read one database in one snapshot; append what an earlier import did not.

    Args:
        path: the database.
        sink: takes what is new.
        ledger: what earlier imports found.
        reread: append all of it again, known or not.
        first: whether this run did not read it before; only then what is not new is counted.
        step: is told now and then how far it is, as bytes of the file.

    Returns:
        What the ledger is to know once all of it is durable; and why a part of the database
        could not be read, or None.

    Raises:
        ImportFailed: it is no database of Hermes, or cannot be opened; nothing was appended.
        JournalError: the journal could not be written; what the report counts is.
    """
    entry = ledger.read(path)
    if entry is not None and (entry.format, entry.parser) != (HERMES, PARSER[HERMES]):
        entry = None
    known = Memory() if entry is None else Memory.unpack(entry.marks)
    if reread and first:
        known = known.forgotten()
    with open_database(path) as database:
        work = _Import(database, known, Teller(sink, known.round, first), step)
        why = work.run()
    sink.flush()
    before = 0 if first or entry is None else entry.lines
    sink.report.lines += max(0, work.rows - before)
    return Entry(shown(path), HERMES, PARSER[HERMES], work.rows, 0, "", work.now.packed()), why


@dataclass(slots=True)
class _Import:
    """One reading of one database.

    Attributes:
        known: what the imports before it found.
        now: what this one found; what could not be read stays as it was known.
        rows: rows that were read.
    """

    database: Database
    known: Memory
    teller: Teller
    step: Callable[[int], None]
    now: Memory = field(init=False)
    rows: int = 0
    _alive: dict[str, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keys = {space: dict(marks) for space, marks in self.known.keys.items()}
        self.now = Memory(self.known.round, dict(self.known.sessions), keys=keys)

    def run(self) -> str | None:
        """Read every part; that one is damaged must not keep the others from being read."""
        version = self.database.version
        if version > NEWEST:
            self.teller.repair(f"schema version {version}, newer than {NEWEST}, the last known")
        failed: list[str] = []
        for part in (self._sessions, self._messages, self._keys, self._others):
            try:
                part()
            except ImportFailed as error:
                failed.append(str(error))
        self.now.round += self.teller.told > 0
        return failed[0] if failed else None

    def _sessions(self) -> None:
        for row in self.database.rows("sessions"):
            self.rows += 1
            id = row.values.get("id")
            if not isinstance(id, str) or not id:
                self.teller.skip("session without an id")
                continue
            self._alive[id] = micros(row.values.get("started_at"))
            known = self.known.sessions.get(id)
            self.now.sessions[id] = tell_session(self.teller, id, row, known)

    def _messages(self) -> None:
        messages = Messages(self.teller, self._alive, iter(self.known.messages))
        self.now.messages = messages.now
        try:
            size, highest = self.database.size(), self.database.highest("messages")
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
                self.teller.change(KEY_DELETED, space, {"key": name})
            self.now.keys[space] = marks

    def _key(self, table: str, space: str, row: Row, marks: dict[str, int]) -> None:
        """Tell a key's value if it is new."""
        named = named_value(table, row.values)
        if named is None:
            self.teller.skip("key-value without a key")
            return
        name, value = named
        marks[name] = mark_of(value)
        data = {"key": name, "value": value}
        known = self.known.keys.get(space, {}).get(name)
        if known == marks[name]:
            self.teller.already(space)
        elif known is None:
            self.teller.fact(KEY_SET, space, data, row.repairs)
        else:
            self.teller.change(KEY_SET, space, data, row.repairs)

    def _others(self) -> None:
        """Count what is not imported: state of running programs, and counters for each model."""
        for table in self.database.tables:
            if table not in _READ:
                for _ in range(self.database.count(table)):
                    self.teller.skip(f"row of the table {table}")
