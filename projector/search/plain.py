"""A plain search: the messages that match, in the order of their scores or dates, and no more.

`Projection.search` takes `projector.search.find` instead. That weighs who wrote a message, finds
sessions by their titles, folds messages that say the same, and finds what comes nearest. A program
that replaces another one, and must answer as that did, wants none of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.search.hits import hit
from projector.search.matches import matches
from projector.search.ordering.databases import Databases
from projector.search.ordering.order import ordered

if TYPE_CHECKING:
    import apsw

    from projector.search.filters import Filters
    from projector.search.hits import Hit, Look
    from projector.search.ordering.order import Sort
    from projector.text.query import Query


def plain_search(
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

    They are ranked by bm25 (`projector.search.ranking`). Of more than `RANKED` matches, only the
    newest are ranked (or the oldest, if `sort` is `oldest`).

    Raises:
        apsw.Error: the database refuses.
    """
    page = slice(offset, offset + limit)
    found = matches(db, query, filters, sort=sort, offset=offset, seconds=None)
    chosen = ordered(Databases.only(db), found.rows, sort, page.stop)[page]
    return [hit(db, row, score, query.find, look) for row, score in chosen], found.exact
