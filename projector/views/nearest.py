"""Values of filters that nothing has, and the existing ones that are most like them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

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
        kind: `project`, `source`, `model`, `branch`, `tool` or `file`.
        name: the value.
        nearest: existing values, the most similar first.
    """

    kind: str
    name: str
    nearest: tuple[str, ...]


def unknown_values(db: apsw.Connection, filters: Mapping[str, Any]) -> list[UnknownValue]:
    """Return those of some filters, by the kinds of their values, that nothing meets.

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
            found.append(UnknownValue(kind, name, _nearest(name, _existing(db, kind))))
    return found


def _existing(db: apsw.Connection, kind: str) -> list[str]:
    query = "SELECT name FROM _facet_values WHERE kind = ?"
    names = [str(name) for (name,) in db.execute(query, (kind,))]
    if kind in FIELDS:
        column = FIELDS[kind].column
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
