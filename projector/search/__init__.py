"""Search: from a query to ranked hits.

There are two ways. `Projection.search`, and all that is built on it, takes that of `find`: what
matches is weighed, sessions are found by their titles, messages that say the same are folded, and
what comes nearest is found if too few match.

`plain_search` does none of this. It is for a caller that must answer as another program did, such
as the adapter for Hermes. That caller parses a query and searches in its own read::

    query = parse("docker AND compose")
    newest = {"limit": 20, "offset": 0, "sort": "newest", "look": Look()}
    hits, is_exact = projection.read(lambda db: plain_search(db, query, Filters(), **newest))[0]

Both find candidates with `matches`, and rank them by `ranking`.
"""

from projector.search.filters import Filters
from projector.search.hits import Hit, Look
from projector.search.ordering.order import Sort
from projector.search.plain import plain_search
from projector.text.query import Query, parse

__all__ = ["Filters", "Hit", "Look", "Query", "Sort", "parse", "plain_search"]
