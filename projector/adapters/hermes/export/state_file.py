"""A SQLite database that is written from nothing, by one who owns it.

It is written with Python's own `sqlite3`, since Hermes goes on with that: a full-text index holds
the words that its SQLite found in a text, and versions of it do not agree about all texts.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Self

from journal.errors import ExportFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType


class StateFile:
    """The database, in one transaction that ends with the context.

    Nobody reads it before it is whole, so nothing of it can be rolled back.
    """

    def __init__(self, path: Path) -> None:
        """Begin a database in an empty file.

        Raises:
            ExportFailed: the file cannot be opened.
        """
        self._path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def execute(self, statement: str, bound: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; return the rows.

        Raises:
            ExportFailed: the file cannot be written.
        """
        return self._run(statement, bound).fetchall()

    def _run(self, statement: str, bound: Sequence[Any]) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, bound)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def insert(self, table: str, row: Mapping[str, Any]) -> bool:
        """Insert a row unless the table's rules are against it; say whether it was.

        Raises:
            ExportFailed: the file cannot be written.
        """
        marks = ", ".join("?" * len(row))
        statement = f"INSERT OR IGNORE INTO {table}({', '.join(row)}) VALUES({marks})"
        return self._run(statement, tuple(row.values())).rowcount > 0

    def __enter__(self) -> Self:
        for setting in ("journal_mode = OFF", "synchronous = OFF"):
            self.execute(f"PRAGMA {setting}")
        self.execute("BEGIN")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self.execute("COMMIT")
        finally:
            self._db.close()

    def _failed(self, error: sqlite3.Error) -> ExportFailed:
        return ExportFailed(f"cannot write {self._path}: {error}")
