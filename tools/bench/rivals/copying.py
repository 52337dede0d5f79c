"""The floor of projecting: a bare loop that fills the same tables with prepared rows."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import apsw

from projector.db.rows import INSERT_TEXT, indexed
from projector.db.tags import AT, Inherited
from projector.fold.facets import facets
from tools.bench.processes import BenchError

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 2_000
_TRANSACTION = 10
"""Chunks of a transaction: about as much as a build commits at once."""
_PRAGMAS = {
    "journal_mode": "OFF",
    "synchronous": "OFF",
    "locking_mode": "EXCLUSIVE",
    "temp_store": "MEMORY",
    "cache_size": -16 * 1024,
}
_HASH = 64 * 1024 * 1024
_SHADOW = "fts_%"
_SAME = (
    "SELECT count(*), sum(seq), sum(order_time % 1000003), sum(length(content)) FROM _events",
    "SELECT count(*), sum(messages), sum(last % 1000003) FROM _sessions",
    "SELECT count(*), group_concat(hex(sz), '') FROM fts_docsize",
)


class _Copy:
    def __init__(self, source: Path, target: Path) -> None:
        self._old = apsw.Connection(str(source), apsw.SQLITE_OPEN_READONLY)
        self._new = apsw.Connection(str(target))
        self._new.pragma("page_size", self._old.pragma("page_size"))
        for name, value in _PRAGMAS.items():
            self._new.pragma(name, value)
        query = (
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
            " AND name NOT LIKE ? ORDER BY rowid"
        )
        for (sql,) in self._old.execute(query, (_SHADOW,)):
            self._new.execute(sql)
        self._new.execute("INSERT INTO fts(fts, rank) VALUES('hashsize', ?)", (_HASH,))
        self.seconds = 0.0
        self.rows = 0

    def _statement(self, table: str) -> str:
        columns = self._old.execute("SELECT count(*) FROM pragma_table_info(?)", (table,)).get
        return f"INSERT INTO {table} VALUES({', '.join('?' * columns)})"

    def _time(self, act: Callable[[], object]) -> None:
        began = perf_counter()
        act()
        self.seconds += perf_counter() - began

    def _sessions(self, upto: int, done: int) -> list[tuple[Any, ...]]:
        query = "SELECT * FROM _sessions WHERE id > ? AND id <= ? ORDER BY id"
        return self._old.execute(query, (done, upto)).fetchall()

    def run(self) -> None:
        """Copy sessions, events and texts in their order of arrival; measure the inserts."""
        names = [c[1] for c in self._old.execute("PRAGMA table_info(_events)")]
        wanted = ("id", "session", "kind", "content", "role", "source", "timestamp")
        tagged: dict[int, Inherited] = {}
        at = {name: names.index(name) for name in wanted}
        into_sessions, into_events = self._statement("_sessions"), self._statement("_events")
        new, sessions = self._new, 0
        source = self._old.execute("SELECT * FROM _events ORDER BY id")
        chunk = 0
        while rows := [row for _, row in zip(range(_CHUNK), source, strict=False)]:
            begun = self._sessions(max(row[at["session"]] for row in rows), sessions)
            sessions = max([sessions, *(row[0] for row in begun)])
            tagged |= {row[0]: Inherited(*row[-len(AT) :]) for row in begun}
            texts = [
                indexed(
                    row[at["id"]],
                    row[at["session"]],
                    tagged[row[at["session"]]],
                    data := {name: row[at[name]] for name in wanted[3:]},
                    facets(data),
                )
                for row in rows
                if row[at["kind"]] == 1
            ]
            if chunk % _TRANSACTION == 0:
                self._time(lambda: new.execute("BEGIN IMMEDIATE"))
            began = perf_counter()
            new.executemany(into_sessions, begun)
            new.executemany(into_events, rows)
            new.executemany(INSERT_TEXT, texts)
            self.seconds += perf_counter() - began
            self.rows += len(texts)
            chunk += 1
            if chunk % _TRANSACTION == 0:
                self._time(lambda: new.execute("COMMIT"))
        if new.in_transaction:
            self._time(lambda: new.execute("COMMIT"))
        self._check()
        self._time(new.close)

    def _check(self) -> None:
        """Fail unless the copy has the same rows, and texts with the same number of words.

        Raises:
            BenchError: it has not, so the floor would be for other work.
        """
        for query in _SAME:
            # the sizes of the texts are blobs: compare what SQLite prints of them
            old, new = (str(db.execute(query).fetchall()) for db in (self._old, self._new))
            if old != new:
                raise BenchError(f"the floor differs from the projection in: {query}")


def copy(source: str, target: str) -> Callable[[], dict[str, float]]:
    """Fill new tables with the rows of a projection; measure the seconds of the inserts."""
    work = _Copy(Path(source), Path(target))

    def act() -> dict[str, float]:
        work.run()
        Path(target).unlink()
        return {"seconds": work.seconds, "messages": work.rows}

    return act
