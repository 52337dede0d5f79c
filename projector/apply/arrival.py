"""Records on their way into the projection."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from journal.format.event import Event


class Arrival(NamedTuple):
    """An event on its way into the projection, its names replaced by numbers.

    Attributes:
        session, kind, lane_row: numbers of its session, its type and its lane.
        seq: its number in the lane.
        transcript_index: its place, from 1, in the record of a new transcript that brought it; 0 if
            it is a record of its own.
        event: the event.
    """

    session: int
    kind: int
    lane_row: int
    seq: int
    transcript_index: int
    event: Event
