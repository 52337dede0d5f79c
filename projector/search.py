"""Full-text search over a projection."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, Literal

from projector.document import document
from projector.message_view import MessageView, around, placed
from projector.prefixes import widen
from projector.ranking import Phrases, count_matches
from projector.snippet import snippet
from projector.tags import narrowed

if TYPE_CHECKING:
    import apsw

    from projector.prefixes import Widened
    from projector.query import Query

RANKED = 5_000
"""Matches that are ranked; of more, the newest so many are."""

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
    hits = [_hit(db, row, score, query, look) for row, score in found]
    return hits, exact


_Found = tuple[int, float]
"""A message that matches: its rowid and its score."""


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
    phrases = Phrases(_matches(db, query, wide), wide.at, wide.words, _tagged(filters))
    found: list[_Found] = db.execute(  # type: ignore[assignment] # a score is a float
        "SELECT fts.rowid, score(fts, d.sz, ?) FROM fts"  # noqa: S608 - constants
        f" CROSS JOIN fts_docsize d ON d.id = fts.rowid{joins if where else ''}"
        f" WHERE fts MATCH ?{where} ORDER BY fts.rowid {way} LIMIT ?",
        # one more than is ranked tells whether there are more
        (str(phrases), match, *values, most + 1),
    ).fetchall()
    exact = len(found) <= most
    del found[most:]
    page = slice(offset, offset + limit)
    if sort == "relevance":
        return _best(db, found, offset + limit)[page], exact
    places = _places(db, found)
    found.sort(key=lambda hit: (places[hit[0]], hit[0]), reverse=sort == "newest")
    return found[page], exact


def _matches(db: apsw.Connection, query: Query, wide: Widened) -> tuple[float, ...]:
    """Return of each phrase how many texts have it."""
    if len(query.phrases) == 1:
        return (0.0,)  # what weighs all alike need not be known
    found = []
    for at, phrase in enumerate(query.phrases[:_WEIGHED]):
        # to count a prefix is to find all its words again: some of them, or the bare one, do
        match = phrase.match().rstrip("*") if at != wide.at else wide.either
        found.append(count_matches(db, f"text : ({match})"))
    return (*found, *[found[-1]] * (len(query.phrases) - len(found)))


def _best(db: apsw.Connection, found: list[_Found], count: int) -> list[_Found]:
    """Return the best, those with the same score in the order of their places, newest first."""
    if len(found) > count:
        least = nlargest(count, [score for _, score in found])[-1]
        found = [hit for hit in found if hit[1] >= least]
    tied = Counter(score for _, score in found)
    places = _places(db, [hit for hit in found if tied[hit[1]] > 1])
    return sorted(found, key=lambda hit: (-hit[1], -places.get(hit[0], 0), hit[0]))


def _places(db: apsw.Connection, found: list[_Found]) -> dict[int, int]:
    query = "SELECT place FROM events WHERE id = ?"
    return {row: db.execute(query, (row,)).get for row, _ in found}


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
    found = placed(db, row)
    view = found.view
    shown = snippet(
        document(found.data), query.terms, width=look.width, open=look.open, close=look.close
    )
    context: tuple[MessageView, ...] = ()
    if look.context:
        before, after = around(db, found, look.context)
        context = (*before, view, *after)
    return Hit(
        view.session,
        view.id,
        view.role,
        view.source,
        found.title,
        view.time,
        round(score, 4),
        shown,
        context,
    )
