"""What a sweep reaches: pure functions.

A sweep (a session cleared, deleted or given a new transcript) takes away what its author had seen,
and no more. It names that as the last sequence number of each lane. What another process appended
at the same time stays, whatever the clock of either said. A sweep without such a list, as format 1
has them, reaches all that is before it in the order of events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Order = tuple[int, str, int]
"""What orders events: order, lane uuid, sequence number."""

Copies = dict[str, int]
"""Where a key was appended: of each lane, by its uuid, the lowest sequence number."""


class Reach(NamedTuple):
    """What sweeps reach.

    Attributes:
        before: all that is before this in the order of events; None if no sweep goes by that.
        seen: of each lane, by its uuid, all up to this sequence number.
    """

    before: Order | None
    seen: Mapping[str, int]

    def has(self, order: Order, copies: Copies) -> bool:
        """Say whether a key is reached: by its order, or because any copy of it was seen."""
        if self.before is not None and order < self.before:
            return True
        seen = self.seen
        return any(seq <= seen.get(lane, -1) for lane, seq in copies.items())


def reach(order: Order, data: Mapping[str, Any]) -> Reach:
    """Return what one sweep reaches."""
    seen = data.get("seen")
    if not isinstance(seen, dict):
        return Reach(order, {})
    return Reach(None, {lane: seq for lane, seq in seen.items() if seq.__class__ is int})


def joined(sweeps: Iterable[Reach]) -> Reach:
    """Return what several sweeps reach together."""
    before: Order | None = None
    seen: dict[str, int] = {}
    for sweep in sweeps:
        if sweep.before is not None and (before is None or sweep.before > before):
            before = sweep.before
        for lane, seq in sweep.seen.items():
            if seq > seen.get(lane, -1):
                seen[lane] = seq
    return Reach(before, seen)
