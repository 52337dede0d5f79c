"""Reads sessions of the SDK from the SQL views of a projection (docs/sql.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from projector.adapters.claude_agent_sdk.entries import ENTRY, SOURCE, entry_of, held_entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

_NAMES = (
    "SELECT session FROM sessions WHERE session >= ? AND session < ? AND source = ?"
    " ORDER BY session"
)
_CHANGES = "SELECT count(*), max(event_order), max(time) FROM events WHERE session = ?"
_DELETIONS = "SELECT count(*) FROM events WHERE session = ? AND type = 'session.deleted'"
_MESSAGES = (
    "SELECT event_order, lane, seq, content, content_is_json, other_fields FROM messages"
    " WHERE session = ?"
)
_OTHERS = (
    "SELECT event_order, lane, seq, id, type, data FROM events WHERE session = ? AND type IN (?, ?)"
)
_COPIES = "SELECT id, lane, seq FROM copies WHERE session = ?"

Order = tuple[int, str, int]
"""The sort key of events: order, lane, number."""


class Changed(NamedTuple):
    """What differs once a session has changed.

    Attributes:
        events: number of its events.
        order: that of its last event.
        time: of its last append, microseconds since 1970.
    """

    events: int
    order: int
    time: int

    @property
    def mtime(self) -> int:
        """`time` in milliseconds."""
        return self.time // 1000


def names(db: apsw.Connection, begin: str, end: str) -> list[str]:
    """Return the names of sessions of the SDK from `begin` on and before `end`."""
    return [str(name) for (name,) in db.execute(_NAMES, (begin, end, SOURCE))]


def changes(db: apsw.Connection, name: str) -> Changed:
    """Return what differs once a session has changed."""
    (row,) = db.execute(_CHANGES, (name,))
    return Changed(*row)


def deletions(db: apsw.Connection, name: str) -> int:
    """Return how often a session was deleted."""
    (row,) = db.execute(_DELETIONS, (name,))
    return int(row[0])


def entries(db: apsw.Connection, name: str) -> list[dict[str, Any]]:
    """Return the entries of a session in the order of their appends.

    Those of one append stay together, although other processes may have appended between them.

    Raises:
        EventError: another program wrote into the session.
    """
    found: list[tuple[Order, dict[str, Any]]] = []
    for order, lane, seq, content, is_json, other in db.execute(_MESSAGES, (name,)):
        fields = orjson.loads(other or b"{}")
        parts = orjson.loads(content) if is_json else content
        entry = entry_of(parts, fields.get("tool_calls"), fields.get("extra", {}))
        found.append(((order, lane, seq), entry))
    others = list(db.execute(_OTHERS, (name, ENTRY, "session.deleted")))
    gone = _deleted(db, name, others)
    for order, lane, seq, id, type, data in others:
        if type == ENTRY and id not in gone:
            found.append(((order, lane, seq), held_entry(orjson.loads(data))))
    # one append numbers its events and orders them in steps of one, so the difference is the same
    begins: dict[tuple[str, int], int] = {}
    for (order, lane, seq), _ in found:
        append = lane, order - seq
        begins[append] = min(begins.get(append, order), order)

    def place(each: tuple[Order, dict[str, Any]]) -> Order:
        order, lane, seq = each[0]
        return begins[lane, order - seq], lane, seq

    found.sort(key=place)
    return [entry for _, entry in found]


def _deleted(db: apsw.Connection, name: str, rows: Iterable[tuple[Any, ...]]) -> set[str]:
    """Return the ids of the events that a deletion of the session reaches.

    A projection shows which messages are deleted, and of other events only that they were appended.
    A deletion names the numbers up to which its author had seen each lane; one without them, of
    another program, reaches all before it.
    """
    seen: dict[str, int] = {}
    before: Order | None = None
    at: dict[str, list[Order]] = {}
    for order, lane, seq, id, type, data in rows:
        if type == ENTRY:
            at.setdefault(id, []).append((order, lane, seq))
            continue
        numbers = orjson.loads(data).get("seen")
        if isinstance(numbers, dict):
            for own, number in numbers.items():
                seen[own] = max(seen.get(own, -1), number)
        else:
            before = max(before or (order, lane, seq), (order, lane, seq))
    if not seen and before is None:
        return set()
    for id, lane, seq in db.execute(_COPIES, (name,)):
        if id in at:
            at[id].append((at[id][0][0], lane, seq))
    return {
        id
        for id, places in at.items()
        if (before is not None and places[0] < before)
        or any(seq <= seen.get(lane, -1) for _, lane, seq in places)
    }
