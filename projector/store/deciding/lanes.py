"""The records of the lanes behind a snapshot of the projection, each read once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zlib import crc32

from journal.format.frame import MAX_RECORD
from journal.format.record import FORMAT, Header
from journal.process import clock
from journal.segments.blocks import read_at
from journal.segments.settled import Settled
from projector.run.ingest import FUTURE
from projector.run.open_segments import OpenSegments
from projector.run.superseded import PASSED
from projector.run.watermark import FINGERPRINTED, Mark, load_marks_of, opened, place
from projector.store.deciding.lines import Line, Unclear, lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import apsw

    from journal.segments.listing import LaneFolder, SegmentRef
    from projector.run.open_segments import Place

_MOST = MAX_RECORD // 4
"""Bytes behind the snapshot in one segment above which it is quicker to apply them."""


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far a segment was read: the inode of its file, the offset, and what is before that."""

    inode: int
    offset: int
    check: int


class LaneTails:
    """Reads the lanes behind a snapshot. For one thread at a time.

    Args:
        journal: the journal's folder.
        wanted: bytes of which each record that matters to the caller has one. Of a stretch that
            has none of them only the order of its last record is read.
    """

    def __init__(self, journal: Path, wanted: Sequence[bytes]) -> None:
        self._clock = clock.of(journal)
        self._wanted = wanted
        self._segments = OpenSegments()
        self._settled = Settled()
        self._reached: dict[Place, _Reach] = {}

    def read(
        self,
        db: apsw.Connection,
        folders: list[LaneFolder],
        held: Sequence[Line],
        *,
        is_other: bool,
    ) -> list[Line]:
        """Return the records that were neither applied nor read before, in the order of each lane.

        Events that this process appends from now on get a higher order than all of them.

        Args:
            db: the connection that holds the snapshot.
            folders: the lanes, listed after the snapshot was taken.
            held: records of segments that must still be there.
            is_other: whether the snapshot may have applied more than the one before.

        Raises:
            Unclear: a segment was replaced, cut off or removed, or is far behind.
            ReadError: a segment cannot be read.
        """
        if not self._settled.has_names_of(folders):
            there = {place(ref) for folder in folders for ref in folder.segments}
            if not all(place(line.ref) in there for line in held):
                raise Unclear
        refs = self._settled.rest(folders)
        unknown = [ref for ref in refs if is_other or place(ref) not in self._reached]
        marks = load_marks_of(db, unknown) if unknown else {}
        found = [at for ref in refs for at in self._read(ref, marks.get(place(ref)))]
        self._settled.add(folders)
        return found

    def _read(self, ref: SegmentRef, mark: Mark | None) -> list[Line]:
        at = place(ref)
        reach = self._reached.get(at)
        if reach is None:
            # a final segment that is applied never changes: only its size is compared
            if mark is not None and ref.final and mark.offset == ref.size:
                self._reached[at] = _Reach(ref.version[0], mark.offset, mark.check)
                return []
            reach = _beginning(ref, mark)
        elif mark is not None and mark.offset > reach.offset:
            reach = replace(reach, offset=mark.offset, check=mark.check)
        if reach.inode != ref.version[0] or not 0 <= ref.size - reach.offset <= _MOST:
            raise Unclear
        start = max(0, reach.offset - FINGERPRINTED)
        with opened(ref, self._segments) as file:
            block = read_at(file, start, ref.size - start)
        before, block = block[: reach.offset - start], block[reach.offset - start :]
        if crc32(before) != reach.check:
            raise Unclear
        # an unfinished line at the end of a segment that grows belongs to an append under way
        size = len(block) if ref.final else block.rfind(b"\n") + 1
        found = self._lines(ref, block[:size], reach.offset) if size else []
        last = (before + block[:size])[-FINGERPRINTED:]
        self._reached[at] = _Reach(reach.inode, reach.offset + size, crc32(last))
        return found

    def _lines(self, ref: SegmentRef, block: bytes, offset: int) -> list[Line]:
        """Return the records in some lines, if any of these is wanted."""
        start = 0
        is_wanted = any(text in block for text in self._wanted)
        if not is_wanted:
            start = block.rfind(b"\n", 0, -1) + 1
        found = list(lines_of(ref, block[start:], offset + start, _check_header))
        if found:
            self._clock.observe(max(line.order for line in found))
        return found if is_wanted else []

    def clear(self) -> None:
        """Begin again with the marks of the next snapshot."""
        self._settled.clear()
        self._reached.clear()

    def close(self) -> None:
        """Close the segments that are open; the next read opens them again."""
        self._segments.close()


def _beginning(ref: SegmentRef, mark: Mark | None) -> _Reach:
    """Return how far a segment is applied."""
    if mark is None:
        return _Reach(ref.version[0], 0, 0)
    if mark.uuid.startswith((FUTURE, PASSED)):
        raise Unclear
    return _Reach(ref.version[0], mark.offset, mark.check)


def _check_header(header: Header, _end: int) -> None:
    # a joined segment has records that are applied, and a newer format is only read by its program
    if header.supersedes or header.format > FORMAT:
        raise Unclear
