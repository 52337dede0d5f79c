"""A sink in ClickHouse: one table, in which of each key the document of the highest version counts.

How the table is spread over servers, and how often it is kept, is ClickHouse's business: a table
that exists is used as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from projector.sink.document import Checksum, Document, Key
from projector.sink.errors import SinkError
from projector.text.normalize import fold, is_cjk, pairs
from projector.text.query_tree import All, Either
from projector.text.term import Term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.sink.document import Asked
    from projector.sink.engines import Engine
    from projector.text.query_tree import Node

# a part that a mutation or a merge has replaced is deleted seconds later, since it may have what
# was forgotten; for that its successor must be on the disk
_CREATE = """
CREATE TABLE IF NOT EXISTS {table} (
  part LowCardinality(String), session String, id String, role LowCardinality(String),
  source LowCardinality(String), machine LowCardinality(String), place Int64, text String,
  state UInt8, deleted UInt8, version UInt64,
  INDEX words text TYPE text(tokenizer = 'splitByNonAlpha')
) ENGINE = ReplacingMergeTree(version, deleted) ORDER BY (session, id)
SETTINGS old_parts_lifetime = 1, cleanup_delay_period = 5, max_cleanup_delay_period = 5,
  cleanup_delay_period_random_add = 0, min_rows_to_fsync_after_merge = 1, fsync_after_insert = 1,
  fsync_part_directory = 1
"""
_HASHED = (
    "session",
    "id",
    "role",
    "source",
    "machine",
    "toString(place)",
    "toString(state)",
    "text",
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
            f"SELECT toString(uuid) FROM system.tables WHERE database = {_text(self._database)}"
            f" AND name = {_text(self._name)}"
        )
        found = self._engine.select(query)
        if not found:
            self._engine.run(f"CREATE DATABASE IF NOT EXISTS `{self._database}`")
            self._engine.run(_CREATE.format(table=self._table))
            found = self._engine.select(query)
        if not found:
            raise SinkError(f"the table {self._table} was made, and is not there")
        return str(found[0][0])

    def put(self, documents: Sequence[Document]) -> None:
        """Store documents; again does nothing."""
        if documents:
            rows = b"\n".join(orjson.dumps(list(document)) for document in documents)
            names = ", ".join(Document._fields)
            self._engine.run(f"INSERT INTO {self._table} ({names}) FORMAT JSONCompactEachRow", rows)

    def erase(self, part: str, sessions: Sequence[str]) -> None:
        """Erase the documents of sessions, all versions and physically."""
        if sessions:
            names = ", ".join(map(_text, sessions))
            self._erase(f"part = {_text(part)} AND session IN ({names})")

    def erase_older(self, part: str, version: int) -> None:
        """Erase all documents of a part with a lower version, physically."""
        self._erase(f"part = {_text(part)} AND version < {version}")

    def _erase(self, condition: str) -> None:
        # the statement returns when all files are rewritten
        self._engine.run(
            f"ALTER TABLE {self._table} DELETE WHERE {condition} SETTINGS mutations_sync = 2"
        )

    def sessions(self, part: str) -> list[str]:
        """Return the ids of the sessions that a part has documents of."""
        query = f"SELECT DISTINCT session FROM {self._table} WHERE part = {_text(part)}"
        return [str(session) for (session,) in self._engine.select(query)]

    def latest(self, part: str) -> int:
        """Return the highest version of a part; 0 if it has no document."""
        query = f"SELECT max(version) FROM {self._table} WHERE part = {_text(part)}"
        return int(self._engine.select(query)[0][0])

    def search(self, asked: Asked) -> list[Key]:
        """Return the messages that match, the newest first."""
        conditions = ["deleted = 0", _condition(asked.wanted)]
        conditions += [
            f"{name} = {_text(value)}"
            for name in ("role", "source", "session", "machine")
            if (value := getattr(asked, name)) is not None
        ]
        if asked.since is not None:
            conditions.append(f"place >= {asked.since}")
        if asked.until is not None:
            conditions.append(f"place < {asked.until}")
        query = (
            f"SELECT session, id FROM {self._table} FINAL WHERE {' AND '.join(conditions)}"
            f" ORDER BY place DESC, session DESC, id DESC LIMIT {asked.limit} OFFSET {asked.offset}"
        )
        return [Key(str(session), str(id)) for session, id in self._engine.select(query)]

    def checksum(self, part: str) -> Checksum:
        """Return the checksum of the documents of a part that are not deleted."""
        query = _CHECKSUM.format(table=self._table, part=_text(part))
        [(count, total)] = self._engine.select(query)
        return Checksum(int(count), int(total))

    def close(self) -> None:
        """Close the connection."""
        self._engine.close()


def _text(value: str) -> str:
    """Return a text as a literal of ClickHouse."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0")
    return f"'{escaped}'"


def _condition(node: Node) -> str:
    """Return the condition that a text has what is searched for."""
    if isinstance(node, Term):
        return _has(node)
    if isinstance(node, Either):
        return f"({' OR '.join(map(_condition, node.choices))})"
    assert isinstance(node, All)  # noqa: S101 - of the three kinds of nodes
    wanted = [*map(_condition, node.wanted), *(f"NOT {_condition(n)}" for n in node.unwanted)]
    return f"({' AND '.join(wanted)})"


def _has(term: Term) -> str:
    *whole, last = tokens_of(term)
    if term.prefix or (len(last) == 1 and is_cjk(last)):
        # the index has no beginnings of words: the texts are read
        begins = " ".join((*whole, last))
        found = f"position(concat(' ', text), {_text(' ' + begins)}) > 0"
        tokens = whole
    elif not whole:
        return f"hasAllTokens(text, [{_text(last)}])"
    else:
        found = f"hasPhrase(text, {_text(' '.join((*whole, last)))})"
        tokens = []
    narrowed = f"hasAllTokens(text, [{', '.join(map(_text, tokens))}]) AND " if tokens else ""
    return f"({narrowed}{found})"


def tokens_of(term: Term) -> list[str]:
    """Return the words of a term, runs of Chinese, Japanese and Korean as pairs of characters."""
    *words, last = (fold(word) for word in term.words)
    tokens: list[str] = []
    for word in words:
        tokens += pairs(word) if is_cjk(word) else [word]
    return [*tokens, *(pairs(last)[:-1] or [last])] if is_cjk(last) else [*tokens, last]
