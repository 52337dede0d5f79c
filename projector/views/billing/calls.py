"""The calls of the API that sessions have used, one after the other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import SESSION_DELETED, USAGE_ADDED, USAGE_SET
from projector.db.columns import decode
from projector.db.kinds import KINDS, MESSAGE, TYPES
from projector.db.public_views.view import lane_uuid
from projector.fold.facets import is_model
from projector.fold.sessions import OrderedEvent, since_deletion
from projector.fold.usage import bases, fold_call, fold_calls

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import apsw

    from projector.fold.usage import Bases, Call

_TYPES = (USAGE_ADDED, USAGE_SET, SESSION_DELETED)
_WANTED = (
    f" AND (e.kind <> {KINDS[USAGE_ADDED]} OR json_extract(e.other_fields, '$.call')"
    " IN (SELECT value FROM json_each(?)))"
)
"""Condition on an event: it is of a wanted call, or changes what calls count."""
_NEAR = f" AND (e.kind <> {KINDS[USAGE_ADDED]} OR e.id BETWEEN ? AND ?)"


def session_calls(
    db: apsw.Connection,
    session: str,
    ids: Collection[str] | None = None,
    between: tuple[int, int] | None = None,
) -> list[Call]:
    """Return the calls of the API that one session used, without those of its sub-agents.

    Args:
        db: the projection.
        session: its id.
        ids: the source's ids of the calls that are wanted; None for all.
        between: the first and the last rowid of the events that are read; None for all.
    """
    return [*calls_of(db, session, ids, between)]


def calls_of(
    db: apsw.Connection,
    session: str,
    ids: Collection[str] | None = None,
    between: tuple[int, int] | None = None,
) -> Iterator[Call]:
    """Yield the calls of one session as `session_calls` returns them, one after the other."""
    where, bound = " AND s.session = ?", list[str | int]([session])
    if ids is not None:
        where, bound = f"{where}{_WANTED}", [*bound, orjson.dumps([*ids]).decode()]
    if between is not None:
        where, bound = f"{where}{_NEAR}", [*bound, *between]
    for *_, calls in all_calls(db, where, tuple(bound)):
        yield from calls


def calls_between(
    db: apsw.Connection, first: int, last: int
) -> Iterator[tuple[int, str, Iterator[Call]]]:
    """Yield the rowid, the id and the calls of each session that has used something.

    Args:
        db: the projection.
        first: rowid of the first session that is read.
        last: of the last one.
    """
    return all_calls(db, " AND e.session BETWEEN ? AND ?", (first, last))


def all_calls(
    db: apsw.Connection, where: str = "", bound: tuple[str | int, ...] = ()
) -> Iterator[tuple[int, str, Iterator[Call]]]:
    """Yield the rowid, the id and the calls of each session that has used something.

    Args:
        db: the projection.
        where: a condition on the rows `e` of events and `s` of sessions.
        bound: its bound values.
    """
    marks = ", ".join("?" * len(_TYPES))
    query = (
        f"SELECT e.session, s.session, e.kind = {KINDS[USAGE_ADDED]}, {_CALL}, e.event_id, e.kind,"
        f" e.time, e.ord, {lane_uuid('e')}, e.seq, e.other_fields FROM main._events e"
        " INDEXED BY events_other JOIN _sessions s ON s.id = e.session"
        f" WHERE e.kind <> {MESSAGE} AND e.kind IN ({marks}){where}"
        " AND NOT EXISTS (SELECT 1 FROM _shared x WHERE x.event = e.id AND x.home IS NOT NULL)"
        " ORDER BY 1, 3, 4, e.event_id"
    )
    rows = db.execute(query, (*(KINDS[type] for type in _TYPES), *bound))
    for (number, name), of_session in groupby(rows, key=itemgetter(0, 1)):
        yield number, name, _with_models(db, name, _folded(db, name, of_session))


_CALL = (
    "CASE WHEN json_type(e.other_fields, '$.call') = 'text'"
    " THEN nullif(json_extract(e.other_fields, '$.call'), '') END"
)
"""The call that an event is of, as `projector.fold.sessions.call_of` reads it."""


def _folded(db: apsw.Connection, session: str, rows: Iterable[tuple[Any, ...]]) -> Iterator[Call]:
    """Yield the calls of a session, one after the other: there may be hundreds of thousands.

    Its events are in this order: those that set counters or delete, those without a call, and the
    others by their calls.
    """
    base: Bases = {}
    first: list[tuple[str, OrderedEvent]] = []
    deleted = False
    for is_added, part in groupby(rows, key=itemgetter(2)):
        if not is_added:
            first = [_event(row) for row in part]
            deleted = any(event.type == SESSION_DELETED for _, event in first)
            if not deleted:
                base = bases(event for _, event in first)
                found = (fold_call((event,), base) for _, event in first)
                yield from filter(None, found)
        elif deleted:
            first += [_event(row) for row in part]
        else:
            for call, of_call in groupby(part, key=itemgetter(3)):
                events = (_event(row)[1] for row in of_call)
                groups = ((event,) for event in events) if call is None else (tuple(events),)
                yield from filter(None, (fold_call(group, base) for group in groups))
    if deleted:
        yield from fold_calls(_in_force(db, session, first))


def _event(row: tuple[Any, ...]) -> tuple[str, OrderedEvent]:
    *_, id, kind, time, order, lane, seq, data = row
    return id, OrderedEvent((order, lane, seq), TYPES[kind], decode(data), time, {lane: seq})


def _in_force(
    db: apsw.Connection, session: str, events: list[tuple[str, OrderedEvent]]
) -> list[OrderedEvent]:
    """Return the events of a session that no deletion reaches."""
    copies: dict[str, dict[str, int]] = defaultdict(dict)
    query = "SELECT id, lane, seq FROM copies WHERE session = ?"
    for id, lane, seq in db.execute(query, (session,)):
        copies[str(id)][str(lane)] = seq
    found = [event._replace(copies={**copies[id], **event.copies}) for id, event in events]
    return since_deletion(found)


def _with_models(db: apsw.Connection, session: str, calls: Iterable[Call]) -> Iterator[Call]:
    """Yield calls; one without a model of its own has that of its session, as a message has."""
    model: str | None = None
    is_known = False
    for call in calls:
        if is_model(call.model):
            yield call
            continue
        if not is_known:
            model = db.execute("SELECT model FROM sessions WHERE session = ?", (session,)).get
            is_known = True
        yield replace(call, model=model)
