"""List lanes and their segments, and check whether they changed since."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.format.lossless import is_text
from journal.fs.ownership import check_folder
from journal.segments.gone import repeat_if_gone
from journal.segments.segment import segment_name, segment_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


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


def list_segments(lanes: Path) -> list[SegmentRef]:
    """List every segment of every lane, by lane and number.

    Raises:
        ReadError: a folder cannot be read; it is named.
    """
    return [ref for name in list_lanes(lanes) for ref in list_lane(lanes / name)]


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
    return sorted(folders, key=_lane_order)


def _lane_order(name: str) -> tuple[int, str]:
    return (int(name) if name.isascii() and name.isdigit() else 0, name)


def list_lane(lane: Path) -> list[SegmentRef]:
    """List the segments of one lane, by number.

    Raises:
        ReadError: its folder cannot be read.
    """
    return repeat_if_gone(lambda: _list_lane(lane))


def _list_lane(lane: Path) -> list[SegmentRef]:
    numbered = []
    try:
        check_folder(lane)
        with os.scandir(lane) as entries:
            for entry in entries:
                number = segment_number(entry.name)
                if number is None:
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    version = status.st_ino, status.st_ctime_ns
                    numbered.append((number, status.st_size, version))
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


def change_check(refs: Iterable[SegmentRef]) -> Callable[[], bool]:
    """Return a function that returns whether the active segments are unchanged.

    Each call of it makes one system call for each active segment, and reads no folder.
    """
    active = [(str(ref.path), ref.size, *ref.version) for ref in refs if not ref.final]

    def is_same() -> bool:
        try:
            for path, size, inode, changed in active:
                found = os.lstat(path)
                if found.st_ctime_ns != changed or found.st_size != size or found.st_ino != inode:
                    return False
        except OSError:  # it is gone or closed to this user: the next read raises the error
            return False
        return True

    return is_same
