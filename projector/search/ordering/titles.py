"""Sessions whose titles have the words of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.db.tags import narrowed, of_session
from projector.search.filters import narrowing
from projector.search.matches import Matches
from projector.search.ordering.order import sessions_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from projector.search.conditions.narrowing import Narrowing
    from projector.search.filters import Filters
    from projector.search.ordering.databases import Databases
    from projector.text.query import Query

MOST = 200
"""Most sessions that are found by their titles: those with the newest messages."""
MOST_WITH = 2_000
"""Most sessions that are found by a word of their titles."""


def titled(db: apsw.Connection, query: Query, filters: Filters) -> dict[int, int]:
    """Return the sessions whose titles have all words, with a message that meets the conditions.

    Args:
        db: the projection.
        query: what is searched for; without a word, or with what must not be there, no title is
            found.
        filters: which messages are searched.

    Returns:
        For each session, by its rowid, the rowid of its first message that meets the conditions.
        There may be more sessions if these are `MOST`.

    Raises:
        apsw.Error: the database refuses.
    """
    if not query.match or query.excludes:
        return {}
    found = db.execute(
        "SELECT s.id, s.title FROM fts_titles t CROSS JOIN _sessions s ON s.id = t.rowid"
        f" WHERE fts_titles MATCH ? ORDER BY s.last DESC LIMIT {MOST}",
        (query.match,),
    )
    rows = [int(row) for row, title in found if query.holds(str(title))]
    asked = narrowing(db, filters) if rows else None
    return {} if asked is None else first_messages(db, rows, asked)


def first_messages(
    db: apsw.Connection, sessions: Iterable[int], asked: Narrowing
) -> dict[int, int]:
    """Return for each session the rowid of its first message that meets the conditions, if any.

    Raises:
        apsw.Error: the database refuses.
    """
    joins = " JOIN _events e ON e.id = fts.rowid JOIN _sessions s ON s.id = e.session"
    statement = (
        f"SELECT fts.rowid FROM fts{joins if asked.where else ''} WHERE fts MATCH ?{asked.where}"
        " ORDER BY fts.rowid LIMIT 1"
    )
    first: dict[int, int] = {}
    for session in sessions:
        match = narrowed("", (*asked.tags, of_session(session)), asked.but)
        message = db.execute(statement, (match, *asked.values)).get
        if message is not None:
            first[session] = message
    return first


def promoted(dbs: Databases, found: Matches, first: dict[int, int]) -> tuple[Matches, set[int]]:
    """Return matches with one message of each session that is found by its title before all others.

    That is its best match, or else its first message.

    Args:
        dbs: the projection.
        found: what matches.
        first: the sessions, as `titled` returns them, by their numbers.

    Returns:
        The matches, and the rowids of these messages.

    Raises:
        apsw.Error: the database refuses.
    """
    if not first:
        return found, set()
    scores = dict(found.rows)
    best: dict[int, tuple[float, int]] = {}
    for row, session in sessions_of(dbs, scores):
        if session not in first:
            continue
        best[session] = max(best.get(session, (0.0, 0)), (scores[row], row))
    top = max(scores.values(), default=0.0) + 1.0
    chosen = {best[session][1] if session in best else row for session, row in first.items()}
    added = sum(row not in scores for row in chosen)
    scores |= {row: scores.get(row, 0.0) + top for row in chosen}
    exact = found.exact and len(first) < MOST
    return Matches([*scores.items()], exact, found.total + added, found.cut), chosen


def with_words(db: apsw.Connection, matches: Iterable[str]) -> dict[int, int]:
    """Return the sessions whose titles have one of some words.

    Args:
        db: the projection.
        matches: for each word an expression that matches it.

    Returns:
        For each session, by its rowid, a bit for each word that its title has. Of each word the
        newest `MOST_WITH` sessions are found.

    Raises:
        apsw.Error: the database refuses.
    """
    query = (
        "SELECT rowid FROM fts_titles WHERE fts_titles MATCH ?"
        f" ORDER BY rowid DESC LIMIT {MOST_WITH}"
    )
    has: dict[int, int] = {}
    for at, match in enumerate(matches):
        for (session,) in db.execute(query, (match,)):
            has[int(session)] = has.get(int(session), 0) | 1 << at
    return has
