"""List lanes and their segments, and check whether they changed since.

A list of final segments is kept while its folder is unchanged, so that it costs two system calls
for each lane and not one for each segment. A final segment never changes: if something else changes
the bytes of one in place, which leaves its folder as it is, the next list after 30 s shows it.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic_ns
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.format.lossless import is_text
from journal.fs.ownership import check_folder
from journal.segments.gone import is_gone, repeat_if_gone
from journal.segments.mirrors import is_mirror
from journal.segments.segment import segment_name, segment_number
from journal.segments.unchanged import FileSystemClock, FolderState, folder_version

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from pathlib import Path

_LONGEST_NS = 30_000_000_000
"""Nanoseconds for which a list is kept: it bounds what an unusual clock or file system can do."""
_JOURNALS = 8
"""Journals whose lists one process keeps."""


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """A segment as the directory shows it.

    Attributes:
        folder: the lane's folder.
        lane: its name.
        number: the segment's number in its lane.
        size: bytes of the file when it was listed.
        final: whether a later segment of the lane exists: it never changes again.
        version: inode, and time of the last change in nanoseconds: if both are unchanged, so
            are the file and its bytes.
    """

    folder: Path
    lane: str
    number: int
    size: int
    final: bool
    version: tuple[int, int] = (0, 0)

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / segment_name(self.number)


@dataclass(frozen=True, slots=True, eq=False)
class LaneFolder:
    """The segments of one lane folder.

    It is the same object as in the list before if nothing in it changed, and `final` is the same
    tuple if only the active segment did.

    Attributes:
        name: the folder's name.
        final: its final segments, by number.
        active: its last segment; None if it has none.
    """

    name: str
    final: tuple[SegmentRef, ...]
    active: SegmentRef | None

    @property
    def last(self) -> int:
        """Number of the active segment; 0 if there is none."""
        return 0 if self.active is None else self.active.number

    @property
    def segments(self) -> tuple[SegmentRef, ...]:
        """All segments, by number."""
        return self.final if self.active is None else (*self.final, self.active)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is known of a lane folder.

    Attributes:
        folder, path: the folder, also as text: to make paths takes longer than to look at them.
        listed: what was listed.
        active: path of the active segment.
        state: whether the list still holds.
        at: when it was listed, by the monotonic clock, nanoseconds.
    """

    folder: Path
    path: str
    listed: LaneFolder
    active: str
    state: FolderState
    at: int


@dataclass(frozen=True, slots=True)
class _Lanes:
    """What is known of the lanes of one journal."""

    state: FolderState = field(default_factory=FolderState)
    names: tuple[str, ...] = ()
    at: int = 0
    clock: FileSystemClock = field(default_factory=FileSystemClock)
    folders: dict[str, _Kept] = field(default_factory=dict)


_known: dict[str, _Lanes] = {}


def list_segments(lanes: Path) -> list[SegmentRef]:
    """List every segment of every lane, by lane and number.

    Raises:
        ReadError: a folder cannot be read; it is named.
    """
    return [ref for folder in list_folders(lanes) for ref in folder.segments]


def list_folders(lanes: Path, among: Container[str] | None = None) -> list[LaneFolder]:
    """List the folders of all lanes with their segments, numbers in their order.

    Args:
        lanes: the folder of the lanes.
        among: names of folders in which something may have changed; others that are known are as
            they were. None means that all may have changed.

    Raises:
        ReadError: a folder cannot be read; it is named.
    """
    key = str(lanes)
    before = _known.get(key, _Lanes())
    began = monotonic_ns()
    state, names, at, clock = before.state, before.names, before.at, before.clock
    try:
        version = folder_version(os.stat(lanes))  # noqa: PTH116 - each query calls it
    except OSError:
        names = tuple(list_lanes(lanes))  # it raises the error
    else:
        clock = clock.seen(version)
        if state.is_old(version) or began - at > _LONGEST_NS:
            names, state, at = tuple(list_lanes(lanes)), state.listed(version, began, clock), began
    kept = before.folders
    new = _statuses(key, [name for name in names if name not in kept])
    # before any of them is listed: the later change of one shows that the others can be kept
    for status in new.values():
        clock = clock.seen(folder_version(status))
    folders: dict[str, _Kept] = {}
    for name in names:
        found = kept.get(name)
        if found is None:
            found = _list_again(lanes / name, None, monotonic_ns(), clock, new.get(name))
        elif among is None or name in among:
            found = _look(found, began, clock)
            clock = clock.seen(found.state.version)
        folders[name] = found
    if key not in _known:
        for other in list(_known)[: 1 - _JOURNALS or None]:
            _known.pop(other, None)
    # replaced as a whole: another thread may list the same folders
    _known[key] = _Lanes(state, names, at, clock, folders)
    return [each.listed for each in folders.values()]


