"""Which sessions hold an identifier as it was typed: the index finds its words, texts decide."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from projector.db.tags import of_session
from projector.search.matches import TEXT_AND_KEYS
from projector.search.texts import COLUMNS, text_of
from projector.text.highlight import fold_whole, has
from projector.text.term import Term

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import apsw

_READ = 300
"""Most texts that are read for an identifier, the newest with its words."""
_CHARACTERS = 2_000_000
"""After how many characters of these no further text is read."""


def holding(db: apsw.Connection, term: Term, sessions: Collection[int]) -> set[int]:
    """Return which of these sessions have a text or title that holds a term.

    Args:
        db: the projection.
        term: with words and a literal.
        sessions: their rowids.

    Raises:
        apsw.Error: the database refuses.
        TextDamaged: a text is not what was written.
    """
    query = (
        "SELECT id, title FROM _sessions WHERE id IN (SELECT value FROM json_each(?))"
        " AND title IS NOT NULL"
    )
    titles = db.execute(query, (json.dumps(list(sessions)),))
    found = {int(session) for session, title in titles if has(fold_whole(str(title)), term)}
    tags = " OR ".join(of_session(session) for session in sessions if session not in found)
    if tags:
        for session, text in _texts(db, f"(tags : ({tags})) AND ({_phrase(term)})"):
            if session not in found and has(fold_whole(text), term):
                found.add(session)
    return found


def is_held(db: apsw.Connection, term: Term) -> bool:
    """Return whether any text or title holds a term, or may hold it if there are too many to read.

    Raises:
        apsw.Error: the database refuses.
        TextDamaged: a text is not what was written.
    """
    query = (
        "SELECT s.title FROM fts_titles t CROSS JOIN _sessions s ON s.id = t.rowid"
        f" WHERE fts_titles MATCH ? LIMIT {_READ}"
    )
    titles = db.execute(query, (Term(term.words).match(),))
    if any(has(fold_whole(str(title)), term) for (title,) in titles):
        return True
    read = size = 0
    for _, text in _texts(db, _phrase(term)):
        read, size = read + 1, size + len(text)
        if has(fold_whole(text), term):
            return True
    return read >= _READ or size >= _CHARACTERS


def _phrase(term: Term) -> str:
    return f"{TEXT_AND_KEYS} : {Term(term.words).match()}"


def _texts(db: apsw.Connection, match: str) -> Iterator[tuple[int, str]]:
    """Yield sessions and texts of the newest messages that match."""
    query = (
        f"SELECT e.session, {COLUMNS} FROM (SELECT rowid FROM fts WHERE fts MATCH ?"
        f" ORDER BY rowid DESC LIMIT {_READ}) f CROSS JOIN _events e ON e.id = f.rowid"
    )
    size = 0
    for session, *columns in db.execute(query, (match,)):
        text = text_of(columns)
        yield int(session), text
        size += len(text)
        if size >= _CHARACTERS:
            return
