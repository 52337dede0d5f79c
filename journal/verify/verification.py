"""Check every record of a journal, lane by lane, and report every problem."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.segments.gone import is_gone, repeat_if_gone
from journal.segments.listing import SegmentRef, lane_order, list_lane, list_lanes
from journal.segments.mirrors import is_mirror
from journal.segments.reader import SegmentWalk
from journal.verify.checks import DEATH, NOTES, LaneCheck, Problem, duplicates
from journal.verify.copies import copies
from journal.verify.foreign import foreign_beside_lanes, foreign_in_lane

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from journal.format.record import Header

_PATIENCE = 0.2
"""Seconds after which a line that has not grown counts as torn: one write(2) takes less."""
_LOOKS = 5
"""Maximum number of times that a growing line is read again."""


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of what a journal holds, and its problems.

    Attributes:
        lanes: folders of lanes.
        segments: files of all lanes.
        events: valid events; one that was written again after a failed sync counts once.
        bytes: bytes of all segments that were read.
        problems: all problems, by lane, segment and offset; empty if there are none.
        notes: what is no damage, in the same order: a mirror's last segment of which the rest has
            not arrived, and segments that are in several folders.
    """

    lanes: int
    segments: int
    events: int
    bytes: int
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...] = ()


def verify(lanes: Path) -> Report:
    """Check every record of every lane: checksum, sequence and header.

    Writers may be at work: an unfinished line is read again after a moment, before it is reported
    as torn. No lock is acquired.

    Args:
        lanes: the folder of the lanes (`Directory.lanes`).

    Raises:
        ReadError: the folder of the lanes cannot be listed. A file that cannot be read is a
            problem in the report.
    """
    # a gap where a joined segment was removed meanwhile would be a false problem
    return repeat_if_gone(lambda: _verify(lanes))


def _verify(lanes: Path) -> Report:
    problems = list(foreign_beside_lanes(lanes))
    walks = []
    names = list_lanes(lanes)
    for name in names:
        try:
            refs = list_lane(lanes / name)
        except ReadError as error:
            problems.append(Problem("unreadable", name, None, None, 0, str(error)))
            continue
        problems += foreign_in_lane(lanes / name)
        if refs:
            walks.append(_LaneWalk(name, refs))
    for walk in walks:
        walk.read()
    for _ in range(_LOOKS):
        waiting = [walk for walk in walks if walk.unfinished()]
        if not waiting:
            break
        time.sleep(_PATIENCE)  # a writer may be finishing that line
        if not any([walk.read_on() for walk in waiting]):  # noqa: C419 - each lane must be read again
            break
    for walk in walks:
        walk.finish()
        problems += walk.check.problems
    checks = [walk.check for walk in walks]
    problems += duplicates(checks)
    damaged = {(each.lane, each.segment) for each in problems}
    problems = [_behind(each, walks) for each in problems]
    problems += copies(lanes, checks, damaged)
    return Report(
        lanes=len(names),
        segments=sum(len(walk.refs) for walk in walks),
        events=sum(walk.check.events for walk in walks),
        bytes=sum(walk.bytes for walk in walks),
        problems=_in_order(each for each in problems if each.kind not in NOTES),
        notes=_in_order(each for each in problems if each.kind in NOTES),
    )


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=_problem_order))


def _behind(problem: Problem, walks: list[_LaneWalk]) -> Problem:
    """Return what a problem is in a mirror: the end of its last segment is yet to arrive."""
    is_last = any(
        walk.check.lane == problem.lane and walk.refs[-1].number == problem.segment
        for walk in walks
    )
    if problem.kind not in DEATH or not is_last or not is_mirror(problem.lane):
        return problem
    return replace(problem, kind="behind", reason="the rest of it has not arrived")


def _problem_order(problem: Problem) -> tuple[tuple[int, str], int, int]:
    return lane_order(problem.lane), problem.segment or 0, problem.offset or 0


class _LaneWalk:
    """Reads one lane to its end, and the last segment again while it grows."""

    def __init__(self, name: str, refs: list[SegmentRef]) -> None:
        self.check = LaneCheck(name)
        self.refs = refs
        self.bytes = 0
        self._unfinished = 0
        self._readable = True
        self._walk = self._begin(refs[0])

    def _begin(self, ref: SegmentRef) -> SegmentWalk:
        return SegmentWalk(ref, lambda _, damage: self.check.damage(damage), self._header)

    def _header(self, header: Header, end: int) -> None:
        self.check.header(header, end, closed=self._walk.closed)

    def read(self) -> None:
        for ref in self.refs:
            self.check.begin(ref.number)
            self._walk = self._begin(ref)
            self._readable = self._read()
            if ref.final:
                self._finish_segment()

    def unfinished(self) -> bool:
        """Return whether the last segment is empty, or ends in bytes that were not checked."""
        self._unfinished = _size(self.refs[-1].path)
        return self._readable and (self._unfinished == 0 or self._unfinished > self._walk.end)

    def read_on(self) -> bool:
        """Read what was appended to the last segment; return whether it has grown again."""
        if self._readable:
            self._readable = self._read()
        return _size(self.refs[-1].path) > self._unfinished

    def finish(self) -> None:
        ref = self.refs[-1]
        # a segment that has grown since the last read is being written: its end is not torn
        if not ref.final and self._readable and _size(ref.path) == self._unfinished:
            self._walk.ref = replace(ref, final=True)
            self._readable = self._read()
            self._finish_segment()
        elif not ref.final:
            self.bytes += self._walk.end
        self.check.finish()

    def _read(self) -> bool:
        walk = self._walk
        try:
            for record in walk.read():
                self.check.record(record, walk.start, walk.end, closed=walk.closed)
        except ReadError as error:
            if is_gone(error):
                raise
            self.check.problems.append(
                Problem("unreadable", walk.ref.lane, walk.ref.number, walk.end, 0, str(error))
            )
            return False
        return True

    def _finish_segment(self) -> None:
        if self._readable:
            self.check.finish_segment(self._walk.end)
        self.bytes += self._walk.end


def _size(path: Path) -> int:
    """Return a segment's size in bytes; 0 if it is gone, which the read of it has reported."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0
