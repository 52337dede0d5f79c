"""A Hermes `state.db`, read in one snapshot while Hermes may be writing to it.

The database is opened with `mode=ro`: nothing is ever written to it, not even a checkpoint. In WAL
mode readers and writers do not wait for each other. All rows come from one read transaction, so
they are consistent. Columns are read by the names that the tables have, because Hermes adds columns
in new versions: schema versions 11 (0.13.0) to 22 (0.19.0) are known.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from journal.errors import ImportFailed
from journal.importers.files.decode import BYTES, NUMBER
from journal.importers.formats import OtherFormatError
from journal.importers.hermes.versions import OLDEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.importers.parsing.values import Json

_PATIENCE = 10.0
"""Seconds for which the database may be locked: while it is recovered, or is in no WAL mode."""
_NEEDED = {
    "schema_version": {"version"},
    "sessions": {"id", "source", "started_at"},
    "messages": {"id", "session_id", "role", "content", "timestamp"},
}
_ZERO = frozenset({"expiry_finalized", "compression_fallback_streak", "rewind_count", "archived"})
"""Columns of sessions with the default 0, which tables from old repairs declare without it."""


class NotHermesError(OtherFormatError):
    """The file is no SQLite database, or belongs to another program."""


class DamagedError(ImportFailed):
    """A read of the database failed."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        values: the columns whose value is not their default, by name.
        repairs: how they differ from the values in the database.
    """

    values: dict[str, Json]
    repairs: tuple[str, ...] = ()


@contextmanager
def open_database(path: Path) -> Iterator[Database]:
    """Open a `state.db` and begin its snapshot, which ends with the context.

    Raises:
        NotHermesError: the file is no database of Hermes.
        ImportFailed: it cannot be opened, is of an unknown older version, or has no version yet.
    """
    name = quote(os.fsencode(path.absolute()))
    try:
        connection = sqlite3.connect(
            f"file:{name}?mode=ro", uri=True, timeout=_PATIENCE, isolation_level=None
        )
    except sqlite3.Error as error:
        raise _explained(path, error) from error
    try:
        yield _begun(path, connection)
    finally:
        connection.close()


def _begun(path: Path, connection: sqlite3.Connection) -> Database:
    """Begin the snapshot, and check that it is a database of Hermes."""
    try:
        # the file may come from anywhere: code in its schema must not run
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        columns = {name: _columns(connection, name) for (name,) in found.fetchall()}
        for table, needed in _NEEDED.items():
            missing = sorted(needed - columns.get(table, {}).keys())
            if missing:
                what = f"{table}.{missing[0]}" if table in columns else f"table {table}"
                raise NotHermesError(
                    f"is a SQLite database, but none of Hermes (it has no {what});"
                    " give a Hermes home's state.db, such as ~/.hermes/state.db"
                )
        (version,) = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    except sqlite3.Error as error:
        raise _explained(path, error) from error
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
    return Database(path, connection, version, columns)


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, str | None]:
    """Return a table's columns with their defaults as SQL text."""
    found = connection.execute("SELECT name, dflt_value FROM pragma_table_info(?)", (table,))
    return dict(found.fetchall())


