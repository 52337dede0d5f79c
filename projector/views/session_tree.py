"""Sessions as a tree: forks, sub-agents and continuations below their parents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.db.schema import ABOVE
from projector.views.session_filters import SessionFilters, condition
from projector.views.session_names import EXISTS
from projector.views.sessions import SessionView, session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    query = (
        f"SELECT session, {ABOVE}, coalesce(own_first, first) FROM _sessions WHERE {EXISTS}"
        " ORDER BY last DESC NULLS LAST, session"
    )
    found: list[tuple[str, str | None, int | None]] = db.execute(query).fetchall()  # type: ignore[assignment] # texts and a date
    parents = {name: parent for name, parent, _ in found}
    firsts = {name: (first is not None, first or 0, name) for name, _, first in found}
    where, values = condition(db, filters)
    passing = {
        str(name)
        for (name,) in db.execute(f"SELECT session FROM _sessions WHERE {EXISTS}{where}", values)
    }
    tops = list(dict.fromkeys(_top(name, parents) for name in parents if name in passing))
    below: dict[str, list[str]] = {}
    for name in sorted(parents, key=firsts.__getitem__):
        if (parent := parents[name]) is not None:
            below.setdefault(parent, []).append(name)
    return [
        SessionNode(session(db, name), depth)
        for top in tops[offset : offset + limit]
        for name, depth in _walk(top, below)
    ]


def _top(name: str, parents: Mapping[str, str | None]) -> str:
    """Return the first session above one, or itself; in a cycle of parents the lowest id."""
    chain: dict[str, None] = {}
    while name not in chain:
        chain[name] = None
        above = parents[name]
        if above is None or above not in parents:
            return name
        name = above
    names = list(chain)
    return min(names[names.index(name) :])


def _walk(top: str, below: Mapping[str, list[str]]) -> Iterator[tuple[str, int]]:
    """Yield a session and all below it, each with its depth."""
    waiting, seen = [(top, 0)], {top}
    while waiting:
        name, depth = waiting.pop()
        yield name, depth
        children = [child for child in below.get(name, ()) if child not in seen]
        seen.update(children)
        waiting += [(child, depth + 1) for child in reversed(children)]
