"""Everything that readers show of a projection at rest, as values to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projector.fold.messages import OUT
from projector.search import functions
from projector.search.filters import Filters
from projector.search.hits import Look
from projector.search.plain import plain_search
from projector.text.query import parse
from projector.views.messages import messages
from projector.views.session_filters import SessionFilters
from projector.views.sessions import session, sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from projector.search.hits import Hit
    from projector.search.ordering.order import Sort

_MANY = 1_000_000
_SORTS: tuple[Sort, ...] = ("relevance", "newest", "oldest")


def shown(db: apsw.Connection, words: Sequence[str]) -> dict[str, Any]:
    """Return sessions as listed, their messages, and the hits of each word, in order.

    Nothing in it may depend on the order in which events arrived.
    """
    if db.execute("SELECT 1 FROM temp.sqlite_master WHERE name = 'vocabulary'").get is None:
        functions.register(db)  # only a reader's connection has these functions
    listed = sessions(db, limit=_MANY)
    answers: dict[str, Any] = {"sessions": listed}
    sources = sorted({view.source for view in listed if view.source is not None})
    for view in listed:
        assert session(db, view.session) == view
        for state in range(OUT):
            views = messages(db, view.session, state=state)
            answers[f"messages of {view.session!r} up to {state}"] = views
        one = (
            sessions(db, SessionFilters(source=view.source), limit=_MANY)
            if view.source is not None
            else []
        )
        answers[f"with the source of {view.session!r}"] = [other.session for other in one]
    filters = [Filters(), *(Filters(sources=(source,)) for source in sources[:3])]
    filters += [Filters(roles=("user",)), Filters(but_sources=tuple(sources[:1]))]
    for word in words:
        for narrowed in filters:
            for sort in _SORTS:
                answers[f"{word!r} {narrowed} by {sort}"] = _found(db, word, narrowed, sort)
    return answers


def _found(db: apsw.Connection, word: str, filters: Filters, sort: Sort) -> Sequence[Hit]:
    hits, exact = plain_search(
        db, parse(word), filters, limit=_MANY, offset=0, sort=sort, look=Look(context=1)
    )
    assert exact
    return hits
