"""Bytes of a segment that are no valid record, as programs get them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from journal.errors import counted

if TYPE_CHECKING:
    from journal.format.scan import Damage
    from journal.segments.listing import SegmentRef


@dataclass(frozen=True, slots=True)
class DamagedBytes:
    """Bytes of a segment that are no valid record.

    Attributes:
        lane_folder: name of the lane's folder.
        segment: number of the segment in its lane.
        offset: offset of the first byte in the segment's file.
        length: how many bytes.
        reason: why they are no record.
    """

    lane_folder: str
    segment: int
    offset: int
    length: int
    reason: str

    @classmethod
    def of(cls, ref: SegmentRef, damage: Damage) -> Self:
        """Return a stretch of damage in a segment."""
        return cls(ref.lane, ref.number, damage.offset, damage.length, damage.reason)

    def __str__(self) -> str:
        return (
            f"lane folder {self.lane_folder}, segment {self.segment}, offset {self.offset}:"
            f" {counted(self.length, 'byte')} of no record: {self.reason}"
        )
