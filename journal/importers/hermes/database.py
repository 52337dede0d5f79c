"""A Hermes `state.db`, read in one snapshot while Hermes may be writing to it.

Columns are read by the names that the tables have, because Hermes adds columns in new versions:
schema versions 11 (0.13.0) to 22 (0.19.0) are known.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.errors import ImportFailed
from journal.importers.files.decode import BYTES
from journal.importers.hermes.rows import DEFAULTS
from journal.importers.hermes.versions import OLDEST
from journal.importers.sqlite.snapshot import Program, Row, Snapshot, open_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.importers.parsing.values import Json

_HERMES = Program(
    "Hermes",
    "a Hermes home's state.db, such as ~/.hermes/state.db",
    {
        "schema_version": frozenset(("version",)),
        "sessions": frozenset(("id", "source", "started_at")),
        "messages": frozenset(("id", "session_id", "role", "content", "timestamp")),
    },
)


@contextmanager
def open_database(path: Path) -> Iterator[Database]:
    """Open a `state.db` and begin its snapshot, which ends with the context.

    Raises:
        NotOfProgramError: the file is no database of Hermes.
        ImportFailed: it cannot be opened, is of an unknown older version, or has no version yet.
    """
    with open_snapshot(path, _HERMES) as snapshot, snapshot.moment():
        version = next(snapshot.rows("SELECT max(version) AS v FROM schema_version")).values["v"]
        if not isinstance(version, int):
            raise ImportFailed(
                "has no schema version: Hermes was stopped while it made it;"
                " start Hermes once, then import again"
            )
        if version < OLDEST:
            raise ImportFailed(
                f"has schema version {version}; {OLDEST} is the oldest that can be read:"
                " start Hermes 0.13.0 or newer on it once, which brings it up to date"
            )
        yield Database(snapshot, version)


@dataclass(slots=True)
class Database:
    """An open `state.db`.

    Attributes:
        snapshot: its rows.
        version: its schema version.
    """

    snapshot: Snapshot
    version: int

    @property
    def tables(self) -> list[str]:
        """The names of the tables that are no part of another table, sorted."""
        columns = self.snapshot.columns
        virtual = [name for name in columns if f"{name}_data" in columns]
        return sorted(
            name
            for name in columns
            if not name.startswith("sqlite_")
            and not any(name == index or name.startswith(f"{index}_") for index in virtual)
        )

    def rows(self, table: str, *, by: str = "rowid", whole: bool = False) -> Iterator[Row]:
        """Read a table; bytes become text.

        Args:
            table: its name; a missing table has no rows.
            by: the column by which the rows are sorted.
            whole: also return columns without a value, and with their default.

        Raises:
            DamagedError: a read failed; the rows until then are right.
            ImportFailed: the database cannot be read any more.
        """
        if table not in self.snapshot.columns:
            return
        defaults = {} if whole else self._defaults(table)
        for row in self.snapshot.rows(f'SELECT * FROM "{table}" ORDER BY {by}'):
            values, repairs = row.values, row.repairs
            if not whole:
                values = {
                    name: value
                    for name, value in values.items()
                    if value is not None and value != defaults.get(name)
                }
            for name, value in values.items():
                if isinstance(value, bytes):
                    values[name] = value.decode(errors="replace")
                    if values[name].encode() != value and BYTES not in repairs:
                        repairs = (BYTES, *repairs)
            yield Row(values, repairs)

    def count(self, table: str) -> int:
        """Count the rows of a table.

        Raises:
            DamagedError: a read failed.
            ImportFailed: the database cannot be read any more.
        """
        return self.snapshot.number(f'SELECT count(*) FROM "{table}"')

    def highest(self, table: str) -> int:
        """Return the highest rowid of a table; 0 when it is empty.

        Raises:
            DamagedError: a read failed.
            ImportFailed: the database cannot be read any more.
        """
        return self.snapshot.number(f'SELECT coalesce(max(rowid), 0) FROM "{table}"')

    def _defaults(self, table: str) -> dict[str, Json]:
        found = dict(DEFAULTS.get(table, {}))
        for name, text in self.snapshot.columns[table].items():
            if text is not None:
                found[name] = int(text) if text.lstrip("-").isdigit() else text.strip("'")
        return found
