"""Full-text search over a projection."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, Literal

import apsw

from journal.format.timestamps import to_datetime
from journal.process.fork import no_fork
from projector.search.filters import narrowing
from projector.search.prefixes import widen
from projector.search.ranking import Phrases, count_matches
from projector.text.document import document
from projector.text.snippet import WIDTH, snippet
from projector.views.messages import MessageView, around, placed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from projector.search.filters import Filters
    from projector.search.prefixes import Widened
    from projector.text.query import Query
    from projector.text.term import Term

RANKED = 5_000
"""Most matches that are ranked: the newest ones."""

_WEIGHED = 64
"""Phrases of a query whose weight is computed; the others get the weight of the last."""

Sort = Literal["relevance", "newest", "oldest"]
Group = Literal["session"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found.

    Attributes:
        session, id, role, source: of the message.
        title: of the session.
        home: of a replay the session in which the message counts; else None.
        time: the message's own date, else when it was appended; microseconds since 1970.
        score: bm25, larger is better; comparable within one answer.
        snippet: the part of the text with the best matches.
        context: the messages around it, itself among them, in order; empty unless asked for.
        missing: words of the query that neither it nor its session has; empty if it has all.
        more: if hits are grouped: how many other messages of its session were found.
    """

    session: str
    id: str
    role: str | None
    source: str | None
    title: str | None
    home: str | None
    time: int
    score: float
    snippet: str
    context: tuple[MessageView, ...]
    missing: tuple[str, ...] = ()
    more: int = 0

    @property
    def time_utc(self) -> datetime:
        """`time` as a datetime in UTC."""
        return to_datetime(self.time)


@dataclass(frozen=True, slots=True)
class Look:
    """How hits are shown.

    Attributes:
        width: characters of a snippet.
        open, close: the marks before and after a match.
        context: messages before and after a hit.
    """

    width: int = WIDTH
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
    group: Group | None = None,
) -> tuple[list[Hit], bool]:
    """Return hits, and whether all matches were ranked (or sorted) to choose them.

    They are ranked by bm25 (`projector.search.ranking`). Of more than `RANKED` matches, only the
    newest are ranked (or the oldest, if `sort` is `oldest`). If they are grouped, only the first
    hit of each session is returned.

    Raises:
        apsw.Error: the database refuses.
    """
    page = slice(offset, offset + limit)
    # what is grouped is sorted as a whole before
    found, exact = _find(db, query, filters, page if group is None else slice(None), sort)
    if group is None:
        return [hit(db, row, score, query.terms, look) for row, score in found], exact
    first = grouped(db, [row for row, _ in found])
    scores = dict(found)
    hits = [
        hit(db, row, scores[row], query.terms, look, more=more)
        for row, more in list(first.items())[page]
    ]
    return hits, exact


def grouped(db: apsw.Connection, rows: list[int]) -> dict[int, int]:
    """Return the first message of each session, and how many others of its session there are.

    Args:
        db: the projection.
        rows: rowids of messages.

    Raises:
        apsw.Error: the database refuses.
    """
    query = "SELECT id, session FROM _events WHERE id IN (SELECT value FROM json_each(?))"
    sessions: dict[int, int] = dict(db.execute(query, (json.dumps(rows),)))
    counts = Counter(sessions[row] for row in rows)
    first = {sessions[row]: row for row in reversed(rows)}
    return {row: counts[sessions[row]] - 1 for row in rows if first[sessions[row]] == row}


_Found = tuple[int, float]
"""A message that matches: its rowid and its score."""


