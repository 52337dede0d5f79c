"""The last record of each lane, which a writer reads before it appends an edit.

An edit must have a higher order than the events that it changes, however wrong any writer's clock
is. So its writer first reads the last record of each lane that has changed.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from time import monotonic_ns
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.format.sequence import highest
from journal.process import clock
from journal.process.turn import Turn
from journal.segments.listing import list_lanes
from journal.segments.segment import (
    End,
    is_segment,
    read_end,
    read_header,
    read_lane_uuid,
    read_last,
    segment_name,
    segment_numbers,
)
from journal.segments.unchanged import FileSystemClock, FolderState, folder_version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_WHAT = "the ends of the lanes"
_LOOKS = 10
"""Times that a folder is walked again because a segment was gone, before that is an error."""


@dataclass(frozen=True, slots=True)
class _Active:
    """The last segment of a lane's folder, as it was read.

    Attributes:
        path: its path.
        version: its inode, size and time of change.
        lane: uuid of its lane.
        seq: the lane's last sequence number.
        order: the order of that record.
    """

    path: str
    version: tuple[int, int, int]
    lane: str
    seq: int
    order: int


@dataclass(slots=True)
class _Folder:
    """The known state of one lane folder.

    Attributes:
        path: the folder.
        listing: whether `numbers` are still those in the folder.
        numbers: numbers of its segments; the last one is a regular file.
        last: path of that one; empty if there is none.
        active: its last segment; None if no record of it can be read.
        ends: of lanes whose last segment is final: uuid and last sequence number.
        walked: numbers of the segments that are counted in `ends`.
        inode: of the folder: another one at its path is another lane.
    """

    path: Path
    listing: FolderState = field(default_factory=FolderState)
    numbers: list[int] = field(default_factory=list)
    last: str = ""
    active: _Active | None = None
    ends: dict[str, int] = field(default_factory=dict)
    walked: set[int] = field(default_factory=set)
    inode: int = 0


class Frontier:
    """The last record of each lane, kept until the lane changes. Safe for threads.

    A check costs two system calls for each lane, and one small read of each lane that changed.
    """

    def __init__(self, lanes: Path) -> None:
        self._lanes = lanes
        self._clock = clock.of(lanes.parent)
        self._turn = Turn()
        self._names: list[str] = []
        self._listing = FolderState()
        self._seen = FileSystemClock()
        self._folders: dict[str, _Folder] = {}

    def look(self, own: str = "") -> dict[str, int]:
        """Read the lanes that changed; all events that are written from now on get a higher order.

        Args:
            own: name of a folder to leave out: the writer's own, whose end it knows.

        Returns:
            The last sequence number of each lane that can still grow, by its uuid.

        Raises:
            ReadError: a lane cannot be read.
            Reentered: this thread is in the middle of this call.
        """
        with self._turn.held(_WHAT):
            return highest(self._look(own))

    def ends(self) -> dict[str, int]:
        """Return the last sequence number of every lane, by its uuid.

        It reads the headers of all segments once.

        Raises:
            ReadError: a lane cannot be read.
            Reentered: this thread is in the middle of this call.
        """
        with self._turn.held(_WHAT):
            ends = self._look("")
            for folder in self._folders.values():
                try:
                    self._walk(folder.path, folder)
                except OSError as error:
                    raise _unreadable(folder.path, error) from error
                ends.append(folder.ends)
        return highest(ends)

    def _look(self, own: str) -> list[dict[str, int]]:
        found = []
        for name in self._list():
            if name == own:
                continue
            folder = self._folders.get(name)
            if folder is None:
                folder = self._folders[name] = _Folder(self._lanes / name)
            try:
                active = self._read_again(folder)
            except OSError as error:
                raise _unreadable(folder.path, error) from error
            if active is not None:
                self._clock.observe(active.order)
                found.append({active.lane: active.seq})
        return found

    def _list(self) -> list[str]:
        try:
            version = folder_version(os.stat(self._lanes))  # noqa: PTH116 - each edit calls it
        except OSError as error:
            raise _unreadable(self._lanes, error) from error
        self._seen = self._seen.seen(version)
        if self._listing.is_old(version):
            began = monotonic_ns()
            self._names = list_lanes(self._lanes)
            self._listing = self._listing.listed(version, began, self._seen)
        return self._names

    def _read_again(self, folder: _Folder) -> _Active | None:
        for _ in range(_LOOKS):
            try:
                return self._read(folder)
            except FileNotFoundError:
                folder.listing = FolderState()  # an eraser has removed the file of a joined segment
        return self._read(folder)

    def _read(self, folder: _Folder) -> _Active | None:
        path = folder.path
        there = os.stat(path)  # noqa: PTH116 - each edit calls it
        version = folder_version(there)
        if there.st_ino != folder.inode:
            folder.inode, folder.active, folder.ends, folder.walked = there.st_ino, None, {}, set()
            folder.listing = FolderState()
        if folder.listing.is_old(version):
            began = monotonic_ns()
            folder.numbers = segment_numbers(path)
            while folder.numbers and not is_segment(path / segment_name(folder.numbers[-1])):
                folder.numbers.pop()
            numbers = folder.numbers
            folder.last = str(path / segment_name(numbers[-1])) if numbers else ""
            folder.listing = folder.listing.listed(version, began, self._seen)
            self._seen = self._seen.seen(version)
        if not folder.last:
            return None
        status = os.lstat(folder.last)
        now = status.st_ino, status.st_size, status.st_ctime_ns
        known = folder.active
        if known is None or known.path != folder.last or known.version != now:
            # the segments in front do not change while the last one grows
            last = _grown(known, folder, now) or _end(path, folder.numbers)
            if last is None:
                return None
            folder.active = _Active(folder.last, now, last.lane, last.seq, last.order)
        return folder.active

    def _walk(self, path: Path, folder: _Folder) -> None:
        """Read the ends of the lanes that the final segments of a folder belong to."""
        for _ in range(_LOOKS):
            try:
                self._read_ends(path, folder)
            except FileNotFoundError:
                # compaction has removed one, whose records are in a segment before it
                folder.numbers = [
                    n for n in folder.numbers if os.path.lexists(path / segment_name(n))
                ]
                folder.walked.clear()
            else:
                return
        self._read_ends(path, folder)

    def _read_ends(self, path: Path, folder: _Folder) -> None:
        last: dict[str, int] = {}
        for number in folder.numbers[:-1]:
            if number not in folder.walked and is_segment(path / segment_name(number)):
                header = read_header(path / segment_name(number))
                folder.walked.add(number)
                lane = header.lane if header else read_lane_uuid(path, number)
                last[lane] = number
        for lane, number in last.items():
            end = _end(path, (number,))
            if end is not None:
                folder.ends = highest((folder.ends, {lane: end.seq}))


def _grown(known: _Active | None, folder: _Folder, now: tuple[int, int, int]) -> End | None:
    """Return the last record of a segment that was read before; None if it is another one now."""
    if known is None or known.path != folder.last:
        return None
    if known.version[0] == now[0] and known.version[1] < now[1]:
        # its header is known
        numbered = read_last(folder.path / segment_name(folder.numbers[-1]))
        if numbered is not None and numbered[0] > known.seq:
            return End(known.lane, numbered[0], max(known.order, numbered[1]))
    return _end(folder.path, folder.numbers[-1:])


def _end(path: Path, numbers: Sequence[int]) -> End | None:
    try:
        return read_end(path, numbers)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        return None  # no writer made so large a segment, and no edit must fail because of it


def _unreadable(path: Path, error: OSError) -> ReadError:
    return ReadError(
        f"cannot read the last record in {path}: {error.strerror or error}; an edit must come"
        " behind all records of the journal"
    )
