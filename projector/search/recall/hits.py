"""What comes nearest to a query, as hits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from projector.search.filters import narrowing
from projector.search.hits import hit
from projector.search.ordering.order import best_first, grouped
from projector.search.recall.nearest import nearest
from projector.search.replays import with_replays
from projector.text.highlight import find

if TYPE_CHECKING:
    from collections.abc import Collection

    import apsw

    from projector.search.filters import Filters
    from projector.search.hits import Hit, Look
    from projector.search.ordering.order import Group
    from projector.search.recall.wanted import Word
    from projector.text.query import Query


def near_hits(
    db: apsw.Connection,
    query: Query,
    filters: Filters,
    known: Collection[tuple[str, str]],
    page: slice,
    look: Look,
    group: Group | None,
) -> tuple[list[Hit], tuple[Word, ...]]:
    """Return what comes nearest to a query, and the words that the query is about.

    Args:
        db: the projection.
        query: what was asked.
        filters: which messages are searched.
        known: session and id of the messages that have all words.
        page: which of the others to return, nearest first.
        look: how hits are shown.
        group: `session`: only the best message of each session is returned.

    Raises:
        apsw.Error: the database refuses.
    """
    asked = narrowing(db, filters)
    if asked is None:
        return [], ()
    found = nearest(db, query, asked)
    near = {message.row: message for message in found.messages}
    rows = {row: row for row in near}
    if filters.include_replays:
        rows = with_replays(db, near, asked)
    terms = tuple(term for word in found.words for term in word.terms)
    scored = [(row, near[home].score) for row, home in rows.items()]
    ordered = [row for row, _ in best_first(db, scored, len(scored))]
    counts = dict.fromkeys(ordered, 0) if group is None else grouped(db, ordered)
    hits = []
    for row, more in list(counts.items())[: page.stop + len(known)]:
        message = near[rows[row]]
        shown = hit(
            db, row, message.score, partial(find, terms=terms), look, message.missing, more=more
        )
        if (shown.session, shown.id) not in known:
            hits.append(shown)
    return hits[page], found.words