def _statuses(lanes: str, names: Iterable[str]) -> dict[str, os.stat_result]:
    """Return the status of folders by their names; the list of one that has none raises why."""
    found = {}
    for name in names:
        with suppress(OSError):
            found[name] = os.lstat(f"{lanes}/{name}")
    return found


def _look(kept: _Kept, began: int, clock: FileSystemClock) -> _Kept:
    # by hand, without a call for each question: each query looks at every lane
    status = None
    try:
        status = os.lstat(kept.path)
        is_kept = kept.state.is_final and began - kept.at <= _LONGEST_NS
        if is_kept and folder_version(status) == kept.state.version:
            active = kept.listed.active
            if active is None:
                return kept
            there = os.lstat(kept.active)
            seen = there.st_ino, there.st_ctime_ns
            if there.st_size == active.size and seen == active.version:
                return kept
            return _grown(kept, active, there)
    except OSError:
        pass  # it is gone, or closed to this user: the list raises the error
    return _list_again(kept.folder, kept, monotonic_ns(), clock, status)


def _grown(kept: _Kept, active: SegmentRef, there: os.stat_result) -> _Kept:
    """Return what is known with the present size of the active segment.

    Raises:
        OSError: it is no regular file any more.
    """
    if not stat.S_ISREG(there.st_mode):
        raise OSError(errno.EINVAL, "is no regular file any more", kept.active)
    seen = there.st_ino, there.st_ctime_ns
    # by hand: `replace` takes three times as long
    grown = SegmentRef(active.folder, active.lane, active.number, there.st_size, active.final, seen)
    listed = LaneFolder(active.lane, kept.listed.final, grown)
    return _Kept(kept.folder, kept.path, listed, kept.active, kept.state, kept.at)


def _list_again(
    lane: Path,
    kept: _Kept | None,
    began: int,
    clock: FileSystemClock,
    status: os.stat_result | None,
) -> _Kept:
    path = str(lane) if kept is None else kept.path
    version = (0,) if status is None else folder_version(status)
    try:
        refs = _list_lane(lane, status)
    except ReadError as error:
        if not is_gone(error):
            raise
        refs = list_lane(lane)
    final, active = tuple(refs[:-1]), refs[-1] if refs else None
    before = None if kept is None else kept.listed
    if before is not None and before.final == final:
        final = before.final
    if before is not None and before.final is final and before.active == active:
        listed = before
    else:
        listed = LaneFolder(lane.name, final, active)
    state = (FolderState() if kept is None else kept.state).listed(version, began, clock)
    last = "" if active is None else f"{path}/{segment_name(active.number)}"
    return _Kept(lane, path, listed, last, state, began)


def list_lanes(lanes: Path) -> list[str]:
    """List the names of the lanes' folders, numbers in their order.

    Raises:
        ReadError: the folder of the lanes cannot be read.
    """
    try:
        with os.scandir(lanes) as entries:
            folders = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise ReadError(f"cannot list the lanes in {lanes}: {error.strerror or error}") from error
    for name in folders:
        if not is_text(name):
            raise ReadError(
                f"the name of lane {lanes / name} is not UTF-8; its events are missing until it is"
                " renamed: give it a name of ASCII letters"
            )
    return sorted(folders, key=lane_order)


def lane_order(name: str) -> tuple[int, str]:
    """Return the key that orders the folders of lanes: numbers by value, after all other names."""
    return (int(name) if name.isascii() and name.isdigit() else 0, name)


def list_lane(lane: Path) -> list[SegmentRef]:
    """List the segments of one lane, by number.

    Raises:
        ReadError: its folder cannot be read.
    """
    return repeat_if_gone(lambda: _list_lane(lane, None))


def _list_lane(lane: Path, status: os.stat_result | None) -> list[SegmentRef]:
    numbered = []
    try:
        check_folder(lane, status)
        with os.scandir(lane) as entries:
            for entry in entries:
                number = segment_number(entry.name)
                if number is None:
                    continue
                there = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(there.st_mode):
                    version = there.st_ino, there.st_ctime_ns
                    numbered.append((number, there.st_size, version))
    except PermissionError as error:
        raise ReadError(
            f"cannot list lane {lane}: {error.strerror}; its events are missing until this user"
            " may read it: give it to this user (chown -R), or move it out of the journal"
        ) from error
    except OSError as error:
        raise ReadError(f"cannot list lane {lane}: {error.strerror or error}") from error
    numbered.sort()
    last = numbered[-1][0] if numbered else 0
    name = lane.name
    return [SegmentRef(lane, name, n, size, n < last, version) for n, size, version in numbered]


def own_lanes(lanes: Path) -> list[str]:
    """List the names of the lanes' folders that are no mirrors.

    Raises:
        ReadError: the folder of the lanes cannot be read.
    """
    return [name for name in list_lanes(lanes) if not is_mirror(name)]
