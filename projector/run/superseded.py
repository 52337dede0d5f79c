"""Segments that another one supersedes: it has the same records, but for those that were erased."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from journal.format.record import Header
from journal.format.scan import Found
from journal.segments.segment import read_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import apsw

    from journal.segments.blocks import Chunk
    from journal.segments.listing import LaneFolder, SegmentRef
    from projector.run.open_segments import Place
    from projector.run.watermark import Mark

PASSED = "superseded-"
"""Prefix of the uuid in the mark of a segment whose records were passed over: another one, which
was read before, supersedes it."""

_log = logging.getLogger("projector")


class Superseded:
    """The uuids of the segments that the headers which were read supersede."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def add(self, header: Header) -> None:
        """Note what a segment supersedes."""
        rows = [(uuid,) for uuid in header.supersedes]
        self._db.executemany("INSERT OR IGNORE INTO _superseded(uuid) VALUES(?)", rows)

    def has(self, uuid: str) -> bool:
        """Return whether a segment is superseded; `uuid` may be that of its mark."""
        query = "SELECT 1 FROM _superseded WHERE uuid = ?"
        return self._db.execute(query, (uuid.removeprefix(PASSED),)).fetchone() is not None

    def explains(self, uuid: str, refs: Iterable[SegmentRef]) -> bool:
        """Return whether a segment is gone because another one has its records.

        Args:
            uuid: that of its mark.
            refs: the segments of its folder; what supersedes it may not be read yet.
        """
        if self.has(uuid):
            return True
        for ref in refs:
            # one that cannot be read is an error when it is read
            with contextlib.suppress(OSError):
                header = read_header(ref.path)
                if header is not None and uuid.removeprefix(PASSED) in header.supersedes:
                    return True
        return False

    def others(self, at: Place, marks: Mapping[Place, Mark]) -> list[tuple[Place, Mark]]:
        """Return the marks of all segments that none supersedes, but for one place; in order."""
        return [
            (place, mark)
            for place, mark in sorted(marks.items())
            if place != at and not self.has(mark.uuid)
        ]


class Gone:
    """The segments that were applied and are in no folder any more."""

    def __init__(self, superseded: Superseded) -> None:
        self._superseded = superseded
        self._places: set[Place] = set()

    def note(self, marks: Mapping[Place, Mark], folders: Iterable[LaneFolder]) -> None:
        """Warn of each segment that is gone now, and whose records no other one has."""
        there = {folder.name: folder.segments for folder in folders}
        gone = marks.keys() - {(ref.lane, ref.number) for refs in there.values() for ref in refs}
        for folder, number in sorted(gone - self._places):
            if self._superseded.explains(marks[folder, number].uuid, there.get(folder, ())):
                continue
            _log.warning(
                "segment %d of lane %s is gone; its events stay in the projection:"
                " see `projector verify`",
                number,
                folder,
            )
        self._places = gone


def known_numbers(
    before: Mark, chunk: Chunk, at: Place = ("", 0), others: Iterable[tuple[Place, Mark]] = ()
) -> int | None:
    """Return how many sequence numbers of a segment need not be applied again.

    Args:
        before: the mark of the segment that was read at its place.
        chunk: the beginning of the segment that is there now.
        at: its place.
        others: places and marks of the segments that it may be joined of, in order.

    Returns:
        How many of its first numbers were applied already; None if it does not supersede the
        segment that was read.
    """
    first = chunk.items[0] if chunk.items else None
    if not (isinstance(first, Found) and isinstance(first.record, Header)):
        return None
    superseded = first.record.supersedes
    if before.uuid.removeprefix(PASSED) not in superseded:
        return None
    if before.uuid.startswith(PASSED):
        return 0  # nothing of it was applied: another segment has its records
    joined = [(place, mark) for place, mark in others if mark.uuid in superseded]
    if any(place[0] != at[0] or place < at for place, _ in joined):
        return 0  # another program joined them: records of another one may come first
    # a segment is read when the one before it is read to its end, so these numbers have no gap
    return sum(max(mark.numbers, mark.known) for mark in (before, *(mark for _, mark in joined)))
