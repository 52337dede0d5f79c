"""Where a message stands in its conversation: pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from journal.format.transcript_order import place_after

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Said:
    """What decides a message's place: its id, its moment in microseconds, and its parent."""

    id: str
    moment: int
    parent: str | None


class Dated(NamedTuple):
    """What decides a message's moment.

    Attributes:
        own: its own date, microseconds; None if it has none.
        appended: the date with which it was appended: `own` but for revisions.
        order: the order of its event.
        lane: number of its lane.
    """

    own: int | None
    appended: int | None
    order: int
    lane: int

    @property
    def is_ahead(self) -> bool:
        """Whether it was appended with a date that is later than its order."""
        return self.appended is not None and self.appended > self.order


def moments(messages: Iterable[Dated]) -> list[int]:
    """Return the moment of every message of a session, in the sequence given.

    A message's own date counts, else the order of its event; but one without a date never comes
    before an earlier one of its lane that is dated later than it was appended.

    Args:
        messages: by lane and number.
    """
    found = []
    ahead, last_lane = 0, None
    for message in messages:
        if message.lane != last_lane:
            ahead, last_lane = 0, message.lane
        if message.is_ahead:
            ahead = max(ahead, message.appended or 0)
        found.append(max(message.order, ahead) if message.own is None else message.own)
    return found


def place_all(messages: Iterable[Said]) -> dict[str, tuple[int, int]]:
    """Return (place, depth) of every message of a session.

    A parent that is not there does not count. In a ring of parents, which only a broken writer
    makes, the message that sorts first by (moment, id) begins.
    """
    by_id = {message.id: message for message in messages}
    placed: dict[str, tuple[int, int]] = {}
    for message in by_id.values():
        chain: list[Said] = []  # from child to parent, up to what is placed already
        on_chain: set[str] = set()
        at: Said | None = message
        while at is not None and at.id not in placed and at.id not in on_chain:
            chain.append(at)
            on_chain.add(at.id)
            at = by_id.get(at.parent) if at.parent is not None else None
        if at is not None and at.id in on_chain:
            start = chain.index(at)
            _place_chain(_cut_ring(chain[start:]), None, placed)
            del chain[start:]
        _place_chain(chain, placed[at.id] if at is not None else None, placed)
    return placed


def _place_chain(
    chain: list[Said], above: tuple[int, int] | None, placed: dict[str, tuple[int, int]]
) -> None:
    for message in reversed(chain):
        above = placed[message.id] = place_after(message.moment, above)


def _cut_ring(ring: list[Said]) -> list[Said]:
    """Turn a ring, child to parent, so that the message which begins comes last."""
    begin = min(range(len(ring)), key=lambda index: (ring[index].moment, ring[index].id))
    return ring[begin + 1 :] + ring[: begin + 1]
