"""The records of a backup that its journal lacks."""

from __future__ import annotations

import hashlib
import os
from array import array
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from io import FileIO
from itertools import accumulate
from typing import TYPE_CHECKING

from journal.backup.lines import read_lines
from journal.errors import BackupDamaged, ReadError
from journal.format.frame import START, DamagedRecord
from journal.format.record import Record, decode
from journal.format.sequence import Sequence
from journal.lanes.restore import NOT_KNOWN, Lost
from journal.segments.blocks import read_between
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_segments
from journal.segments.reader import SegmentWalk, pass_over, read_lane_uuid
from journal.segments.segment import open_segment, read_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from journal.backup.manifest import Copied
    from journal.backup.place import Backup
    from journal.erasure.requests import Forgotten
    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef


@dataclass(slots=True)
class _Part:
    """The missing records of one segment: where each begins and ends."""

    copied: Copied
    seq: int = 0
    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))


class Missing:
    """The missing records; false if there are none.

    Args:
        backup: the backup.
        forgotten: what must not be restored.
        lanes: the parts of each lane with its highest order, by lane.
        left_out: number of further missing records, which are forgotten.
    """

    def __init__(
        self,
        backup: Backup,
        forgotten: Forgotten,
        lanes: Mapping[str, tuple[int, list[_Part]]],
        left_out: int,
    ) -> None:
        self._backup = backup
        self._forgotten = forgotten
        self._lanes = lanes
        self.left_out = left_out

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def records(self) -> Iterator[Lost]:
        """Yield the records, by lane and number; the lane with the highest order last.

        A writer that needs the highest order in a folder reads only its last record.

        Raises:
            BackupDamaged: a file cannot be read any more.
        """
        for lane, (_, parts) in sorted(self._lanes.items(), key=lambda item: (item[1][0], item[0])):
            for part in sorted(parts, key=lambda part: part.seq):
                with FileIO(self._backup.open(part.copied)) as file:
                    for start, end in zip(part.starts, part.ends, strict=True):
                        yield self._lost(lane, os.pread(file.fileno(), end - start, start))

    def _lost(self, lane: str, line: bytes) -> Lost:
        line = line.removesuffix(b"\n")
        try:
            record = decode(line)
        except DamagedRecord as error:
            raise BackupDamaged(
                f"a file of the backup changed while it was read: {error}"
            ) from error
        if not isinstance(record, Record):
            raise BackupDamaged("a file of the backup changed while it was read")
        event, _ = self._forgotten.apply(record.event, lane, record.seq)
        # version 1 wrote a record within a record unchanged; version 2 must not
        is_kept = event is record.event and START not in line[len(START) :]
        return Lost(lane, record.seq, event or record.event, line + b"\n" if is_kept else b"")


def find_missing(backup: Backup, directory: Directory, forgotten: Forgotten) -> Missing:
    """Find the records of a backup that the journal lacks; check all files that have some.

    A number whose record was erased is not missing, and a record that is forgotten is left out.

    Raises:
        BackupDamaged: a required file of the backup is damaged.
        ReadError: a lane of the journal cannot be read.
    """
    return repeat_if_gone(lambda: _find_missing(backup, directory, forgotten))


def _find_missing(backup: Backup, directory: Directory, forgotten: Forgotten) -> Missing:
    segments, lanes = _by_uuid(directory)
    left: defaultdict[str, list[Copied]] = defaultdict(list)
    for copied in backup.manifest.segments:
        if not any(_begins_with(ref, copied) for ref in segments.get(copied.segment, ())):
            left[copied.lane].append(copied)
    finder = _Finder(backup, forgotten)
    found = {lane: finder.find(lane, copies, lanes.get(lane, ())) for lane, copies in left.items()}
    missing = {lane: parts for lane, parts in found.items() if parts[1]}
    return Missing(backup, forgotten, missing, finder.left_out)


class _Finder:
    """Finds the missing records of each lane.

    Attributes:
        left_out: number of missing records that are forgotten.
    """

    def __init__(self, backup: Backup, forgotten: Forgotten) -> None:
        self._backup = backup
        self._forgotten = forgotten
        self.left_out = 0

    def find(
        self, lane: str, copies: Iterable[Copied], refs: Iterable[SegmentRef]
    ) -> tuple[int, list[_Part]]:
        """Return the highest order of the missing records of a lane, and their places."""
        known, parts, highest = _Known(refs), [], 0
        for copied in copies:
            for _ in self._backup.read(copied):  # nothing is restored from a damaged file
                pass
            part = _Part(copied)
            for line in read_lines(self._backup, copied):
                if self._is_missing(line.record, lane, known):
                    part.seq = part.seq or line.record.seq
                    part.starts.append(line.start)
                    part.ends.append(line.end)
                    highest = max(highest, line.record.event.order)
            if part.starts:
                parts.append(part)
        return highest, parts

    def _is_missing(self, record: Record, lane: str, known: _Known) -> bool:
        if known.has(record):
            return False
        if self._forgotten.apply(record.event, lane, record.seq)[0] is not None:
            return True
        self.left_out += 1
        return False


def _by_uuid(
    directory: Directory,
) -> tuple[dict[str, list[SegmentRef]], dict[str, list[SegmentRef]]]:
    """Return the segments of a journal by their uuid, and by that of their lane."""
    segments: defaultdict[str, list[SegmentRef]] = defaultdict(list)
    lanes: defaultdict[str, list[SegmentRef]] = defaultdict(list)
    for ref in list_segments(directory.lanes):
        try:
            header = read_header(ref.path)
        except OSError as error:
            raise ReadError(f"cannot read {ref.path}: {error.strerror or error}") from error
        if header is not None:
            segments[header.segment].append(ref)
        lanes[header.lane if header else read_lane_uuid(ref)].append(ref)
    return segments, lanes


def _begins_with(ref: SegmentRef, copied: Copied) -> bool:
    """Return whether a segment of the journal begins with the bytes that were copied."""
    digest = hashlib.sha256()
    try:
        with open_segment(ref.path) as file:
            # an eraser may have replaced the file that was listed by a shorter one
            if os.fstat(file.fileno()).st_size < copied.size:
                return False
            for block in read_between(file, 0, copied.size):
                digest.update(block)
    except OSError as error:
        raise ReadError(f"cannot open {ref.path}: {error.strerror or error}") from error
    return digest.hexdigest() == copied.sha256


class _Known:
    """The numbers of a lane that the journal has, or had until they were erased."""

    def __init__(self, refs: Iterable[SegmentRef]) -> None:
        self._sequence = Sequence()
        runs: list[tuple[int, int]] = []
        for ref in refs:
            for record in SegmentWalk(ref, pass_over).read():
                if isinstance(record, Record):
                    self._sequence.add(record.seq, record.event.order)
                elif record.by != NOT_KNOWN:  # such a run does not describe the records
                    runs.append((record.seq, record.seq + record.count))
        runs.sort()
        self._firsts = [first for first, _ in runs]
        self._ends = list(accumulate((end for _, end in runs), max))

    def has(self, record: Record) -> bool:
        """Return whether a record is known; from now on it is."""
        before = bisect_right(self._firsts, record.seq)
        if before and record.seq < self._ends[before - 1]:
            return True
        return self._sequence.add(record.seq, record.event.order) == "again"
