"""What comes nearest to a query, as hits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from projector.search.filters import narrowing
from projector.search.hits import hit
from projector.search.ordering.databases import Databases
from projector.search.ordering.order import best_first, grouped
from projector.search.ordering.replays import with_replays
from projector.search.recall.nearest import nearest
from projector.text.highlight import find

if TYPE_CHECKING:
    from collections.abc import Collection

    import apsw

    from projector.search.filters import Filters
    from projector.search.hits import Hit, Look
    from projector.search.ordering.order import Group
    from projector.search.recall.wanted import Word
    from projector.text.query import Query


@dataclass(frozen=True, slots=True)
class NearHits:
    """What comes nearest to a query.

    Attributes:
        hits: the messages of a page, nearest first.
        words: what the query is about.
        total: how many there are on all pages.
        missing: the parts of the query that no message and no title has.
    """

    hits: list[Hit]
    words: tuple[Word, ...]
    total: int
    missing: tuple[str, ...] = ()


def near_hits(
    db: apsw.Connection,
    query: Query,
    filters: Filters,
    known: Collection[tuple[str, str]],
    page: slice,
    look: Look,
    group: Group | None,
) -> NearHits:
    """Return what comes nearest to a query.

    Args:
        db: the projection.
        query: what was asked.
        filters: which messages are searched.
        known: session and id of the messages that have all words; if hits are grouped, their
            sessions are left out.
        page: which of the others to return, nearest first.
        look: how hits are shown.
        group: `session`: only the best message of each session is returned.

    Raises:
        apsw.Error: the database refuses.
    """
    asked = narrowing(db, filters)
    if asked is None:
        return NearHits([], (), 0)
    found = nearest(db, query, asked)
    near = {message.row: message for message in found.messages}
    rows = {row: row for row in near}
    if filters.include_replays:
        rows = with_replays(db, near, asked)
    terms = tuple(term for word in found.words for term in word.terms)
    dbs = Databases.only(db)
    scored = [(row, near[home].score) for row, home in rows.items()]
    ordered = [row for row, _ in best_first(dbs, scored, len(scored))]
    counts = dict.fromkeys(ordered, 0) if group is None else grouped(dbs, ordered)
    others = _without(db, list(counts), known, group)
    hits = []
    for row in others[page]:
        message = near[rows[row]]
        shown = hit(
            db,
            row,
            message.score,
            partial(find, terms=terms),
            look,
            message.missing,
            more=counts[row],
        )
        hits.append(shown)
    return NearHits(hits, found.words, len(others), found.missing)


def _without(
    db: apsw.Connection,
    rows: list[int],
    known: Collection[tuple[str, str]],
    group: Group | None,
) -> list[int]:
    """Return the messages that are not known, or whose sessions are not known if grouped."""
    if not known:
        return rows
    query = (
        "SELECT e.id, s.session, e.event_id FROM _events e JOIN _sessions s ON s.id = e.session"
        " WHERE e.id IN (SELECT value FROM json_each(?))"
    )
    names = {row: (session, id) for row, session, id in db.execute(query, (json.dumps(rows),))}
    if group is None:
        return [row for row in rows if names[row] not in known]
    sessions = {session for session, _ in known}
    return [row for row in rows if names[row][0] not in sessions]
