"""Sessions as a tree: forks, sub-agents and continuations below their parents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.db.schema import ABOVE
from projector.views.session_filters import SessionFilters, condition
from projector.views.session_names import EXISTS
from projector.views.sessions import SessionView, session

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

_ALL = SessionFilters()


@dataclass(frozen=True, slots=True)
class SessionNode:
    """A session in a tree.

    Attributes:
        view: the session.
        depth: 0 for one without a parent in the projection, else one more than its parent's.
    """

    view: SessionView
    depth: int


def session_tree(
    db: apsw.Connection, filters: SessionFilters = _ALL, *, limit: int, offset: int = 0
) -> list[SessionNode]:
    """Return trees of sessions; that in which the latest message is comes first.

    Below its parent are the sessions that it is the parent of, in the order of their first
    messages, each followed by those below itself.

    Args:
        db: the projection.
        filters: trees with a session that passes are returned, whole.
        limit: most trees to return.
        offset: how many trees to skip.
    """
    found = tree_names(db, filters, limit=limit, offset=offset)
    return [SessionNode(session(db, name), depth) for name, depth in found]


def tree_names(
    db: apsw.Connection, filters: SessionFilters = _ALL, *, limit: int, offset: int = 0
) -> list[tuple[str, int]]:
    """Return the ids and depths of sessions; arguments and order are those of `session_tree`.

    Only the trees up to the last one are read.
    """
    where, values = condition(db, filters)
    query = (
        f"SELECT session, {ABOVE} FROM _sessions WHERE {EXISTS}{where}"
        " ORDER BY last DESC NULLS LAST, session"
    )
    tops: dict[str, None] = {}
    for name, above in db.execute(query, values):
        tops[_top(db, str(name), above)] = None
        if len(tops) >= offset + limit:
            break
    return [found for top in list(tops)[offset:] for found in _walk(db, top)]


def _top(db: apsw.Connection, name: str, above: object) -> str:
    """Return the first session above one, or itself; in a cycle of parents the lowest id.

    `above` is the id of its parent; None if it has none.
    """
    chain: dict[str, None] = {}
    query = f"SELECT {ABOVE} FROM _sessions WHERE session = ? AND {EXISTS}"
    while name not in chain:
        chain[name] = None
        if above is None:
            return name
        found = db.execute(query, (str(above),)).fetchone()
        if found is None:
            return name
        name, above = str(above), found[0]
    names = list(chain)
    return min(names[names.index(name) :])


def _walk(db: apsw.Connection, top: str) -> Iterator[tuple[str, int]]:
    """Yield a session and all below it, each with its depth."""
    # of those that no message has a date of, the lowest id first
    query = (
        f"SELECT session FROM _sessions WHERE {ABOVE} = ? AND {EXISTS}"
        " ORDER BY coalesce(own_first, first) NULLS FIRST, session"
    )
    waiting, seen = [(top, 0)], {top}
    while waiting:
        name, depth = waiting.pop()
        yield name, depth
        children = [str(child) for (child,) in db.execute(query, (name,))]
        children = [child for child in children if child not in seen]
        seen.update(children)
        waiting += [(child, depth + 1) for child in reversed(children)]
