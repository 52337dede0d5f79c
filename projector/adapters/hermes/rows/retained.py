"""What of a session Hermes still keeps: its transcript, what was compacted, what was taken back.

A journal forgets nothing. A message that is out of its transcript was taken back (Hermes keeps it
as inactive), or its transcript was replaced or cleared (Hermes has deleted it): what was done to it
tells which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import (
    ARCHIVED,
    MESSAGE_REMOVED,
    MESSAGE_RESTORED,
    SWEEPING,
    TRANSCRIPT_REPLACED,
)
from projector.adapters.hermes.rows.messages import message_row
from projector.db.rows import STORED, stored
from projector.db.schema import MESSAGE
from projector.fold.messages import IN_ARCHIVE, IN_TRANSCRIPT, OUT, named
from projector.fold.sweeps import reach
from projector.views.sessions import ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from projector.adapters.hermes.rows.sessions import Row
    from projector.fold.sweeps import Copies, Order

REWOUND = "rewound"
REPLACED = "replaced"
"""Reasons of removals: a message was taken back, or stood in a transcript that was replaced."""

_UUID = "(SELECT uuid FROM _lanes WHERE _lanes.id = e.lane_row)"


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that Hermes keeps: its rowid, its key, its state, and the order of its event."""

    row: int
    key: str
    state: int
    order: int


def kept(db: apsw.Connection, session: str, *, inactive: bool = True) -> list[Kept]:
    """Return what Hermes keeps of a session, in order; without what is inactive, its transcript."""
    query = (
        f"SELECT id, event_id, state, ord FROM _events WHERE kind = {MESSAGE} AND state <= ?"
        f" AND session = (SELECT id FROM _sessions WHERE session = ?) ORDER BY {ORDER}"
    )
    most = OUT if inactive else IN_TRANSCRIPT
    found = [Kept(*row) for row in db.execute(query, (most, session))]
    if all(message.state != OUT for message in found):
        return found
    taken_back = _taken_back(db, session)
    return [message for message in found if message.state != OUT or message.row in taken_back]


def rows(db: apsw.Connection, session: str, messages: Iterable[Kept]) -> list[Row]:
    """Return messages as Hermes's rows."""
    query = f"SELECT coalesce(timestamp, time), {STORED} FROM _events WHERE id = ?"
    found = []
    for message in messages:
        [(moment, *columns)] = db.execute(query, (message.row,))
        data = stored(tuple(columns)).in_force
        found.append(message_row(session, message.key, moment, message.state, data))
    return found


def is_any_inactive(db: apsw.Connection, session: str) -> bool:
    """Say whether Hermes keeps messages of a session that are not in its transcript."""
    query = (
        f"SELECT 1 FROM _events WHERE kind = {MESSAGE} AND state = ?"
        " AND session = (SELECT id FROM _sessions WHERE session = ?) LIMIT 1"
    )
    if db.execute(query, (IN_ARCHIVE, session)).get is not None:
        return True
    return db.execute(query, (OUT, session)).get is not None and bool(_taken_back(db, session))


@dataclass(frozen=True, slots=True)
class _Deed:
    """An event that did something to messages: those it names, or all but those it names."""

    order: Order
    type: str
    names: set[str]
    data: dict[str, Any]


def _taken_back(db: apsw.Connection, session: str) -> set[int]:
    """Return the rowids of messages that are out of the transcript, and were not deleted."""
    number = db.execute("SELECT id FROM _sessions WHERE session = ?", (session,)).get
    deeds = _deeds(db, number)
    query = (
        f"SELECT e.id, e.event_id, e.ord, {_UUID}, e.seq FROM _events e"
        f" WHERE kind = {MESSAGE} AND e.session = ? AND e.state = ?"
    )
    again = (
        "SELECT l.uuid, c.seq FROM _copies c JOIN _lanes l ON l.id = c.lane_row"
        " WHERE c.session = ? AND c.event_id = ?"
    )
    found = set()
    out: list[tuple[Any, ...]] = db.execute(query, (number, OUT)).fetchall()
    for row, key, ord, lane, seq in out:
        copies = {lane: seq} | dict(db.execute(again, (number, key)))
        if _is_kept(key, (ord, lane, seq), copies, deeds):
            found.add(row)
    return found


def _deeds(db: apsw.Connection, session: int) -> list[_Deed]:
    query = (
        f"SELECT e.ord, {_UUID}, e.seq, k.type, e.other_fields FROM _events e"
        " JOIN _kinds k ON k.id = e.kind"
        " WHERE e.id IN (SELECT event FROM _changes WHERE session = ?)"
    )
    deeds = []
    for ord, lane, seq, type, rest in db.execute(query, (session,)):
        data = {} if rest is None else orjson.loads(rest)
        deeds.append(_Deed((ord, lane, seq), type, named(type, data), data))
    return sorted(deeds, key=lambda deed: deed.order)


def _is_kept(key: str, appended: Order, copies: Copies, deeds: list[_Deed]) -> bool:
    is_kept = True
    for deed in deeds:
        if key in deed.names:
            if deed.type in (MESSAGE_RESTORED, TRANSCRIPT_REPLACED):
                is_kept = True
            elif deed.type == MESSAGE_REMOVED:
                is_kept = is_kept and deed.data.get("reason") in (None, REWOUND)
        elif deed.type in SWEEPING and deed.data.get("rest") != ARCHIVED:
            is_kept = is_kept and not reach(deed.order, deed.data).has(appended, copies)
    return is_kept
