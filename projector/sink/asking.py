"""A search with its filters, as a sink is asked.

A document has what its message has for itself. What a session gives to its messages (its project, a
source, a model, a branch, whether it is a sub-agent's) may change without them, so the sessions are
looked up in the projection when a search asks for it, and named to the sink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.db.tags import SUBAGENT, given
from projector.fold.facets import parts, whole
from projector.sink.document import Asked, Named, Valued
from projector.sink.errors import NotAsked
from projector.views.fields import BRANCH, MODEL, PROJECT, SOURCE
from projector.views.files import relative
from projector.views.machines import lane_owners

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from projector.search.filters import Filters
    from projector.text.query import Query
    from projector.text.query_tree import Node
    from projector.views.fields import Field
    from projector.views.machines import Origin

MOST = 10_000
"""Most sessions that are named to a sink for one filter."""
_NAMED = {"cwd": "the project", "relation": "sub-agents"}


def wanted_by(query: Query, filters: Filters) -> Node:
    """Return what a query searches for; refuse what a sink cannot answer.

    Raises:
        NotAsked: the message says what, and why.
    """
    if query.wanted is None or query.pattern is not None:
        raise NotAsked("a sink finds words and phrases; leave --sink out for --regex")
    if filters.include_replays:
        raise NotAsked(
            "a sink has each message once, where it is at home, and no replays; leave --sink out"
            " for --include-replays"
        )
    return query.wanted


def ask(
    dbs: Sequence[apsw.Connection], wanted: Node, filters: Filters, limit: int, offset: int
) -> Asked:
    """Return a search as a sink is asked.

    Args:
        dbs: the databases of the projection, of which the sessions are looked up.
        wanted: what is searched for, of `wanted_by`.
        filters: which messages are searched.
        limit: how many are wanted, the newest first.
        offset: how many of these to skip.

    Raises:
        NotAsked: a filter means too many sessions.
    """
    look = _Sessions(dbs)
    values = []
    if filters.sources is not None:
        values.append(look.valued(SOURCE, filters.sources))
    if filters.but_sources is not None:
        values.append(look.valued(SOURCE, filters.but_sources, is_not=True))
    if filters.model is not None:
        values.append(look.valued(MODEL, (filters.model,)))
    if filters.branch is not None:
        values.append(look.valued(BRANCH, (filters.branch,)))
    return Asked(
        wanted,
        roles=filters.roles,
        include_meta=filters.include_meta,
        session=filters.session,
        values=tuple(values),
        sessions=None if filters.project is None else look.of_project(filters.project),
        but_sessions=() if filters.subagents else look.with_values("relation", (SUBAGENT,)),
        tool=filters.tool,
        file=None if filters.file is None else look.named(filters.file),
        errors=filters.errors,
        machines=None if filters.machine is None else look.owners(filters.machine),
        since=filters.since,
        until=filters.until,
        limit=limit,
        offset=offset,
    )


class _Sessions:
    """Looks sessions up in the databases of a projection."""

    def __init__(self, dbs: Sequence[apsw.Connection]) -> None:
        self._dbs = dbs

    def valued(self, field: Field, values: tuple[str, ...], *, is_not: bool = False) -> Valued:
        """Return the condition that a message has a value, of its own or of its session."""
        sessions = self.with_values(field.column, values)
        return Valued(field.column, values, sessions, is_not)

    def of_project(self, name: str) -> tuple[str, ...]:
        """Return the ids of the sessions of the projects that a name means."""
        named = {value for db in self._dbs for value in PROJECT.named(db, name)}
        return self.with_values(PROJECT.column, tuple(sorted(named)))

    def with_values(self, column: str, values: tuple[str, ...]) -> tuple[str, ...]:
        """Return the ids of the sessions that give their messages one of some values.

        Raises:
            NotAsked: there are too many.
        """
        marks = ", ".join("?" * len(values))
        query = (
            f"SELECT session FROM _sessions WHERE {given(column)} IN ({marks}) AND id > 0"
            f" LIMIT {MOST + 1}"
        )
        found = {str(session) for db in self._dbs for (session,) in db.execute(query, values)}
        if len(found) > MOST:
            what = _NAMED.get(column, f"the {column}")
            raise NotAsked(
                f"more than {MOST:,} sessions have {what}, too many to name them to a sink; leave"
                " --sink out, or the filter"
            )
        return tuple(sorted(found))

    def named(self, path: str) -> Named:
        """Return the condition that a call names a file."""
        if not path.startswith("/"):
            return Named("/".join(parts(path)))
        inside = ((self.with_values(PROJECT.column, (cwd,)), name) for cwd, name in relative(path))
        return Named(whole(path), tuple(each for each in inside if each[0]))

    def owners(self, origin: Origin) -> tuple[str, ...]:
        """Return the machines that a name means, as documents have them."""
        found = set()
        for db in self._dbs:
            of_lane = lane_owners(db)
            found |= {of_lane[lane] for lane in origin.lanes(db)}
        return tuple(sorted(found))
