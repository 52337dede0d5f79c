"""Remove the bytes of forgotten events from the segments of a journal.

A final segment is replaced. A lane's active segment belongs to its lessee: if there is none, the
eraser leases the lane and replaces the segment; else it asks the lessee to continue in a new one.
A mirror of another machine's lane is pending until that machine has erased it.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from journal.erasure.files.clean import clean_up
from journal.erasure.files.joining import find_remains, remove
from journal.erasure.lock import erasing
from journal.erasure.pending import Pending
from journal.erasure.segment import read_for_erasure, replace
from journal.errors import EraseError
from journal.format.record import FORMAT
from journal.format.scan import Damage
from journal.lanes.lane import LOCK, try_lease
from journal.lanes.roll_request import ROLL, ask_to_roll, take_request
from journal.lanes.torn import remove_torn
from journal.process import clock
from journal.segments.damaged_bytes import DamagedBytes
from journal.segments.listing import list_lane, list_lanes
from journal.segments.mirrors import is_mirror

if TYPE_CHECKING:
    from pathlib import Path

    from journal.erasure.files.joining import Remains
    from journal.erasure.lock import EraserLock
    from journal.erasure.rewrite import Decision
    from journal.erasure.segment import Read
    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef

_PAUSE = 0.02
"""Seconds between two checks whether a lessee has continued in a new segment."""
_UNFINISHED = "an unfinished line"
_MOST_IN_VAIN = 100
"""Passes in which no segment could be replaced because each had changed, until that is an error."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was erased.

    Attributes:
        lines: events that were erased or reduced.
        segments: segments that were rewritten.
        bytes: bytes of the lines that were erased or reduced, and of damage that was erased.
        pending: the active segments of other processes with forgotten events: the processes were
            asked to continue in new ones, and do so at their next append.
        damaged: stretches that are no valid record, in the segments that were read: they cannot be
            checked, and may contain forgotten text. Those that were erased are not among them.
        newer: segments that only a newer program can read: folder of the lane, and number.
        started: when it began, microseconds since 1970.
        duration: microseconds.
    """

    lines: int
    segments: int
    bytes: int
    pending: tuple[Pending, ...]
    damaged: tuple[DamagedBytes, ...]
    newer: tuple[tuple[str, int], ...]
    started: int
    duration: int

    def followed_by(self, later: Report) -> Report:
        """Return the sums of two runs, and what the later one left."""
        return dataclasses.replace(
            later,
            lines=self.lines + later.lines,
            segments=self.segments + later.segments,
            bytes=self.bytes + later.bytes,
            started=self.started,
            duration=self.duration + later.duration,
        )


def erase(
    directory: Directory,
    forgotten: Decision,
    *,
    erases_damage: bool = False,
    timeout: float = 10.0,
    patience: float = 1.0,
) -> Report:
    """Erase all forgotten events from the segments.

    Writers, readers and projectors may run. It can be interrupted at any point and repeated: erased
    events stay erased.

    Args:
        directory: the opened journal.
        forgotten: decides which parts of each event are kept.
        erases_damage: whether bytes that are no valid record are erased, too.
        timeout: seconds to wait for another process that erases.
        patience: seconds to wait for lessees to continue in new segments. This process is one of
            them if it has an open `Journal`.

    Raises:
        EraserBusy: another process erased all that time.
        EraseError: a segment could not be replaced; the old one is still there.
        ReadError: a folder or segment cannot be read.
        JournalOpenError: the lock cannot be opened.
    """
    began, started = monotonic(), clock.wall()
    with erasing(directory.path, timeout) as lock:
        eraser = _Eraser(directory, forgotten, lock, erases_damage=erases_damage)
        clean_up(directory)
        until = None
        while True:
            is_last = until is not None and monotonic() > until
            is_again = eraser.is_again_after_pass()
            if not eraser.pending:
                if not is_again:
                    break
            elif is_last:
                break
            else:
                until = until or monotonic() + patience
                time.sleep(_PAUSE)
    return eraser.report(started, round((monotonic() - began) * 1e6))


@dataclass(slots=True)
class _Eraser:
    """Reads all segments repeatedly, and skips those without forgotten events."""

    directory: Directory
    decision: Decision
    lock: EraserLock
    erases_damage: bool = field(kw_only=True)
    pending: list[Pending] = field(default_factory=list)
    lines: int = 0
    segments: int = 0
    bytes: int = 0
    clean: dict[Path, tuple[int, tuple[int, int]]] = field(default_factory=dict)
    damaged: dict[Path, list[DamagedBytes]] = field(default_factory=dict)
    newer: set[tuple[str, int]] = field(default_factory=set)
    in_vain: int = 0
    remains: dict[str, dict[int, Remains]] = field(default_factory=dict)

    def report(self, started: int, duration: int) -> Report:
        return Report(
            lines=self.lines,
            segments=self.segments,
            bytes=self.bytes,
            pending=tuple(self.pending),
            damaged=tuple(each for found in self.damaged.values() for each in found),
            newer=tuple(sorted(self.newer)),
            started=started,
            duration=duration,
        )

    def is_again_after_pass(self) -> bool:
        """Read all segments that may have changed; return whether another pass is needed.

        Raises:
            EraseError: segments change repeatedly while they are read.
        """
        self.pending = []
        self.remains = {}
        is_again = False
        before = self.segments
        for name in list_lanes(self.directory.lanes):
            for ref in list_lane(self.directory.lanes / name):
                if self.clean.get(ref.path) == (ref.size, ref.version):
                    continue
                read = self._read(ref)
                if is_mirror(name):  # its machine rewrites it, and the relay replaces it here
                    if read.is_changed:
                        self.pending.append(Pending.of_mirror(ref, read.lane, read.header))
                    else:
                        self.clean[ref.path] = ref.size, ref.version
                elif ref.final and read.is_changed:
                    self._replace(read)
                    is_again = True
                elif not ref.final and (read.is_changed or read.is_unfinished):
                    is_again |= self._replace_active(read)
                else:
                    self.clean[ref.path] = ref.size, ref.version
        self.in_vain = self.in_vain + 1 if is_again and self.segments == before else 0
        if self.in_vain > _MOST_IN_VAIN:
            raise EraseError(
                f"segments in {self.directory.lanes} are changed again and again while they are"
                " read, such as by a program that links or copies them; what is forgotten is still"
                " in one. Do it again once that program has ended"
            )
        return is_again

    def _read(self, ref: SegmentRef) -> Read:
        joins = self.directory.format >= FORMAT
        read = read_for_erasure(ref, self.decision, joins=joins, erases_damage=self.erases_damage)
        if read.is_newer:
            self.newer.add((ref.lane, ref.number))
        damage = list(read.rewriting.damage)
        if read.is_unfinished:
            damage.append(Damage(read.end, ref.size - read.end, _UNFINISHED))
        self.damaged[ref.path] = [DamagedBytes.of(ref, each) for each in damage]
        return read

    def _replace(self, read: Read) -> None:
        """Replace a segment; one that has changed since it was read is left to the next pass.

        The file of a segment that was joined with another one is removed: rewritten, it would be a
        segment of its own again.
        """
        if not read.is_changed:
            return
        if self._remove_remains(read.ref):
            self.segments += 1
        elif replace(read, self.lock):
            self.lines += read.rewriting.lines
            self.bytes += read.rewriting.bytes
            self.segments += 1

    def _remove_remains(self, ref: SegmentRef) -> bool:
        if ref.lane not in self.remains:
            found = find_remains(list_lane(ref.folder))
            self.remains[ref.lane] = {remains.ref.number: remains for remains in found}
        remains = self.remains[ref.lane].get(ref.number)
        return remains is not None and remove(remains, self.lock)

    def _replace_active(self, read: Read) -> bool:
        """Replace a lane's active segment if no process holds the lane, else ask its lessee.

        Returns:
            Whether it was to be replaced, and no process held the lane.
        """
        folder, number = read.ref.folder, read.ref.number
        try:
            lane = try_lease(folder)
        except OSError as error:
            raise EraseError(f"cannot lock {folder / LOCK}: {error.strerror or error}") from error
        if lane is None:
            if read.is_changed:
                _ask(folder)
                self.pending.append(Pending.of(read.ref, read.lane, read.header))
            return False
        is_tried = False
        try:
            remove_torn(folder)
            # its last lessee may have written to it, or rolled, before the lane was locked
            for ref in list_lane(folder):
                if ref.number == number:
                    # no process will finish an unfinished line
                    read = self._read(dataclasses.replace(ref, final=True))
                    is_tried = read.is_changed
                    self._replace(read)
            take_request(folder)
        except OSError as error:
            raise EraseError(f"cannot remove {folder / ROLL}: {error.strerror or error}") from error
        finally:
            lane.release()
        return is_tried


def _ask(folder: Path) -> None:
    try:
        ask_to_roll(folder)
    except OSError as error:
        raise EraseError(f"cannot make {folder / ROLL}: {error.strerror or error}") from error
