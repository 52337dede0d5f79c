"""A sink in ClickHouse: one table, in which of each key the document of the highest version counts.

How the table is spread over servers, and how often it is kept, is ClickHouse's business: a table
that exists is used as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from projector.sink.conditions import conditions_of, matching
from projector.sink.document import Checksum, Document, Key
from projector.sink.errors import SinkError
from projector.sink.literals import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.sink.document import Asked
    from projector.sink.engines import Engine

# a part that a mutation or a merge has replaced is deleted seconds later, since it may have what
# was forgotten; for that its successor must be on the disk
_CREATE = """
CREATE TABLE IF NOT EXISTS {table} (
  part LowCardinality(String), session String, id String, role LowCardinality(String),
  source LowCardinality(String), {added}, machine LowCardinality(String), place Int64,
  text String, state UInt8, deleted UInt8, version UInt64,
  INDEX words text TYPE text(tokenizer = 'splitByNonAlpha')
) ENGINE = ReplacingMergeTree(version, deleted) ORDER BY (session, id)
SETTINGS old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 5,
  cleanup_delay_period_random_add = 0, min_rows_to_fsync_after_merge = 1, fsync_after_insert = 1,
  fsync_part_directory = 1
"""
_ADDED = {
    "model": "LowCardinality(String)",
    "branch": "LowCardinality(String)",
    "meta": "UInt8",
    "tools": "Array(LowCardinality(String))",
    "files": "Array(String)",
    "failed": "UInt8",
}
"""Columns that the first tables did not have."""
_HASHED = (
    *("session", "id", "role", "source", "model", "branch", "toString(meta)"),
    *("arrayStringConcat(tools, '\\n')", "arrayStringConcat(files, '\\n')", "toString(failed)"),
    *("machine", "toString(place)", "toString(state)", "text"),
)
_CHECKSUM = (
    "SELECT count(), sum(reinterpretAsUInt64(substring(MD5(concat("
    + ", '\\0', ".join(_HASHED)
    + ")), 1, 8))) FROM {table} FINAL WHERE part = {part} AND deleted = 0"
)


class ClickHouse:
    """A table of documents in ClickHouse."""

    def __init__(self, engine: Engine, database: str, table: str) -> None:
        self._engine = engine
        self._database, self._name = database, table
        self._table = f"`{database}`.`{table}`"

    def prepare(self) -> str:
        """Make the database and the table if they are missing; return the table's uuid.

        Raises:
            SinkError: ClickHouse cannot be reached or refuses; the other methods raise it, too.
        """
        query = (
            "SELECT toString(uuid), create_table_query FROM system.tables"
            f" WHERE database = {literal(self._database)} AND name = {literal(self._name)}"
        )
        found = self._engine.select(query)
        if not found:
            self._engine.run(f"CREATE DATABASE IF NOT EXISTS `{self._database}`")
            added = ", ".join(map(" ".join, _ADDED.items()))
            self._engine.run(_CREATE.format(table=self._table, added=added))
            found = self._engine.select(query)
        if not found:
            raise SinkError(f"the table {self._table} was made, and is not there")
        [[uuid, made]] = found
        # a table of an earlier version does not have them
        missing = [f"ADD COLUMN {n} {kind}" for n, kind in _ADDED.items() if f"`{n}`" not in made]
        if missing:
            self._engine.run(f"ALTER TABLE {self._table} {', '.join(missing)}")
        return str(uuid)

    def put(self, documents: Sequence[Document]) -> None:
        """Store documents; again does nothing."""
        if documents:
            rows = b"\n".join(orjson.dumps(list(document)) for document in documents)
            names = ", ".join(Document._fields)
            self._engine.insert(f"{self._table} ({names})", rows)

    def erase(self, part: str, sessions: Sequence[str]) -> None:
        """Erase the documents of sessions, all versions and physically."""
        if sessions:
            names = ", ".join(map(literal, sessions))
            self._erase(f"part = {literal(part)} AND session IN ({names})")

    def erase_older(self, part: str, version: int) -> None:
        """Erase all documents of a part with a lower version, physically."""
        if not self.older(part, version):  # a mutation looks at all files, and rewrites some
            return
        self._erase(f"part = {literal(part)} AND version < {version}")

    def _erase(self, condition: str) -> None:
        # the statement returns when all files are rewritten
        self._engine.run(
            f"ALTER TABLE {self._table} DELETE WHERE {condition} SETTINGS mutations_sync = 2"
        )

    def older(self, part: str, version: int) -> int:
        """Return how many rows of a part have a lower version, of all versions of a document."""
        query = f"SELECT count() FROM {self._table} WHERE part = {literal(part)}"
        return int(self._engine.select(f"{query} AND version < {version}")[0][0])

    def sessions(self, part: str) -> list[str]:
        """Return the ids of the sessions that a part has documents of."""
        query = f"SELECT DISTINCT session FROM {self._table} WHERE part = {literal(part)}"
        return [str(session) for (session,) in self._engine.select(query)]

    def latest(self, part: str) -> int:
        """Return the highest version of a part; 0 if it has no document."""
        query = f"SELECT max(version) FROM {self._table} WHERE part = {literal(part)}"
        return int(self._engine.select(query)[0][0])

    def search(self, asked: Asked) -> list[Key]:
        """Return the messages that match, the newest first."""
        conditions = " AND ".join(("deleted = 0", matching(asked.wanted), *conditions_of(asked)))
        query = (
            f"SELECT session, id FROM {self._table} FINAL WHERE {conditions}"
            f" ORDER BY place DESC, session DESC, id DESC LIMIT {asked.limit} OFFSET {asked.offset}"
        )
        return [Key(str(session), str(id)) for session, id in self._engine.select(query)]

    def checksum(self, part: str) -> Checksum:
        """Return the checksum of the documents of a part that are not deleted."""
        query = _CHECKSUM.format(table=self._table, part=literal(part))
        [(count, total)] = self._engine.select(query)
        return Checksum(int(count), int(total))

    def close(self) -> None:
        """Close the connection."""
        self._engine.close()
