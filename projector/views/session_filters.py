"""Which sessions are listed: conditions on rows of `_sessions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.db.kinds import MESSAGE
from projector.db.schema import ABOVE
from projector.db.tags import SUBAGENT
from projector.fold.facets import parts, whole
from projector.fold.messages import IN_TRANSCRIPT
from projector.views.fields import BRANCH, MODEL, PROJECT, SOURCE
from projector.views.files import ENDING, ending, relative
from projector.views.session_names import EXISTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from projector.views.fields import Field
    from projector.views.machines import Origin

_Condition = tuple[str, tuple[str | int, ...]]
"""A condition in SQL, and its bound values."""


@dataclass(frozen=True, slots=True)
class SessionFilters:
    """Which sessions are listed; None means all. Each condition is met by some message of it.

    Attributes:
        source, model, branch: its own, or those of a message.
        project: its working directory, or the last part of that.
        parent: id of the session that it continues or belongs to.
        tool: a tool that was called.
        file: a file that a call named: its path, or the last parts of it.
        errors: only those in which a message reports an error.
        machine: only those with a message that a machine wrote.
        gone: only those that no source has any more.
        subagents: sub-agents are listed, too.
        since, until: only those with a message of this time; microseconds since 1970.
    """

    source: str | None = None
    parent: str | None = None
    project: str | None = None
    model: str | None = None
    branch: str | None = None
    tool: str | None = None
    file: str | None = None
    errors: bool = False
    machine: Origin | None = None
    gone: bool = False
    subagents: bool = True
    since: int | None = None
    until: int | None = None


def condition(db: apsw.Connection, filters: SessionFilters) -> _Condition:
    """Return the condition on a row of `_sessions` in SQL, and its bound values."""
    found = list(_conditions(db, filters))
    where = "".join(f" AND ({text})" for text, _ in found)
    return where, tuple(value for _, values in found for value in values)


def count_sessions(db: apsw.Connection, filters: SessionFilters, *, only: str | None = None) -> int:
    """Return how many sessions there are, or whether that with the id `only` is among them."""
    where, values = condition(db, filters)
    if only is not None:
        where, values = f"{where} AND session = ?", (*values, only)
    return int(db.execute(f"SELECT count(*) FROM _sessions WHERE {EXISTS}{where}", values).get)


def _conditions(db: apsw.Connection, filters: SessionFilters) -> Iterator[_Condition]:
    names = (
        (SOURCE, filters.source),
        (PROJECT, filters.project),
        (BRANCH, filters.branch),
        (MODEL, filters.model),
    )
    for field, name in names:
        if name is not None:
            yield _has(field, field.named(db, name))
    if filters.parent is not None:
        yield f"{ABOVE} = ?", (filters.parent,)
    if filters.tool is not None:
        yield _counted("kind = 'tool' AND name = ?"), (filters.tool,)
    if filters.file is not None:
        yield _touched(filters.file)
    if filters.errors:
        yield _counted("kind = 'error'"), ()
    if filters.machine is not None:
        yield _of_machine(db, filters.machine)
    if filters.gone:
        yield "gone IS NOT NULL", ()
    if not filters.subagents:
        yield "relation IS NOT ?", (SUBAGENT,)
    yield from _of_time(filters.since, filters.until)


def _of_time(since: int | None, until: int | None) -> Iterator[_Condition]:
    if since is not None:
        yield "last >= ?", (since,)
    if until is not None:
        yield "first < ?", (until,)
    if since is not None and until is not None:
        yield _WITHIN, (since, until)


_WITHIN = (
    f"EXISTS (SELECT 1 FROM _events e WHERE e.session = _sessions.id AND e.kind = {MESSAGE}"
    f" AND e.state = {IN_TRANSCRIPT} AND coalesce(e.timestamp, e.time) >= ?"
    " AND coalesce(e.timestamp, e.time) < ?)"
)


def _counted(value: str) -> str:
    """Return the condition that a session has messages with a value."""
    return (
        "_sessions.id IN (SELECT f.session FROM _facet_values v JOIN _facets f ON f.value = v.id"
        f" WHERE {value})"
    )


def _of_machine(db: apsw.Connection, origin: Origin) -> _Condition:
    lanes = origin.lanes(db)
    marks = ", ".join("?" * len(lanes))
    return (
        f"EXISTS (SELECT 1 FROM _events e WHERE e.session = _sessions.id AND e.kind = {MESSAGE}"
        f" AND e.lane_row IN ({marks}))"
    ), lanes


def _has(field: Field, wanted: tuple[str, ...]) -> _Condition:
    marks = ", ".join("?" * len(wanted))
    of_session = f"{field.of_session} IN ({marks})"
    if field is PROJECT:  # messages have no project but that of their session
        return of_session, wanted
    of_messages = _counted(f"kind = '{field.kind}' AND name IN ({marks})")
    return f"{of_session} OR {of_messages}", wanted * 2


def _touched(path: str) -> _Condition:
    """Return the condition that a call named a file, as `projector.views.files.file_tags`."""
    if not parts(path):
        return "0", ()
    if not path.startswith("/"):
        return _counted(ENDING), ending(path)
    named = _counted("kind = 'file' AND name = ?")
    found: list[_Condition] = [(named, (whole(path),))]
    for cwd, name in relative(path):
        at, values = _has(PROJECT, (cwd,))
        found.append((f"{named} AND ({at})", (name, *values)))
    return " OR ".join(f"({text})" for text, _ in found), tuple(v for _, vs in found for v in vs)
