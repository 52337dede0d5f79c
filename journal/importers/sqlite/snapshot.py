"""One state of another program's SQLite database, which that program may be writing to.

The database is opened with `mode=ro`: nothing is ever written to it, not even a checkpoint. In WAL
mode readers and writers do not wait for each other, so one read transaction lasts as long as the
import. In the other modes a reader would make its writer wait, so a transaction lasts only as long
as the rows of one `moment` are fetched.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from journal.errors import ImportFailed
from journal.importers.files.decode import BYTES, NUMBER
from journal.importers.formats import OtherFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from journal.importers.parsing.values import Json

_PATIENCE = 10.0
"""Seconds for which the database may be locked: while it is recovered, or is in no WAL mode."""


class NotOfProgramError(OtherFormatError):
    """The file is no SQLite database, or belongs to another program."""


class DamagedError(ImportFailed):
    """A read of the database failed."""


@dataclass(frozen=True, slots=True)
class Program:
    """The program that a database belongs to.

    Attributes:
        name: its name, for messages.
        place: where its database is, such as "~/.hermes/state.db", for messages.
        needed: the tables that only its databases have, each with some columns.
    """

    name: str
    place: str
    needed: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        values: the columns by name.
        repairs: how they differ from the values in the database.
    """

    values: dict[str, Any]
    repairs: tuple[str, ...] = ()


@contextmanager
def open_snapshot(path: Path, program: Program) -> Iterator[Snapshot]:
    """Open a database; in WAL mode its snapshot begins now and ends with the context.

    Raises:
        NotOfProgramError: the file is no database of the program.
        ImportFailed: it cannot be opened.
    """
    name = quote(os.fsencode(path.absolute()))
    try:
        connection = sqlite3.connect(
            f"file:{name}?mode=ro", uri=True, timeout=_PATIENCE, isolation_level=None
        )
    except sqlite3.Error as error:
        raise explained(path, program, error) from error
    try:
        yield _begun(path, program, connection)
    finally:
        connection.close()


def _begun(path: Path, program: Program, connection: sqlite3.Connection) -> Snapshot:
    """Begin the snapshot, and check that it is a database of the program."""
    try:
        # the file may come from anywhere: code in its schema must not run
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        connection.execute("BEGIN")
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        columns = {name: _columns(connection, name) for (name,) in found.fetchall()}
        if mode != "wal":
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise explained(path, program, error) from error
    for table, needed in program.needed.items():
        missing = sorted(needed - columns.get(table, {}).keys())
        if missing:
            what = f"{table}.{missing[0]}" if table in columns else f"table {table}"
            raise NotOfProgramError(
                f"is a SQLite database, but none of {program.name} (it has no {what});"
                f" give {program.place}"
            )
    return Snapshot(path, program, connection, columns, wal=mode == "wal")


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, str | None]:
    """Return a table's columns with their defaults as SQL text."""
    found = connection.execute("SELECT name, dflt_value FROM pragma_table_info(?)", (table,))
    return dict(found.fetchall())


@dataclass(slots=True)
class Snapshot:
    """An open database.

    Attributes:
        path: the file.
        program: the program that it belongs to.
        columns: the columns of each table, with their defaults as SQL text.
        wal: whether it is in WAL mode: then all rows are of one moment.
    """

    path: Path
    program: Program
    connection: sqlite3.Connection
    columns: dict[str, dict[str, str | None]]
    wal: bool
    _replaced: bool = field(default=False)

    def __post_init__(self) -> None:
        self.connection.text_factory = self.text

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Make all rows of the context those of one moment.

        Raises:
            ImportFailed: another process keeps the database locked, or it cannot be read.
        """
        if self.wal:
            yield
            return
        self._run("BEGIN")
        try:
            yield
        finally:
            if self.connection.in_transaction:
                self._run("COMMIT")

    def has(self, table: str, *columns: str) -> bool:
        """Return whether there is a table with these columns."""
        return table in self.columns and self.columns[table].keys() >= set(columns)

    def rows(self, query: str, values: tuple[Json, ...] = ()) -> Iterator[Row]:
        """Yield the rows of a query as they are read; values that are no JSON are changed.

        Raises:
            DamagedError: a read failed; the rows until then are right.
            ImportFailed: the database cannot be read any more.
        """
        self._replaced = False
        try:
            cursor = self.connection.execute(query, values)
            names = [column[0] for column in cursor.description]
            for found in cursor:
                yield self._row(dict(zip(names, found, strict=True)))
        except sqlite3.Error as error:
            raise explained(self.path, self.program, error) from error

    def all(self, query: str, values: tuple[Json, ...] = ()) -> list[Row]:
        """Return the rows of a query.

        Raises:
            DamagedError: a read failed.
            ImportFailed: the database cannot be read any more.
        """
        return list(self.rows(query, values))

    def number(self, query: str, values: tuple[Json, ...] = ()) -> int:
        """Return the one number that a query selects.

        Raises:
            DamagedError: a read failed.
            ImportFailed: the database cannot be read any more.
        """
        try:
            (number,) = self.connection.execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise explained(self.path, self.program, error) from error
        return int(number)

    def size(self) -> int:
        """Return the bytes of the file, as far as this snapshot knows them.

        Raises:
            DamagedError: a read failed.
            ImportFailed: the database cannot be read any more.
        """
        return self.number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")

    def text(self, raw: bytes) -> str:
        """Decode bytes; those that are no UTF-8 are replaced, and the row says so."""
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self._replaced = True
            return raw.decode(errors="replace")

    def _run(self, statement: str) -> None:
        try:
            self.connection.execute(statement)
        except sqlite3.Error as error:
            raise explained(self.path, self.program, error) from error

    def _row(self, values: dict[str, Any]) -> Row:
        repairs = (BYTES,) if self._replaced else ()
        self._replaced = False
        for name, value in values.items():
            if isinstance(value, float) and not float("-inf") < value < float("inf"):
                values[name] = str(value)
                repairs = (*repairs, NUMBER)
        return Row(values, repairs)


def explained(path: Path, program: Program, error: sqlite3.Error) -> ImportFailed:
    """Return the error to report for an error of SQLite, with what to do."""
    # errors of the module itself have no name
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_NOTADB"):
        return NotOfProgramError(f"is no SQLite database; give {program.place}")
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
            f" back: start {program.name} once, then import again"
        )
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return ImportFailed(
            f"cannot be opened ({error}): SQLite has to read {path.name} and {path.name}-wal, and"
            f" to write {path.name}-shm beside them. Import as the user that {program.name} runs"
            f" as, or copy {path.name} and {path.name}-wal, if it is there, to a folder of your own"
        )
    return ImportFailed(f"cannot be read: {error}")
