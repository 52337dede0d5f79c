"""The events that a sweep reaches: pure functions.

A sweep (`session.cleared`, `session.deleted`, `transcript.replaced`) takes away what its author had
seen, and no more. Its field `seen` holds that: the last sequence number of each lane. What another
process appended at the same time stays, whatever the clocks of both show. A sweep without the
field, as in format 1, reaches all that is before it in the order of events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from journal.format.sequence import highest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Order = tuple[int, str, int]
"""The sort key of an event: order, lane uuid, sequence number."""

Copies = dict[str, int]
"""The lanes that hold an event: lane uuid to the lowest sequence number of its records."""


class Reach(NamedTuple):
    """The events that one or more sweeps reach.

    Attributes:
        before: every event before this in the order of events; None if no sweep lacks `seen`.
        seen: lane uuid to sequence number: every event of the lane up to that number.
    """

    before: Order | None
    seen: Mapping[str, int]

    def has(self, order: Order, copies: Copies) -> bool:
        """Return whether an event is reached: by its order, or because a copy of it was seen."""
        if self.before is not None and order < self.before:
            return True
        seen = self.seen
        return any(seq <= seen.get(lane, -1) for lane, seq in copies.items())


def reach(order: Order, data: Mapping[str, Any]) -> Reach:
    """Return the events that one sweep reaches."""
    seen = data.get("seen")
    if not isinstance(seen, dict):
        return Reach(order, {})
    return Reach(None, {lane: seq for lane, seq in seen.items() if seq.__class__ is int})


def joined(sweeps: Iterable[Reach]) -> Reach:
    """Return the events that several sweeps reach together."""
    sweeps = list(sweeps)
    before = max((sweep.before for sweep in sweeps if sweep.before is not None), default=None)
    return Reach(before, highest(sweep.seen for sweep in sweeps))
