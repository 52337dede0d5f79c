"""The values that a message has of its own or of its session, as filters compare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.db.tags import MOVED, given, of_branch, of_model, of_project, of_source
from projector.fold.facets import parts

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

_MOVED = 400
"""Most sessions that have moved whose messages are looked for by the tags of these sessions."""
_REPLAYS = 5_000
"""Most replays in the sessions of a project that are read, to look for the sessions they repeat."""


@dataclass(frozen=True, slots=True)
class Field:
    """A value of messages.

    Attributes:
        kind: its kind in `_facet_values`.
        column: the column of `_sessions` for what the events of a session say.
        own: the SQL of the value that a message has for itself, for a row `e` of `_events`.
        tag: returns the tag of a value.
    """

    kind: str
    column: str
    own: str
    tag: Callable[[str], str]

    @property
    def of_session(self) -> str:
        """The SQL of what a session gives its messages, for a row of `_sessions`."""
        return given(self.column)

    @property
    def of_message(self) -> str:
        """The SQL of the value for rows `e` of `_events` and `s` of `_sessions`."""
        of_session = given(self.column, "s.")
        return of_session if self is PROJECT else f"coalesce({self.own}, {of_session})"

    def named(self, db: apsw.Connection, name: str) -> tuple[str, ...]:
        """Return the values that a name means: itself, and the projects with this last part."""
        if self is not PROJECT:
            return (name,)
        wanted = name.rstrip("/") or name
        found = [str(cwd) for (cwd,) in db.execute(_PROJECTS)]
        return (
            name,
            *(cwd for cwd in found if cwd != name and wanted in (cwd.rstrip("/"), _last(cwd))),
        )


def _last(path: str) -> str:
    return (parts(path) or [path])[-1]


def _own(path: str, more: str = "") -> str:
    """Return the SQL of a text in the other fields of a message."""
    value = f"json_extract(e.other_fields, '{path}')"
    return (
        f"CASE WHEN json_type(e.other_fields, '{path}') = 'text'{more} THEN nullif({value}, '') END"
    )


_NOT_MADE_UP = " AND json_extract(e.other_fields, '$.model') NOT LIKE '<%'"
SOURCE = Field("source", "source", "e.source", of_source)
PROJECT = Field("project", "cwd", _own("$.extra.cwd"), of_project)
# each step seeks the next one: there are few, and DISTINCT would read all sessions
_PROJECTS = f"""
WITH RECURSIVE projects(cwd) AS (
  SELECT (SELECT {PROJECT.of_session} FROM _sessions
    WHERE {PROJECT.of_session} IS NOT NULL ORDER BY 1 LIMIT 1)
  UNION ALL
  SELECT (SELECT {PROJECT.of_session} FROM _sessions
    WHERE {PROJECT.of_session} > projects.cwd ORDER BY 1 LIMIT 1)
  FROM projects WHERE projects.cwd IS NOT NULL
)
SELECT cwd FROM projects WHERE cwd IS NOT NULL
"""
BRANCH = Field("branch", "branch", _own("$.extra.git_branch"), of_branch)
MODEL = Field("model", "model", _own("$.model", _NOT_MADE_UP), of_model)
FIELDS = {field.kind: field for field in (PROJECT, SOURCE, MODEL, BRANCH)}


def moved(
    db: apsw.Connection, column: str, wanted: tuple[str, ...]
) -> list[tuple[int, bool]] | None:
    """Return the sessions that have moved to one of these values, or from one.

    Returns:
        The rowid of each, and whether its messages may have one of the values now; None if there
        are too many.
    """
    marks = ", ".join("?" * len(wanted))
    now = given(column)
    query = (
        f"SELECT id, coalesce({now} IN ({marks}), 0)"
        f" FROM main._sessions INDEXED BY sessions_moved WHERE {MOVED} AND at_{column} IS NOT {now}"
        f" AND ({now} IN ({marks}) OR at_{column} IN ({marks})) LIMIT {_MOVED + 1}"
    )
    found = [(int(row), bool(is_in)) for row, is_in in db.execute(query, wanted * 3)]
    return found if len(found) <= _MOVED else None


def repeated_by(db: apsw.Connection, projects: tuple[str, ...]) -> list[int] | None:
    """Return the rowids of sessions of other projects, of which sessions of these repeat messages.

    None if there are too many of these, or of the messages.
    """
    marks = ", ".join("?" * len(projects))
    query = f"""SELECT f.home, f.messages, coalesce({PROJECT.of_message} IN ({marks}), 0) FROM (
        SELECT home, count(*) AS messages FROM (
          SELECT x.home FROM _sessions s CROSS JOIN _shared x ON x.session = s.id
          WHERE {PROJECT.of_message} IN ({marks}) AND x.home > 0 LIMIT {_REPLAYS + 1}
        ) GROUP BY home) f CROSS JOIN _sessions s ON s.id = f.home"""
    found = list(db.execute(query, projects * 2))
    few = len(found) <= _MOVED and sum(count for _, count, _ in found) <= _REPLAYS
    return [int(home) for home, _, is_own in found if not is_own] if few else None
