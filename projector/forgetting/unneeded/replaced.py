"""Values that later events replaced, and that can be forgotten without a difference to readers.

These are revisions of messages, fields of sessions, key-values and totals of usage. Each event
writes *places*, such as a field of one message. It is replaced if a later event writes each of its
places. So the last event that writes a place is never replaced, and what it writes stays in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import (
    FORGET,
    KEY_DELETED,
    KEY_SET,
    MESSAGE_REVISED,
    SESSION_CREATED,
    SESSION_ENSURED,
    SESSION_REVISED,
    SESSION_TITLED,
    TRANSCRIPT_REPLACED,
    USAGE_SET,
)
from projector.db.kinds import MESSAGE, TYPES
from projector.fold.messages import changed_fields, items, named
from projector.fold.sessions import amounts, written_fields
from projector.forgetting.unneeded.rows import (
    count_others,
    has_shared_key,
    kinds,
    read_copies,
    read_deletions,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    import apsw

    from projector.fold.sweeps import Order
    from projector.forgetting.unneeded.wanted import Key, Wanted

LEAST = 512
"""Bytes of the data of an event from which on it is worth its entry in a request: that is kept for
ever, in the lane and twice in the database, and a line stays in place of the event. See decision 14
for what was measured."""

_REVISIONS = (MESSAGE_REVISED, TRANSCRIPT_REPLACED)
"""Types of events that revise messages, also of a session that was deleted."""

_OWN = (SESSION_CREATED, SESSION_ENSURED, SESSION_REVISED, SESSION_TITLED)
_OTHER = (USAGE_SET, KEY_SET, KEY_DELETED)
"""Types of events that have no effect where a deletion of their session reaches them."""

_REPLACED = kinds((MESSAGE_REVISED, *_OWN, *_OTHER))
_READ = kinds((*_REVISIONS, *_OWN, *_OTHER))
"""Numbers of the types that are found, and of those that write values."""

_CREATED = kinds((SESSION_CREATED, SESSION_ENSURED))
_FIRST = (
    f"SELECT event_id FROM _events e WHERE session = ?1 AND kind <> {MESSAGE}"
    f" AND kind IN ({_CREATED}) AND time = (SELECT min(time) FROM _events WHERE session = ?1"
    f" AND kind <> {MESSAGE} AND kind IN ({_CREATED}))"
    " AND (SELECT started FROM _sessions WHERE id = ?1) IS NULL"
)
"""Selects the events that created a session, if no event says when it began: without a message,
their date is shown."""

_LISTED = "SELECT 1 FROM _changes WHERE session = ? AND message = ?"
"""Selects a row for an id that another event lists, although it is no message: without it that list
could be empty, and another content of its key would come into force."""

Place = tuple[str, str]
"""What is written: the message, key or kind of value that has it, and the field."""


@dataclass(frozen=True, slots=True)
class ReplacedValue:
    """An event whose values later events replaced.

    Attributes:
        session, id: its key.
        type: its type.
        of: id of the message that it revises, or the key that it sets; None of values of its
            session.
        time: when it was appended, microseconds since 1970.
        bytes: of its data.
    """

    session: str
    id: str
    type: str
    of: str | None
    time: int
    bytes: int

    @property
    def key(self) -> Key:
        """Ids of its session and of itself."""
        return self.session, self.id


@dataclass(frozen=True, slots=True)
class Replaced:
    """What was found.

    Attributes:
        values: the events.
        contents: how many events these are in all, contents in conflict included.
    """

    values: tuple[ReplacedValue, ...] = ()
    contents: int = 0


@dataclass(frozen=True, slots=True)
class _Writing:
    """An event and the places that it writes."""

    id: str
    type: str
    of: str | None
    order: Order
    time: int
    bytes: int
    places: frozenset[Place]


def find_replaced(
    db: apsw.Connection, wanted: Wanted, but: Collection[Key] = (), *, least: int = LEAST
) -> Replaced:
    """Find values that were replaced.

    Args:
        db: the projection.
        wanted: which of them.
        but: keys of events that are forgotten anyway.
        least: bytes of the data of an event, from which on it is found.
    """
    values: list[ReplacedValue] = []
    contents = 0
    query = (
        "SELECT id, session FROM _sessions WHERE session <> ? AND id IN (SELECT session FROM"
        f" _events WHERE kind <> {MESSAGE} AND kind IN ({_REPLACED})"
        " AND length(CAST(other_fields AS BLOB)) >= ?) ORDER BY session"
    )
    found: list[tuple[Any, ...]] = db.execute(query, (FORGET, least)).fetchall()
    for row, name in found:
        if not wanted.has_session(name) or has_shared_key(db, row):
            continue
        kept = {id for (id,) in db.execute(_FIRST, (row,))}
        new = [
            ReplacedValue(name, each.id, each.type, each.of, each.time, each.bytes)
            for each in _replaced(list(_read(db, row, wanted)))
            if each.bytes >= least
            and each.id not in kept
            and (name, each.id) not in but
            and db.execute(_LISTED, (row, each.id)).get is None
        ]
        values += new
        contents += len(new) + count_others(db, row, {value.id for value in new})
    return Replaced(tuple(values), contents)


def _replaced(written: list[_Writing]) -> Iterator[_Writing]:
    """Yield those of the events of one session whose places later ones write."""
    last: dict[Place, Order] = {}
    ensured: dict[Place, Order] = {}
    for each in written:
        for place in each.places:
            if each.type == SESSION_ENSURED:
                ensured[place] = min(ensured.get(place, each.order), each.order)
            else:
                last[place] = max(last.get(place, each.order), each.order)
    for each in written:
        if each.type == TRANSCRIPT_REPLACED or not each.places:
            continue
        if each.type == SESSION_ENSURED:
            # it counts only where no other event writes, and where it is the first
            is_replaced = all(place in last or ensured[place] < each.order for place in each.places)
        else:
            # of two events with one order, as in a lane that gave a number twice, both stay
            is_replaced = all(last[place] > each.order for place in each.places)
        if is_replaced:
            yield each


def _read(db: apsw.Connection, session: int, wanted: Wanted) -> Iterator[_Writing]:
    """Yield the events of a session that write values, and are old enough and not deleted."""
    copies = read_copies(db, session)
    deleted = read_deletions(db, session)
    query = (
        "SELECT event_id, kind, time, ord, l.uuid, seq, other_fields FROM _events e"
        " JOIN _lanes l ON l.id = e.lane_row"
        f" WHERE session = ? AND kind <> {MESSAGE} AND kind IN ({_READ})"
    )
    for id, kind, time, ord, lane, seq, text in db.execute(query, (session,)):
        type, order = TYPES[kind], (ord, lane, seq)
        if not wanted.is_old(time):
            continue
        if type not in _REVISIONS and deleted.has(order, {lane: seq} | copies.get(id, {})):
            continue
        of, places = _places(type, orjson.loads(text))
        yield _Writing(id, type, of, order, time, len(text.encode()), places)


def _places(type: str, data: Mapping[str, Any]) -> tuple[str | None, frozenset[Place]]:
    """Return what an event writes a value of, if that has a name, and all places that it writes."""
    if type == MESSAGE_REVISED:
        fields = changed_fields(type, data) or {}
        return next(iter(named(type, data)), None), frozenset(
            (f"message {id}", name) for id in named(type, data) for name in fields
        )
    if type == TRANSCRIPT_REPLACED:
        return None, frozenset(
            (f"message {id}", name)
            for id, item in items(data).items()
            for name in changed_fields(type, item) or ()
        )
    if type in (KEY_SET, KEY_DELETED):
        key = data.get("key")
        return (key, frozenset((("key", key),))) if isinstance(key, str) else (None, frozenset())
    if type == USAGE_SET:
        return None, frozenset(("usage", name) for name in amounts(data))
    return None, frozenset(("session", name) for name in written_fields(type, data))
