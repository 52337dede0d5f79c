"""Full-text search over a projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from projector.document import document
from projector.message_view import MessageView, around, view_row
from projector.snippet import snippet

if TYPE_CHECKING:
    import apsw

    from projector.query import Query

RANKED = 5_000
"""Matches that are ranked; of more, the newest so many are."""

Sort = Literal["relevance", "newest", "oldest"]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which messages count; None means all.

    Attributes:
        role: who speaks.
        source: where it was said, by the message or else by its session.
        session: id of the session.
        since: microseconds since 1970, inclusive.
        until: microseconds since 1970, exclusive.
    """

    role: str | None = None
    source: str | None = None
    session: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found.

    Attributes:
        session, id, role, source: of the message.
        title: the session's.
        time: the message's place in its conversation, microseconds since 1970.
        score: bm25, larger is better; comparable within one answer.
        snippet: the part of the text that shows best why it was found.
        context: the messages around it, itself among them, in order; empty unless asked for.
    """

    session: str
    id: str
    role: str | None
    source: str | None
    title: str | None
    time: int
    score: float
    snippet: str
    context: tuple[MessageView, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """How hits are shown: characters of a snippet, what marks a match, messages around a hit."""

    width: int = 160
    open: str = "**"
    close: str = "**"
    context: int = 0


def search(
    db: apsw.Connection,
    query: Query,
    filters: Filters,
    *,
    limit: int,
    offset: int,
    sort: Sort,
    look: Look,
) -> tuple[list[Hit], bool]:
    """Return hits, and whether all matches were ranked (or sorted) to choose them.

    Ranked by bm25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, as
    FTS5 computes it). With more than `RANKED` matches only the newest so many are looked at (the
    oldest, when those are asked for).

    Raises:
        apsw.Error: the database refuses.
    """
    rows, exact = _find(db, query, filters, limit, offset, sort)
    hits = [_hit(db, row, score, query, look) for row, score in rows]
    return hits, exact


def _find(
    db: apsw.Connection, query: Query, filters: Filters, limit: int, offset: int, sort: Sort
) -> tuple[list[tuple[int, float]], bool]:
    where, values = _conditions(filters)
    matching = (
        "FROM fts JOIN events e ON e.id = fts.rowid JOIN sessions s ON s.id = e.session"
        f" WHERE fts MATCH ?{where}"
    )
    way = "ASC" if sort == "oldest" else "DESC"
    # by time there is nothing to rank, so one can page on for ever
    most = RANKED if sort == "relevance" else RANKED + offset
    # one more than is ranked tells whether there are more
    bounds = f"SELECT fts.rowid {matching} ORDER BY fts.rowid {way} LIMIT ?"
    rows = [row for (row,) in db.execute(bounds, (query.match, *values, most + 1))]
    exact = len(rows) <= most
    chosen = rows[:most]
    if not chosen:
        return [], True
    order = {"relevance": "bm25(fts), e.place DESC", "newest": "e.place DESC", "oldest": "e.place"}
    ranked = (
        f"SELECT fts.rowid, -bm25(fts) {matching} AND fts.rowid BETWEEN ? AND ?"
        f" ORDER BY {order[sort]}, fts.rowid LIMIT ? OFFSET ?"
    )
    between = (min(chosen), max(chosen))
    found = db.execute(ranked, (query.match, *values, *between, limit, offset))
    return [(row, score) for row, score in found], exact


def _conditions(filters: Filters) -> tuple[str, list[str | int]]:
    conditions = {
        "e.role = ?": filters.role,
        "coalesce(e.source, s.source) = ?": filters.source,
        "s.session = ?": filters.session,
        "e.place >= ?": filters.since,
        "e.place < ?": filters.until,
    }
    wanted = {text: value for text, value in conditions.items() if value is not None}
    return "".join(f" AND {text}" for text in wanted), list(wanted.values())


def _hit(db: apsw.Connection, row: int, score: float, query: Query, look: Look) -> Hit:
    title, found, data = view_row(db, row)
    text = document(data)
    shown = snippet(text, query.terms, width=look.width, open=look.open, close=look.close)
    context: tuple[MessageView, ...] = ()
    if look.context:
        before, after = around(db, row, look.context)
        context = (*before, found, *after)
    return Hit(
        found.session,
        found.id,
        found.role,
        found.source,
        title,
        found.time,
        round(score, 4),
        shown,
        context,
    )
