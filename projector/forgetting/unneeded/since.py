"""Which messages of a session have been deleted since before a moment."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import SWEEPING
from projector.db.kinds import TYPES
from projector.fold.messages import IN_TRANSCRIPT, OUT, effect, state_after
from projector.fold.sweeps import Reach, joined, reach

if TYPE_CHECKING:
    import apsw

    from projector.fold.sweeps import Copies, Order


@dataclass(frozen=True, slots=True)
class Appended:
    """A message as it was appended.

    Attributes:
        id: its id.
        order: its place in the order of events.
        time: when it was appended, microseconds since 1970.
        copies: the lanes that hold it.
        is_listed: whether only a `transcript.replaced` holds it: it is out of the transcript then,
            until an event names it.
    """

    id: str
    order: Order
    time: int
    copies: Copies
    is_listed: bool


@dataclass(frozen=True, slots=True)
class _Effect:
    """An event that moves messages: those that it names, and perhaps others that it reaches."""

    order: Order
    time: int
    named: int | None
    others: int | None
    reach: Reach | None


class Deletions:
    """The events that move the messages of one session.

    Args:
        db: the projection.
        session: rowid of the session.
        before: microseconds since 1970, by the clocks of the writers.
    """

    def __init__(self, db: apsw.Connection, session: int, before: int) -> None:
        self._before = before
        self._sweeps: dict[int, _Effect] = {}
        self._naming: defaultdict[str, dict[int, _Effect]] = defaultdict(dict)
        effects: dict[int, _Effect] = {}
        query = (
            "SELECT c.message, e.id, e.kind, e.ord, l.uuid, e.seq, e.time FROM _changes c"
            " JOIN _events e ON e.id = c.event JOIN _lanes l ON l.id = e.lane_row"
            " WHERE c.session = ?"
        )
        found: list[tuple[Any, ...]] = db.execute(query, (session,)).fetchall()
        for message, row, kind, ord, lane, seq, time in found:
            if row not in effects:
                text = db.execute("SELECT other_fields FROM _events WHERE id = ?", (row,)).get
                made = _made(TYPES[kind], orjson.loads(text), (ord, lane, seq), time)
                effects[row] = made
                if made.reach is not None:
                    self._sweeps[row] = made
            if message:
                self._naming[message][row] = effects[row]
        # one by one, the sweeps of a session that was cleared often would cost messages times
        # sweeps
        old = (each for each in self._sweeps.values() if each.time < before)
        self._removed = joined(
            each.reach
            for each in old
            if each.reach is not None and each.others is not None and each.others >= OUT
        )

    def has(self, message: Appended) -> bool:
        """Return whether a message, which is deleted now, has been so since before the moment."""
        naming = self._naming.get(message.id, {})
        if not naming and not message.is_listed:
            return self._removed.has(message.order, message.copies)
        moved: list[tuple[Order, int]] = []
        for row, each in (self._sweeps | naming).items():
            is_named = row in naming
            if not is_named and not (each.reach and each.reach.has(message.order, message.copies)):
                continue
            target = each.named if is_named else each.others
            if target is not None and each.time < self._before:
                moved.append((each.order, target))
            elif target == IN_TRANSCRIPT:
                return False  # restored since then, and removed again
        was_out = message.is_listed and message.time < self._before
        return state_after(OUT if was_out else IN_TRANSCRIPT, moved) >= OUT


def _made(type: str, data: dict[str, Any], order: Order, time: int) -> _Effect:
    return _Effect(
        order,
        time,
        effect(type, data, is_named=True),
        effect(type, data, is_named=False) if type in SWEEPING else None,
        reach(order, data) if type in SWEEPING else None,
    )
