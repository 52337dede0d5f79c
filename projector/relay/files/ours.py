"""What others have under our name, compared with the lanes of this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from journal.format.scan import Damage, scan
from journal.segments.segment import open_segment
from projector.relay.errors import NotOurs
from projector.relay.files.own import own_segments

if TYPE_CHECKING:
    from pathlib import Path

    from projector.relay.chunk import Chunk, Place
    from projector.relay.files.own import Names, Segment


class Ours:
    """The segments of this machine, by what they are called.

    Args:
        lanes: the folder of the lanes.
        names: remembers headers.
    """

    def __init__(self, lanes: Path, names: Names) -> None:
        self._lanes = lanes
        self._names = names
        self._segments: dict[tuple[int, int, str], Segment] = {}
        self._numbers: dict[tuple[int, int], Segment] = {}
        self._superseded: set[str] = set()

    def list(self) -> list[Segment]:
        """List them as they are now.

        Raises:
            ReadError: a folder cannot be read.
            OSError: a segment cannot be read.
        """
        found = own_segments(self._lanes, self._names)
        self._segments = {(int(s.folder), s.number, s.name): s for s in found}
        self._numbers = {(int(s.folder), s.number): s for s in found}
        self._superseded = {uuid for each in found for uuid in each.supersedes}
        return found

    def find(self, place: Place) -> Segment | None:
        """Return the segment at a place; None if it is not there."""
        return self._segments.get((place.lane, place.number, place.segment))

    def is_superseded(self, segment: str) -> bool:
        """Return whether one of our segments replaces this one."""
        return segment in self._superseded

    def check(self, chunk: Chunk) -> str:
        """Compare what was sent under our name with what is here.

        Returns:
            Nothing if it is here; else what to do, if our own file is damaged.

        Raises:
            NotOurs: another machine sent it, or this journal is older than what it sent.
            OSError: a segment cannot be read.
        """
        place = chunk.place
        if not self.has(chunk):
            self.list()  # it may have grown, or have been rewritten, since it was listed
        if self.has(chunk):
            return ""
        there = self._numbers.get((place.lane, place.number))
        if there is not None and (damage := damage_up_to(there.path, chunk.end)):
            return damage_text(place, damage)
        raise NotOurs(
            f"lane {place.lane} segment {place.number} ({place.segment}): others have bytes up to"
            f" {chunk.end:,} under our name that are not here"
        )

    def damage(self, place: Place) -> str:
        """Return what is damaged in the segment at a place; nothing if all of it is sound.

        Raises:
            OSError: it cannot be read.
        """
        there = self._numbers.get((place.lane, place.number))
        return "" if there is None else damage_up_to(there.path, there.size)

    def has(self, chunk: Chunk) -> bool:
        """Return whether the bytes of a chunk are those of a segment here, or replaced here.

        Raises:
            OSError: the segment cannot be read.
        """
        if self.is_superseded(chunk.place.segment):
            return True
        segment = self.find(chunk.place)
        return segment is not None and contains(segment, chunk)


def contains(segment: Segment, chunk: Chunk) -> bool:
    """Return whether a segment has the bytes of a chunk at its offset.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with open_segment(segment.path) as file:
            found = os.pread(file.fileno(), len(chunk.data), chunk.offset)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:  # joined with the one before it, which the next listing shows
        return False
    return found == chunk.data and (chunk.whole is None or size == chunk.whole.size)


def damage_text(place: Place, damage: str) -> str:
    """Return what is wrong with a damaged segment of ours, and what to do."""
    return (
        f"damage in our own lane {place.lane} segment {place.number}: {damage}: stop the relay, and"
        " run `journal relay repair`"
    )


def damage_up_to(path: Path, end: int) -> str:
    """Return what is damaged in a segment up to an offset; nothing if all is sound.

    Raises:
        OSError: it cannot be read.
    """
    with open_segment(path) as file:
        content = os.pread(file.fileno(), end, 0)
    for found in scan(content[: content.rfind(b"\n") + 1], 0):
        if isinstance(found, Damage):
            return f"{found.reason} at offset {found.offset:,}"
    return ""
