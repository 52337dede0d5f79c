"""What is new of the sessions of a Hermes database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.event_types import (
    SESSION_CREATED,
    SESSION_ENDED,
    SESSION_REOPENED,
    SESSION_REVISED,
    USAGE_SET,
)
from journal.importers.hermes.known_state import SessionMarks, mark_of
from journal.importers.hermes.rows import ended_told, session_told, usage_data, usage_told

if TYPE_CHECKING:
    from journal.importers.hermes.change_writer import ChangeWriter
    from journal.importers.hermes.database import Row
    from journal.importers.parsing.values import Json

_EXTRA = "extra."


def tell_session(
    changes: ChangeWriter, id: str, row: Row, known: SessionMarks | None
) -> SessionMarks:
    """Tell what is new of a session; return its marks."""
    told = session_told(row.values)
    repairs = (*row.repairs, *told.repairs)
    fields = _flat(told.data)
    marks = {name: mark_of(value) for name, value in fields.items()}
    if known is None:
        changes.fact(id, SESSION_CREATED, told.data, repairs)
    elif known.fields != marks:
        changed = {name: fields[name] for name in marks if known.fields.get(name) != marks[name]}
        data = _nested(changed)
        if cleared := [name for name in known.fields if name not in marks]:
            data["clear"] = cleared
        changes.change(id, SESSION_REVISED, data, repairs)
    else:
        changes.already(id)
    before = known if known is not None else SessionMarks()
    ended = _tell_end(changes, id, row.values, before.ended)
    return SessionMarks(marks, ended, _tell_usage(changes, id, row.values, before.usage))


def _tell_end(changes: ChangeWriter, id: str, values: dict[str, Json], known: int) -> int:
    """Tell that a session has ended, or is open again; return the mark of its end."""
    told = ended_told(values)
    mark = 0 if told is None else mark_of(told.data)
    if known == mark:
        if mark:
            changes.already(id)
        return mark
    if known:
        changes.change(id, SESSION_REOPENED, {})
    if told is not None:
        changes.fact(id, SESSION_ENDED, told.data, told.repairs)
    return mark


def _tell_usage(changes: ChangeWriter, id: str, values: dict[str, Json], known: int) -> int:
    """Tell what a session has used; return the mark of that."""
    used = usage_told(values)
    if not known and not any(used.values()):
        return 0
    data = usage_data(used)
    mark = mark_of(data)
    if known == mark:
        changes.already(id)
    elif known:
        changes.change(id, USAGE_SET, data)
    else:
        changes.fact(id, USAGE_SET, data)
    return mark


def _flat(data: dict[str, Json]) -> dict[str, Json]:
    """Give a session's fields, those of `extra` among them as `extra.<key>`."""
    own = {name: value for name, value in data.items() if name != "extra"}
    return own | {f"{_EXTRA}{name}": value for name, value in data.get("extra", {}).items()}


def _nested(fields: dict[str, Json]) -> dict[str, Json]:
    """Give a session's data from what `_flat` gave."""
    extra = {
        name.removeprefix(_EXTRA): value
        for name, value in fields.items()
        if name.startswith(_EXTRA)
    }
    own = {name: value for name, value in fields.items() if not name.startswith(_EXTRA)}
    return own | ({"extra": extra} if extra else {})
