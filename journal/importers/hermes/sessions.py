"""Appends the new events of the sessions of a Hermes database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.event_types import (
    SESSION_CREATED,
    SESSION_ENDED,
    SESSION_REOPENED,
    SESSION_REVISED,
    USAGE_SET,
)
from journal.format.fields.extra import extra_fields, split_extra
from journal.importers.hermes.known_state import SessionMarks, mark53_of
from journal.importers.hermes.rows import end_data, session_data, usage_data, used_counts

if TYPE_CHECKING:
    from journal.importers.hermes.change_writer import ChangeWriter
    from journal.importers.parsing.values import Json
    from journal.importers.sqlite.snapshot import Row


def write_session(
    changes: ChangeWriter, id: str, row: Row, known: SessionMarks | None
) -> SessionMarks:
    """Append the new events of a session; return its marks."""
    found = session_data(row.values)
    repairs = (*row.repairs, *found.repairs)
    own = {name: value for name, value in found.data.items() if name != "extra"}
    fields = own | extra_fields(found.data)
    marks = {name: mark53_of(value) for name, value in fields.items()}
    if known is None:
        changes.fact(id, SESSION_CREATED, found.data, repairs)
    elif known.fields != marks:
        changed = {name: fields[name] for name in marks if known.fields.get(name) != marks[name]}
        data, extra = split_extra(changed)
        if extra:
            data["extra"] = extra
        if cleared := [name for name in known.fields if name not in marks]:
            data["clear"] = cleared
        changes.change(id, SESSION_REVISED, data, repairs)
    else:
        changes.already(id)
    before = known if known is not None else SessionMarks()
    ended = _write_end(changes, id, row.values, before.ended)
    return SessionMarks(marks, ended, _write_usage(changes, id, row.values, before.usage))


def _write_end(changes: ChangeWriter, id: str, values: dict[str, Json], known: int) -> int:
    """Append that a session has ended or was reopened; return the mark of its end."""
    found = end_data(values)
    mark = 0 if found is None else mark53_of(found.data)
    if known == mark:
        if mark:
            changes.already(id)
        return mark
    if known:
        changes.change(id, SESSION_REOPENED, {})
    if found is not None:
        changes.fact(id, SESSION_ENDED, found.data, found.repairs)
    return mark


def _write_usage(changes: ChangeWriter, id: str, values: dict[str, Json], known: int) -> int:
    """Append a session's counters; return their mark."""
    used = used_counts(values)
    if not known and not any(used.values()):
        return 0
    data = usage_data(used)
    mark = mark53_of(data)
    if known == mark:
        changes.already(id)
    elif known:
        changes.change(id, USAGE_SET, data)
    else:
        changes.fact(id, USAGE_SET, data)
    return mark
