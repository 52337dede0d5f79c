"""The databases that one search asks: that of the whole projection, or those of its parts.

A message is named by one number: its rowid times the number of databases, plus the index of its
database. Of a single database that is the rowid.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import apsw


@dataclass(frozen=True, slots=True)
class Databases:
    """One or more databases, each with the messages of other sessions."""

    all: tuple[apsw.Connection, ...]

    @classmethod
    def only(cls, db: apsw.Connection) -> Databases:
        """Return a single database."""
        return cls((db,))

    def name(self, row: int, index: int) -> int:
        """Return the number of a message, or of a session, by its rowid and its database."""
        return row * len(self.all) + index

    def find(self, number: int) -> tuple[apsw.Connection, int]:
        """Return the database of a message, and its rowid there."""
        row, index = divmod(number, len(self.all))
        return self.all[index], row

    def select(self, query: str, numbers: Iterable[int]) -> Iterator[tuple[Any, ...]]:
        """Yield what a query selects for messages; its first column, a rowid, becomes a number.

        Args:
            query: it has one bound value, a JSON array of rowids.
            numbers: of the messages.

        Raises:
            apsw.Error: a database refuses.
        """
        rows: list[list[int]] = [[] for _ in self.all]
        for number in numbers:
            row, index = divmod(number, len(self.all))
            rows[index].append(row)
        for index, (db, wanted) in enumerate(zip(self.all, rows, strict=True)):
            if wanted:
                for row, *values in db.execute(query, (json.dumps(wanted),)):
                    yield self.name(int(row), index), *values
