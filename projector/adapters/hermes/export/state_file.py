"""A new SQLite database that only its writer uses until it is complete.

Python's own `sqlite3` writes it, because Hermes continues with that: a full-text index holds the
words that its SQLite version found in a text, and versions differ.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Self

from journal import ExportFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType


class StateFile:
    """The database, written in one transaction that the context commits.

    It has no rollback journal: after an error the file is useless and the caller removes it.
    """

    def __init__(self, path: Path) -> None:
        """Create a database in an empty file.

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
        """Insert a row unless a constraint of the table forbids it; return whether it was inserted.

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
