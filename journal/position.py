"""Where an event stands: what `append` returns and a reader can wait for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place behind one record of one lane.

    Attributes:
        lane: the lane's uuid.
        segment: the segment's number, from 1.
        offset: bytes from the segment's start to just behind the record.
    """

    lane: str
    segment: int
    offset: int

    def __str__(self) -> str:
        return f"{self.lane}:{self.segment}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read what `str(position)` printed.

        Raises:
            ValueError: the text is no position.
        """
        lane, segment, offset = text.rsplit(":", 2)
        return cls(lane, int(segment), int(offset))