def _find(
    db: apsw.Connection, query: Query, filters: Filters, page: slice, sort: Sort
) -> tuple[list[_Found], bool]:
    wide = widen(db, query)
    asked = narrowing(db, filters)
    if asked is None:
        return [], True
    match, where = asked.match(wide.match), asked.where
    joins = " JOIN _events e ON e.id = fts.rowid JOIN _sessions s ON s.id = e.session"
    way = "ASC" if sort == "oldest" else "DESC"
    alone = not filters.include_replays
    # by time nothing is ranked, so any page can be read
    most = RANKED if sort == "relevance" else RANKED + (page.start or 0)
    phrases = Phrases(_matches(db, query, wide), wide.at, wide.words, asked.count)
    found: list[_Found] = db.execute(  # type: ignore[assignment] # a score is a float
        "SELECT fts.rowid, score(fts, d.sz, ?) FROM fts"
        f" CROSS JOIN fts_docsize d ON d.id = fts.rowid{joins if where and alone else ''}"
        f" WHERE fts MATCH ?{where if alone else ''} ORDER BY fts.rowid {way} LIMIT ?",
        # one more than is ranked shows whether there are more
        (apsw.pyobject(phrases), match, *(asked.values if alone else ()), most + 1),
    ).fetchall()
    exact = len(found) <= most
    del found[most:]
    if not alone:
        with no_fork.turn:
            from projector.search.replays import with_replays  # noqa: PLC0415 - few searches need it

        scores = dict(found)
        shown = with_replays(db, scores, asked)
        found = [(row, scores[home]) for row, home in shown.items()]
    if sort == "relevance":
        return best_first(db, found, page.stop or len(found))[page], exact
    places = _places(db, [row for row, _ in found])
    names = _names(db, places)
    found.sort(key=lambda hit: (places[hit[0]], names.get(hit[0], _FIRST)), reverse=way == "DESC")
    return found[page], exact


def _matches(db: apsw.Connection, query: Query, wide: Widened) -> tuple[float, ...]:
    """Return for each phrase how many texts have it."""
    if len(query.phrases) == 1:
        return (0.0,)  # the weight of a single phrase changes no order
    found = []
    for at, phrase in enumerate(query.phrases[:_WEIGHED]):
        # to count a prefix would search all its words again: count some of them, or the bare word
        match = phrase.match().rstrip("*") if at != wide.at else wide.either
        found.append(count_matches(db, f"text : ({match})"))
    return (*found, *[found[-1]] * (len(query.phrases) - len(found)))


def best_first(db: apsw.Connection, found: list[_Found], count: int) -> list[_Found]:
    """Return the messages with the highest scores; of equal scores, the newest first.

    Args:
        db: the projection.
        found: rowids and scores.
        count: how many to return; more if several have the same score as the last of them.

    Raises:
        apsw.Error: the database refuses.
    """
    if len(found) > count:
        least = nlargest(count, [score for _, score in found])[-1]
        found = [hit for hit in found if hit[1] >= least]
    tied = Counter(score for _, score in found)
    places = _places(db, [row for row, score in found if tied[score] > 1])
    names = _names(db, places)
    return sorted(
        found, key=lambda hit: (-hit[1], -places.get(hit[0], 0), names.get(hit[0], _FIRST))
    )


def _places(db: apsw.Connection, rows: list[int]) -> dict[int, int]:
    query = (
        "SELECT id, coalesce(timestamp, time) FROM _events"
        " WHERE id IN (SELECT value FROM json_each(?))"
    )
    return dict(db.execute(query, (json.dumps(rows),)))


_Name = tuple[int, int, str, str]
_FIRST: _Name = (0, 0, "", "")


def _names(db: apsw.Connection, times: dict[int, int]) -> dict[int, _Name]:
    """Return the sort keys of rows with the same time: a rowid depends on the order of applying."""
    at = Counter(times.values())
    tied = [row for row, time in times.items() if at[time] > 1]
    query = (
        "SELECT e.id, order_time, order_depth, s.session, event_id FROM _events e"
        " JOIN _sessions s ON s.id = e.session WHERE e.id IN (SELECT value FROM json_each(?))"
    )
    found = db.execute(query, (json.dumps(tied),)) if tied else ()
    return {row: (time, depth, session, id) for row, time, depth, session, id in found}


def hit(
    db: apsw.Connection,
    row: int,
    score: float,
    terms: Iterable[Term],
    look: Look,
    missing: tuple[str, ...] = (),
    more: int = 0,
) -> Hit:
    """Return a message that was found, as it is shown.

    Args:
        db: the projection.
        row: its rowid.
        score: its score.
        terms: what is marked in its snippet.
        look: how it is shown.
        missing: words of the query that neither it nor its session has.
        more: how many other messages of its session were found.

    Raises:
        apsw.Error: the database refuses.
    """
    found = placed(db, row)
    view = found.view
    shown = snippet(document(found.data), terms, width=look.width, open=look.open, close=look.close)
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
        view.home,
        view.time,
        round(score, 4),
        shown,
        context,
        missing,
        more,
    )
