"""The content of a full-text index, term by term."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from projector.db.rows import index_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

Terms = tuple[tuple[int, str], ...]
"""The terms of one text, each with its position."""
Index = dict[tuple[str, str], Terms]
"""The terms of each message, by session and id; messages without terms are missing."""

_TABLE = (
    "CREATE VIRTUAL TABLE fts USING fts5("
    "text, content='', tokenize='unicode61 remove_diacritics 2')"
)
_VOCABULARY = "CREATE VIRTUAL TABLE temp.terms USING fts5vocab('main', 'fts', 'instance')"


def index_of(db: apsw.Connection) -> Index:
    """Read the full-text index of a projection.

    The session of a row that is no message of the projection is `?`.
    """
    query = "SELECT e.id, s.session, e.event_id FROM _events e JOIN _sessions s ON s.id = e.session"
    keys = {row: (str(session), str(key)) for row, session, key in db.execute(query)}
    return {keys.get(row, ("?", str(row))): terms for row, terms in _terms(db).items()}


def index_for(messages: Mapping[tuple[str, str], Mapping[str, Any]]) -> Index:
    """Index the data of messages in a new table, in one step."""
    db = apsw.Connection(":memory:")
    db.execute(_TABLE)
    keys = dict(enumerate(messages))
    rows = [(row, index_text(messages[key])) for row, key in keys.items()]
    db.executemany("INSERT INTO fts(rowid, text) VALUES(?, ?)", rows)
    index = {keys[row]: terms for row, terms in _terms(db).items()}
    db.close()
    return index


def _terms(db: apsw.Connection) -> dict[int, Terms]:
    db.execute(_VOCABULARY)
    found: dict[int, list[tuple[int, str]]] = {}
    query = "SELECT doc, offset, term FROM temp.terms WHERE col = 'text'"
    for row, place, term in db.execute(query):
        found.setdefault(int(row), []).append((int(place), str(term)))
    db.execute("DROP TABLE temp.terms")
    return {row: tuple(sorted(terms)) for row, terms in found.items()}
