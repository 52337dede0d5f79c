"""Why messages are out of their transcript: the events that removed them."""

from __future__ import annotations

from collections import defaultdict
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
from projector.fold.messages import named
from projector.fold.sweeps import reach

if TYPE_CHECKING:
    import apsw

    from projector.fold.sweeps import Copies, Order


@dataclass(frozen=True, slots=True)
class Removal:
    """An event that removed a message.

    Attributes:
        type: the type of the event: `message.removed`, or one that removes all that its author
            had seen.
        reason: the reason that it gives; None if it gives none.
    """

    type: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Change:
    """An event that changes messages: those that it names, or all others that it reaches."""

    order: Order
    type: str
    named: set[str]
    data: dict[str, Any]

    def reaches(self, appended: Order, copies: Copies) -> bool:
        """Return whether it removes a message that it does not name."""
        sweeps = self.type in SWEEPING and self.data.get("rest") != ARCHIVED
        return sweeps and reach(self.order, self.data).has(appended, copies)


def removals(db: apsw.Connection, session: str) -> dict[str, tuple[Removal, ...]]:
    """Return the events that removed messages of a session, by message id.

    A message that is not in the state `removed` is left out. Events before the last one that
    restored the message are left out too.
    """
    changes = _changes(db, session)
    copies: dict[str, Copies] = defaultdict(dict)
    query = "SELECT id, lane, seq FROM copies WHERE session = ?"
    for id, lane, seq in db.execute(query, (session,)):
        copies[id][lane] = seq
    query = (
        "SELECT id, event_order, lane, seq FROM all_messages"
        " WHERE session = ? AND state = 'removed'"
    )
    return {
        id: _removals(changes, id, (order, lane, seq), {lane: seq} | copies[id])
        for id, order, lane, seq in db.execute(query, (session,))
    }


def _changes(db: apsw.Connection, session: str) -> list[_Change]:
    """Return the events that change messages of a session, in their order."""
    query = (
        "SELECT DISTINCT event, event_order, lane, seq, type, data FROM message_changes"
        " WHERE session = ? ORDER BY event_order, lane, seq"
    )
    changes = []
    for _, order, lane, seq, type, text in db.execute(query, (session,)):
        data = {} if text is None else orjson.loads(text)
        changes.append(_Change((order, lane, seq), type, named(type, data), data))
    return changes


def _removals(
    changes: list[_Change], id: str, appended: Order, copies: Copies
) -> tuple[Removal, ...]:
    found: list[Removal] = []
    for change in changes:
        if id in change.named and change.type in (MESSAGE_RESTORED, TRANSCRIPT_REPLACED):
            found.clear()
        elif (id in change.named and change.type == MESSAGE_REMOVED) or (
            id not in change.named and change.reaches(appended, copies)
        ):
            found.append(Removal(change.type, change.data.get("reason")))
    return tuple(found)