@dataclass(slots=True)
class Database:
    """An open `state.db`.

    Attributes:
        path: the file.
        version: its schema version.
        columns: the columns of each table, with their defaults as SQL text.
    """

    path: Path
    connection: sqlite3.Connection
    version: int
    columns: dict[str, dict[str, str | None]]
    _replaced: bool = field(default=False)

    def __post_init__(self) -> None:
        self.connection.text_factory = self._text

    @property
    def tables(self) -> list[str]:
        """The names of the tables that are no part of another table, sorted."""
        virtual = [name for name in self.columns if f"{name}_data" in self.columns]
        return sorted(
            name
            for name in self.columns
            if not name.startswith("sqlite_")
            and not any(name == index or name.startswith(f"{index}_") for index in virtual)
        )

    def rows(self, table: str, *, by: str = "rowid", whole: bool = False) -> Iterator[Row]:
        """Read a table.

        Args:
            table: its name; a missing table has no rows.
            by: the column by which the rows are sorted.
            whole: also return columns without a value, and with their default.

        Raises:
            DamagedError: a read failed; the rows until then are right.
            ImportFailed: the database cannot be read any more.
        """
        if table not in self.columns:
            return
        defaults = {} if whole else self._defaults(table)
        try:
            cursor = self.connection.execute(f'SELECT * FROM "{table}" ORDER BY {by}')
            names = [column[0] for column in cursor.description]
            for found in cursor:
                values = {
                    name: value
                    for name, value in zip(names, found, strict=True)
                    if whole or (value is not None and value != defaults.get(name))
                }
                yield self._row(values)
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error

    def count(self, table: str) -> int:
        """Count the rows of a table.

        Raises:
            DamagedError: a read failed.
            ImportFailed: the database cannot be read any more.
        """
        return self._number(f'SELECT count(*) FROM "{table}"')

    def size(self) -> int:
        """Return the bytes of the file, as far as this snapshot knows them.

        Raises:
            DamagedError: a read failed.
            ImportFailed: the database cannot be read any more.
        """
        pages = "pragma_page_count, pragma_page_size"
        return self._number(f"SELECT page_count * page_size FROM {pages}")

    def highest(self, table: str) -> int:
        """Return the highest rowid of a table; 0 when it is empty.

        Raises:
            DamagedError: a read failed.
            ImportFailed: the database cannot be read any more.
        """
        return self._number(f'SELECT coalesce(max(rowid), 0) FROM "{table}"')

    def _number(self, query: str) -> int:
        try:
            (number,) = self.connection.execute(query).fetchone()
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error
        return int(number)

    def _defaults(self, table: str) -> dict[str, Json]:
        found: dict[str, Json] = dict.fromkeys(_ZERO, 0) if table == "sessions" else {}
        if table == "messages":
            found = {"observed": 0, "active": 1, "compacted": 0}
        for name, text in self.columns[table].items():
            if text is not None:
                found[name] = int(text) if text.lstrip("-").isdigit() else text.strip("'")
        return found

    def _row(self, values: dict[str, Json]) -> Row:
        repairs = (BYTES,) if self._replaced else ()
        self._replaced = False
        for name, value in values.items():
            if isinstance(value, bytes):
                values[name] = self._text(value)
                repairs = (BYTES,) if self._replaced else repairs
                self._replaced = False
            elif isinstance(value, float) and not float("-inf") < value < float("inf"):
                values[name] = str(value)
                repairs = (*repairs, NUMBER)
        return Row(values, repairs)

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self._replaced = True
            return raw.decode(errors="replace")


def _explained(path: Path, error: sqlite3.Error) -> ImportFailed:
    """Return the error to report for an error of SQLite, with what to do."""
    # errors of the module itself have no name
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_NOTADB"):
        return NotHermesError(
            "is no SQLite database; give a Hermes home's state.db, such as ~/.hermes/state.db"
        )
    if name.startswith("SQLITE_CORRUPT"):
        return DamagedError(
            f"the database is damaged ({error}); what could be read before that is imported."
            f" Save the rest with `sqlite3 {path.name} .recover | sqlite3 mended.db`,"
            " and import mended.db"
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return ImportFailed(
            f"another process has kept the database locked for {_PATIENCE:.0f} s; import again"
        )
    if name == "SQLITE_READONLY_ROLLBACK":
        return ImportFailed(
            f"{path.name}-journal holds a write that was cut off, and only a writer can take it"
            " back: start Hermes once, then import again"
        )
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return ImportFailed(
            f"cannot be opened ({error}): SQLite has to read {path.name} and {path.name}-wal, and"
            f" to write {path.name}-shm beside them. Import as the user that Hermes runs as, or"
            f" copy {path.name} and {path.name}-wal, if it is there, to a folder of your own"
        )
    return ImportFailed(f"cannot be read: {error}")
