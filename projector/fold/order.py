"""The order of messages in a transcript: pure functions.

Messages are sorted by (order_time, order_depth), then by the order of their events. The order time
is the message's date, but never before that of its parent, so that a clock that runs backwards does
not put an answer before its question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from journal.format.transcript_order import place_after

if TYPE_CHECKING:
    from collections.abc import Iterable

Place = tuple[int, int]
"""The sort key of a message: order time in microseconds, and depth below the last parent that has
the same time."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A message as its order needs it: id, date in microseconds, and id of its parent."""

    id: str
    date: int
    parent: str | None


class Dates(NamedTuple):
    """The dates of a message, in microseconds.

    Attributes:
        own: its own date, with revisions in force; None if it has none.
        appended: its own date as it was appended; None if it had none.
        order: the order of its event.
        lane_row: rowid of its lane.
    """

    own: int | None
    appended: int | None
    order: int
    lane_row: int

    @property
    def is_ahead(self) -> bool:
        """Whether it was appended with a date that is later than its order."""
        return self.appended is not None and self.appended > self.order


def effective_dates(messages: Iterable[Dates]) -> list[int]:
    """Return the date by which each message of a session is ordered, in the sequence given.

    That is a message's own date, else the order of its event. A message without a date of its own
    never comes before an earlier message of its lane that is dated later than its own order.

    Args:
        messages: sorted by lane and sequence number.
    """
    found = []
    ahead, last_lane = 0, None
    for message in messages:
        if message.lane_row != last_lane:
            ahead, last_lane = 0, message.lane_row
        if message.is_ahead:
            ahead = max(ahead, message.appended or 0)
        found.append(max(message.order, ahead) if message.own is None else message.own)
    return found


def place_all(messages: Iterable[Linked]) -> dict[str, Place]:
    """Return the place of every message of a session, by id.

    A parent that is missing does not count. In a cycle of parents, which only a broken writer
    makes, the message that sorts first by (date, id) is the first.
    """
    by_id = {message.id: message for message in messages}
    placed: dict[str, Place] = {}
    for message in by_id.values():
        chain: list[Linked] = []  # from child to parent, up to one that is placed already
        on_chain: set[str] = set()
        at: Linked | None = message
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


def _place_chain(chain: list[Linked], above: Place | None, placed: dict[str, Place]) -> None:
    for message in reversed(chain):
        above = placed[message.id] = place_after(message.date, above)


def _cut_ring(ring: list[Linked]) -> list[Linked]:
    """Turn a cycle, child to parent, so that the message which is first comes last."""
    begin = min(range(len(ring)), key=lambda index: (ring[index].date, ring[index].id))
    return ring[begin + 1 :] + ring[: begin + 1]
