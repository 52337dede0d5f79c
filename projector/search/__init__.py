"""Search: from a query to ranked hits.

A caller with filters of its own parses a query and searches in its own read::

    query = parse("docker AND compose")
    hits, is_exact = projection.read(
        lambda db: search(db, query, Filters(), limit=20, offset=0, sort="newest", look=Look())
    )[0]
"""

from projector.search.engine import search
from projector.search.filters import Filters
from projector.search.hits import Hit, Look
from projector.search.ordering.order import Sort
from projector.text.query import Query, parse

__all__ = ["Filters", "Hit", "Look", "Query", "Sort", "parse", "search"]
