"""The values that a message has of its own or of its session, as filters compare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.db.tags import MOVED, of_branch, of_model, of_project, of_source
from projector.fold.facets import parts

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

_MOVED = 400
"""Most sessions that have moved whose messages are looked for by the tags of these sessions."""


@dataclass(frozen=True, slots=True)
class Field:
    """A value of messages.

    Attributes:
        kind: its kind in `_facet_values`.
        column: the column of `_sessions` for what a session gives its messages.
        of_message: the SQL of the value for rows `e` of `_events` and `s` of `_sessions`.
        tag: returns the tag of a value.
    """

    kind: str
    column: str
    of_message: str
    tag: Callable[[str], str]

    def named(self, db: apsw.Connection, name: str) -> tuple[str, ...]:
        """Return the values that a name means: itself, and the projects with this last part."""
        if self is not PROJECT:
            return (name,)
        query = (
            "SELECT DISTINCT cwd FROM _sessions WHERE cwd IS NOT NULL"
            " UNION SELECT name FROM _facet_values WHERE kind = 'project'"
        )
        wanted = name.rstrip("/") or name
        found = [str(cwd) for (cwd,) in db.execute(query)]
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
SOURCE = Field("source", "source", "coalesce(e.source, s.source)", of_source)
PROJECT = Field("project", "cwd", f"coalesce(s.cwd, {_own('$.extra.cwd')})", of_project)
BRANCH = Field("branch", "branch", f"coalesce({_own('$.extra.git_branch')}, s.branch)", of_branch)
MODEL = Field(
    "model",
    "model",
    f"coalesce({_own('$.model', _NOT_MADE_UP)}, s.model)",
    of_model,
)
FIELDS = {field.kind: field for field in (PROJECT, SOURCE, MODEL, BRANCH)}


def moved(
    db: apsw.Connection, column: str, wanted: tuple[str, ...]
) -> list[tuple[int, bool]] | None:
    """Return the sessions that have moved to one of these values, or from one.

    Where a working directory came or went, the values of the messages themselves count, too.

    Returns:
        The rowid of each, and whether its messages may have one of the values now; None if there
        are too many.
    """
    marks = ", ".join("?" * len(wanted))
    is_project = column == PROJECT.column
    own = f" OR {column} IS NULL OR at_{column} IS NULL" if is_project else ""
    query = (
        f"SELECT id, coalesce({column} IN ({marks}), {is_project:d})"
        f" FROM _sessions INDEXED BY sessions_moved WHERE {MOVED} AND at_{column} IS NOT {column}"
        f" AND ({column} IN ({marks}) OR at_{column} IN ({marks}){own}) LIMIT {_MOVED + 1}"
    )
    found = [(int(row), bool(is_in)) for row, is_in in db.execute(query, wanted * 3)]
    return found if len(found) <= _MOVED else None
