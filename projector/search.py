"""Full-text search over a projection."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, Any, Literal

from projector.document import document
from projector.message_view import MessageView, around, view_row
from projector.prefixes import widen
from projector.ranking import count_matches, rarity, scores
from projector.snippet import snippet
from projector.tags import narrowed

if TYPE_CHECKING:
    import apsw

    from projector.query import Query

RANKED = 5_000
"""Matches that are ranked; of more, the newest so many are."""

_TOTALS = "SELECT totals(fts) FROM fts WHERE fts MATCH ? LIMIT 1"
_WEIGHED = 64
"""Phrases of a query whose weight is looked up; nobody tells the others apart."""

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
        roles: any of these speaks.
        sources: any of these is where it was said.
        but_sources: none of these is.
    """

    role: str | None = None
    source: str | None = None
    session: str | None = None
    since: int | None = None
    until: int | None = None
    roles: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    but_sources: tuple[str, ...] | None = None


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

    Ranked by bm25 (`projector.ranking`). With more than `RANKED` matches only the newest so many
    are looked at (the oldest, when those are asked for).

    Raises:
        apsw.Error: the database refuses.
    """
    found, exact = _find(db, query, filters, limit, offset, sort)
    hits = [_hit(db, hit.row, hit.score, query, look) for hit in found]
    return hits, exact


@dataclass(frozen=True, slots=True)
class _Found:
    """A message that matches: its rowid and its score."""

    row: int
    score: float


def _find(
    db: apsw.Connection, query: Query, filters: Filters, limit: int, offset: int, sort: Sort
) -> tuple[list[_Found], bool]:
    wide = widen(db, query)
    match = _narrowed(db, wide.match, filters)
    if match is None:
        return [], True
    where, values = _conditions(filters)
    joins = " JOIN events e ON e.id = fts.rowid JOIN sessions s ON s.id = e.session"
    way = "ASC" if sort == "oldest" else "DESC"
    # by time there is nothing to rank, so one can page on for ever
    most = RANKED if sort == "relevance" else RANKED + offset
    candidates: list[tuple[Any, ...]] = db.execute(
        f"SELECT fts.rowid, numbers(fts, ?, ?, ?, ?) FROM fts{joins if where else ''}"  # noqa: S608 - constants
        f" WHERE fts MATCH ?{where} ORDER BY fts.rowid {way} LIMIT ?",
        # one more than is ranked tells whether there are more
        (len(query.phrases), wide.at, wide.words, _tagged(filters), match, *values, most + 1),
    ).fetchall()
    exact = len(candidates) <= most
    del candidates[most:]
    if not candidates:
        return [], True
    rows = [int(row) for row, _ in candidates]
    texts: str = db.execute(_TOTALS, (match,)).get
    words, total = (int(count) for count in texts.split())
    numbers = [str(number) for _, number in candidates]
    weighed = scores(numbers, words / total, _rarities(db, query, numbers, total))
    found = [_Found(row, score) for row, score in zip(rows, weighed, strict=True)]
    page = slice(offset, offset + limit)
    if sort == "relevance":
        return _best(db, found, offset + limit)[page], exact
    places = _places(db, rows)
    found.sort(key=lambda hit: (places[hit.row], hit.row), reverse=sort == "newest")
    return found[page], exact


def _rarities(db: apsw.Connection, query: Query, numbers: list[str], total: int) -> list[float]:
    """Return of each phrase how much it weighs."""
    if len(query.phrases) == 1:
        return [1.0]  # what weighs all alike need not be known
    rarities = []
    for phrase in query.phrases[:_WEIGHED]:
        match = phrase.match()
        # to count a prefix is to find all its words again: it is as common as among the matches
        matches = len(numbers) if match.endswith("*") else count_matches(db, f"text : {match}")
        rarities.append(rarity(matches, total))
    return rarities + [1.0] * len(query.phrases[_WEIGHED:])


def _best(db: apsw.Connection, found: list[_Found], count: int) -> list[_Found]:
    """Return the best, those with the same score in the order of their places, newest first."""
    if len(found) > count:
        least = nlargest(count, (hit.score for hit in found))[-1]
        found = [hit for hit in found if hit.score >= least]
    places = _places(db, [hit.row for hit in found])
    return sorted(found, key=lambda hit: (-hit.score, -places[hit.row], hit.row))


def _places(db: apsw.Connection, rows: list[int]) -> dict[int, int]:
    query = "SELECT place FROM events WHERE id = ?"
    return {row: db.execute(query, (row,)).get for row in rows}


def _narrowed(db: apsw.Connection, match: str, filters: Filters) -> str | None:
    """Return the match with what the filters say of tags; None if nothing can pass them."""
    number = None
    if filters.session is not None:
        number = db.execute("SELECT id FROM sessions WHERE session = ?", (filters.session,)).get
        if number is None:
            return None
    return narrowed(match, session=number, role=filters.role, source=filters.source)


def _tagged(filters: Filters) -> int:
    """Return how many tags a match is narrowed to."""
    return sum(wanted is not None for wanted in (filters.session, filters.role, filters.source))


def _conditions(filters: Filters) -> tuple[str, list[str | int]]:
    """Return what the rows themselves must say, where tags do not say it all."""
    conditions = {
        "coalesce(e.source, s.source) = ?": filters.source,
        "e.place >= ?": filters.since,
        "e.place < ?": filters.until,
    }
    wanted = {text: value for text, value in conditions.items() if value is not None}
    texts, values = list(wanted), list(wanted.values())
    for text, any_of in (
        ("e.role IN", filters.roles),
        ("coalesce(e.source, s.source) IN", filters.sources),
        ("coalesce(e.source, s.source, '') NOT IN", filters.but_sources),
    ):
        if any_of is not None:
            texts.append(f"{text} ({', '.join('?' for _ in any_of)})")
            values += any_of
    return "".join(f" AND {text}" for text in texts), values


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
