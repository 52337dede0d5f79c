"""How many messages and sessions have each value of a facet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from projector.db.kinds import MESSAGE
from projector.db.tags import of_file, of_tool
from projector.fold.facets import whole
from projector.fold.messages import OUT
from projector.search.filters import NO_SUBAGENT, Filters, conditions
from projector.views.fields import FIELDS, PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from projector.search.filters import Conditions
    from projector.views.fields import Field

FacetBy = Literal["project", "source", "model", "branch", "tool", "file"]


@dataclass(frozen=True, slots=True)
class FacetRow:
    """A value, and what has it.

    Attributes:
        name: the value, such as the name of a tool; None for the messages that have none.
        messages: number of messages with it that a search finds; a message that forks repeat counts
            once.
        sessions: number of sessions that these are in.
    """

    name: str | None
    messages: int
    sessions: int


def facets(db: apsw.Connection, by: FacetBy, filters: Filters) -> list[FacetRow]:
    """Return the values of messages, that of most messages first.

    Raises:
        apsw.Error: the database refuses.
    """
    if filters != Filters():
        rows = _matching(db, by, filters)
    elif by in FIELDS:
        rows = _of_fields(db, FIELDS[by])
    else:
        query = (
            "SELECT v.name, sum(f.messages), count(*) FROM _facet_values v"
            " JOIN _facets f ON f.value = v.id WHERE v.kind = ? GROUP BY v.id"
        )
        rows = [FacetRow(*row) for row in db.execute(query, (by,))]
    return sorted(
        (row for row in rows if row.messages),
        key=lambda row: (-row.messages, row.name is None, row.name or ""),
    )


def _of_fields(db: apsw.Connection, field: Field) -> list[FacetRow]:
    """Return the values of all messages, of their own or of their sessions."""
    found: dict[tuple[int, str | None], int] = defaultdict(int)
    given: dict[int, str | None] = {}
    query = f"SELECT id, {field.column}, indexed FROM _sessions WHERE indexed"
    for session, name, messages in db.execute(query):
        given[session] = name
        found[session, name] = messages
    query = (
        "SELECT f.session, v.name, f.messages FROM _facet_values v JOIN _facets f ON f.value = v.id"
        " WHERE v.kind = ?"
    )
    for session, name, messages in db.execute(query, (field.kind,)):
        if field is not PROJECT or given[session] is None:
            found[session, given[session]] -= messages
            found[session, name] += messages
    rows: dict[str | None, list[int]] = defaultdict(list)
    for (_, name), messages in found.items():
        if messages:
            rows[name].append(messages)
    return [FacetRow(name, sum(counts), len(counts)) for name, counts in rows.items()]


def _matching(db: apsw.Connection, by: FacetBy, filters: Filters) -> list[FacetRow]:
    """Return the values of the messages that pass filters: counts them for each value."""
    passing = conditions(db, filters)
    if passing is None:
        return []
    if not filters.subagents:  # rows that are counted without the index are compared, too
        passing.rows.append(NO_SUBAGENT)
    rows = []
    for name in _names(db, by):
        of_value = passing.copy()
        if by in FIELDS:
            of_value.add_field(FIELDS[by], (name,))
        else:
            of_value.tags.append(of_tool(name) if by == "tool" else of_file(whole(name)))
        rows.append(FacetRow(name, *_count(db, of_value)))
    if by in FIELDS and _count(db, passing)[0] > sum(row.messages for row in rows):
        without = passing.copy()
        without.rows.append((f"{FIELDS[by].of_message} IS NULL", ()))
        rows.append(FacetRow(None, *_count(db, without)))
    return rows


def _names(db: apsw.Connection, by: FacetBy) -> Iterable[str]:
    names = [str(n) for (n,) in db.execute("SELECT name FROM _facet_values WHERE kind = ?", (by,))]
    if by in FIELDS:
        column = FIELDS[by].column
        query = f"SELECT DISTINCT {column} FROM _sessions WHERE {column} IS NOT NULL"
        names += [str(name) for (name,) in db.execute(query)]
    return dict.fromkeys(names)


_COUNTED = "SELECT count(*), count(DISTINCT e.session) FROM"
_FOUND = (
    f"e.kind = {MESSAGE} AND e.state < {OUT}"
    " AND NOT EXISTS (SELECT 1 FROM _shared x WHERE x.event = e.id AND x.home IS NOT NULL)"
)


def _count(db: apsw.Connection, passing: Conditions) -> tuple[int, int]:
    """Count the messages that pass, and their sessions."""
    found = passing.narrowing()
    match = found.match_tags()
    sessions = "JOIN _sessions s ON s.id = e.session"
    if match is None:  # only rows are compared
        query = f"{_COUNTED} _events e {sessions} WHERE {_FOUND}{found.where}"
        row = db.execute(query, found.values).fetchone()
    else:
        query = f"{_COUNTED} fts CROSS JOIN _events e ON e.id = fts.rowid {sessions}"
        query += f" WHERE fts MATCH ?{found.where}"
        row = db.execute(query, (match, *found.values)).fetchone()
    return row or (0, 0)
