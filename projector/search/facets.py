"""How many messages and sessions have each value of a facet."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from projector.db.kinds import MESSAGE
from projector.db.rows import STORED, stored
from projector.db.tags import of_file, of_tool
from projector.fold.facets import facets as facets_of
from projector.fold.facets import whole
from projector.fold.messages import OUT
from projector.search.filters import NO_SUBAGENT, Filters, conditions
from projector.views.fields import FIELDS
from projector.views.machines import lane_machines

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from journal.segments.machines import Machines
    from projector.search.filters import Conditions
    from projector.views.fields import Field

_READ = 7
"""Messages that are read in about the time in which those of one name are counted."""

FacetBy = Literal["project", "source", "model", "branch", "tool", "file", "machine"]


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


def facets(
    db: apsw.Connection, by: FacetBy, filters: Filters, machines: Machines | None = None
) -> list[FacetRow]:
    """Return the values of messages, that of most messages first.

    Args:
        db: the database.
        by: of which values.
        filters: which messages are counted.
        machines: those of the journal; needed for `machine`.

    Raises:
        apsw.Error: the database refuses.
    """
    if by == "machine" and machines is not None:
        rows = _of_machines(db, filters, machines)
    elif filters != Filters():
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
    query = f"SELECT id, {field.of_session}, indexed FROM _sessions WHERE indexed"
    for session, name, messages in db.execute(query):
        given[session] = name
        found[session, name] = messages
    query = (
        "SELECT f.session, v.name, f.messages FROM _facet_values v JOIN _facets f ON f.value = v.id"
        " WHERE v.kind = ?"
    )
    for session, name, messages in db.execute(query, (field.kind,)):
        found[session, given[session]] -= messages
        found[session, name] += messages
    rows: dict[str | None, list[int]] = defaultdict(list)
    for (_, name), messages in found.items():
        if messages:
            rows[name].append(messages)
    return [FacetRow(name, sum(counts), len(counts)) for name, counts in rows.items()]


def _of_machines(db: apsw.Connection, filters: Filters, machines: Machines) -> list[FacetRow]:
    """Return the machines of messages: reads the row of each that passes."""
    passing = conditions(db, filters)
    if passing is None:
        return []
    of_lane = lane_machines(db, machines)
    messages: Counter[str] = Counter()
    sessions: defaultdict[str, set[int]] = defaultdict(set)
    counted = _select(db, "e.lane_row, e.session, count(*)", passing, "GROUP BY 1, 2")
    for lane, session, count in counted:
        _, name = of_lane[lane]
        messages[name] += count
        sessions[name].add(session)
    return [FacetRow(name, count, len(sessions[name])) for name, count in messages.items()]


def _matching(db: apsw.Connection, by: FacetBy, filters: Filters) -> list[FacetRow]:
    """Return the values of the messages that pass filters: counts them for each value."""
    passing = conditions(db, filters)
    if passing is None:
        return []
    if not filters.subagents:  # rows that are counted without the index are compared, too
        passing.rows.append(NO_SUBAGENT)
    names = [*_names(db, by)]
    total, _ = _count(db, passing)
    if by in FIELDS:
        return _of_each(db, by, names, passing, total)
    if total < _READ * len(names):
        return _of_read(db, by, passing)
    return _of_each(db, by, names, passing, 0)


def _of_each(
    db: apsw.Connection, by: FacetBy, names: Iterable[str], passing: Conditions, total: int
) -> list[FacetRow]:
    """Count the messages of each value, and those without one if there are more in total."""
    rows = []
    for name in names:
        of_value = passing.copy()
        if by in FIELDS:
            of_value.add_field(FIELDS[by], (name,))
        else:
            of_value.tags.append(of_tool(name) if by == "tool" else of_file(whole(name)))
        rows.append(FacetRow(name, *_count(db, of_value)))
    if total > sum(row.messages for row in rows):
        without = passing.copy()
        without.rows.append((f"{FIELDS[by].of_message} IS NULL", ()))
        rows.append(FacetRow(None, *_count(db, without)))
    return rows


def _of_read(db: apsw.Connection, by: FacetBy, passing: Conditions) -> list[FacetRow]:
    """Count the tools or files of messages by reading these."""
    columns = ", ".join(f"e.{column}" for column in STORED.split(", "))
    messages: Counter[str] = Counter()
    sessions: defaultdict[str, set[int]] = defaultdict(set)
    for session, *row in _select(db, f"e.session, {columns}", passing):
        about = facets_of(stored(tuple(row)).in_force)
        for name in about.tools if by == "tool" else about.files:
            messages[name] += 1
            sessions[name].add(session)
    return [FacetRow(name, count, len(sessions[name])) for name, count in messages.items()]


def _names(db: apsw.Connection, by: FacetBy) -> Iterable[str]:
    names = [str(n) for (n,) in db.execute("SELECT name FROM _facet_values WHERE kind = ?", (by,))]
    if by in FIELDS:
        column = FIELDS[by].of_session
        query = f"SELECT DISTINCT {column} FROM _sessions WHERE {column} IS NOT NULL"
        names += [str(name) for (name,) in db.execute(query)]
    return dict.fromkeys(names)


_FOUND = (
    f"e.kind = {MESSAGE} AND e.state < {OUT}"
    " AND NOT EXISTS (SELECT 1 FROM _shared x WHERE x.event = e.id AND x.home IS NOT NULL)"
)


def _count(db: apsw.Connection, passing: Conditions) -> tuple[int, int]:
    """Count the messages that pass, and their sessions."""
    [(messages, sessions)] = _select(db, "count(*), count(DISTINCT e.session)", passing)
    return messages, sessions


def _select(
    db: apsw.Connection, what: str, passing: Conditions, then: str = ""
) -> Iterable[tuple[Any, ...]]:
    """Select something of the messages that pass, as rows `e` of `_events`."""
    found = passing.narrowing()
    match = found.match_tags()
    sessions = "JOIN _sessions s ON s.id = e.session"
    if match is None:  # only rows are compared
        query = f"SELECT {what} FROM _events e {sessions} WHERE {_FOUND}{found.where} {then}"
        return db.execute(query, found.values)
    query = f"SELECT {what} FROM fts CROSS JOIN _events e ON e.id = fts.rowid {sessions}"
    return db.execute(f"{query} WHERE fts MATCH ?{found.where} {then}", (match, *found.values))
