"""Values of filters that nothing has, and the existing ones that are most like them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from projector.db.kinds import MESSAGE
from projector.db.tags import of_machine, of_role
from projector.fold.facets import parts
from projector.views.fields import FIELDS
from projector.views.session_filters import SessionFilters, condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import apsw

_KINDS = (*FIELDS, "tool", "file")
_MOST = 5
"""Most values that are listed."""
_LIKE = 0.5
"""How alike the names must be, as `difflib` measures it."""


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """A value that nothing has.

    Attributes:
        kind: `project`, `source`, `model`, `branch`, `tool`, `file` or `role`.
        name: the value.
        nearest: existing values: the most similar first, or any if none is similar.
        is_like: whether they are similar.
    """

    kind: str
    name: str
    nearest: tuple[str, ...]
    is_like: bool


def unknown(kind: str, name: str, existing: Iterable[str]) -> UnknownValue:
    """Return a value that nothing has, with existing ones that are most like it."""
    names = list(existing)
    like = _nearest(name, names)
    return UnknownValue(kind, name, like or tuple(names[:_MOST]), bool(like))


def unknown_values(db: apsw.Connection, filters: Mapping[str, Any]) -> list[UnknownValue]:
    """Return those of some filters, by the kinds of their values, that nothing meets.

    It reads all messages if one of them is a role that none has.

    Raises:
        apsw.Error: the database refuses.
    """
    found = []
    for kind in _KINDS:
        name = filters.get(kind)
        if name is None:
            continue
        where, values = condition(db, SessionFilters(**{kind: name}))
        if db.execute(f"SELECT 1 FROM _sessions WHERE 1{where} LIMIT 1", values).get is None:
            found.append(unknown(kind, name, _existing(db, kind)))
    role = filters.get("role")
    if role is not None and not _has_role(db, role):
        roles = db.execute(f"SELECT DISTINCT role FROM _events WHERE kind = {MESSAGE}").fetchall()
        found.append(unknown("role", role, sorted(str(name) for (name,) in roles if name)))
    return found


def _has_role(db: apsw.Connection, role: str) -> bool:
    """Return whether a message has a role, also one that a machine wrote, or that is not found."""
    tags = f"tags : ({of_role(role)} OR {of_machine(role)})"
    if db.execute("SELECT 1 FROM fts WHERE fts MATCH ? LIMIT 1", (tags,)).get is not None:
        return True
    query = f"SELECT 1 FROM _events WHERE kind = {MESSAGE} AND role = ? LIMIT 1"
    return db.execute(query, (role,)).get is not None


def _existing(db: apsw.Connection, kind: str) -> list[str]:
    query = "SELECT name FROM _facet_values WHERE kind = ?"
    names = [str(name) for (name,) in db.execute(query, (kind,))]
    if kind in FIELDS:
        column = FIELDS[kind].of_session
        query = f"SELECT DISTINCT {column} FROM _sessions WHERE {column} IS NOT NULL"
        names += [str(name) for (name,) in db.execute(query)]
    return sorted(set(names))


def _nearest(name: str, existing: Iterable[str]) -> tuple[str, ...]:
    """Return the names that contain one or are spelt like it, by their last parts."""
    folded = name.casefold()
    last = _last(folded)
    contain = [other for other in existing if folded in other.casefold()]
    by_last: dict[str, list[str]] = {}
    for other in existing:
        by_last.setdefault(_last(other.casefold()), []).append(other)
    like = get_close_matches(last, by_last, _MOST, _LIKE)
    found = [*sorted(contain, key=len), *(other for each in like for other in by_last[each])]
    return tuple(dict.fromkeys(found))[:_MOST]


def _last(path: str) -> str:
    return (parts(path) or [path])[-1]
