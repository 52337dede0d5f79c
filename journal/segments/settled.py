"""What a reader has listed and is done with, so that it looks only at what has changed since."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from journal.segments.listing import LaneFolder, SegmentRef


class Settled:
    """Lane folders that a reader is done with as they were listed.

    A folder that is listed again as the same object has not changed since, and is passed over. If
    only its active segment changed, its final ones are.
    """

    def __init__(self) -> None:
        self._folders: dict[str, LaneFolder] = {}

    def rest(self, folders: Iterable[LaneFolder]) -> list[SegmentRef]:
        """Return the segments that may have changed since."""
        rest: list[SegmentRef] = []
        for folder in folders:
            before = self._folders.get(folder.name)
            if before is folder:
                continue
            if before is None or before.final is not folder.final:
                rest += folder.segments
            elif folder.active is not None:
                rest.append(folder.active)
        return rest

    def has_names_of(self, folders: list[LaneFolder]) -> bool:
        """Return whether the folders, and the files in them, have the same names as before."""
        if len(folders) != len(self._folders):
            return False
        for folder in folders:
            before = self._folders.get(folder.name)
            if before is folder:  # as it was: most of hundreds of lanes
                continue
            if before is None or before.final is not folder.final or before.last != folder.last:
                return False
        return True

    def add(self, folders: Iterable[LaneFolder], but: Container[str] = ()) -> None:
        """Note that a reader is done with folders as they were listed, but for some names."""
        self._folders.update({each.name: each for each in folders if each.name not in but})

    def clear(self) -> None:
        """Begin again with all folders."""
        self._folders.clear()


def latest_change(folders: Iterable[LaneFolder]) -> int:
    """Return the latest time at which an active segment was changed, in nanoseconds; 0 if none."""
    times = (folder.active.version[1] for folder in folders if folder.active is not None)
    return max(times, default=0)


def change_check(refs: Iterable[SegmentRef]) -> Callable[[], bool]:
    """Return a function that returns whether the active segments are unchanged.

    Each call of it makes one system call for each active segment, and reads no folder.
    """
    listed = [ref for ref in refs if not ref.final]
    active: list[tuple[str, int, int, int]] = []

    def is_same() -> bool:
        try:
            if not active:  # to make hundreds of paths takes longer than to look at the files
                active.extend((str(ref.path), ref.size, *ref.version) for ref in listed)
            for path, size, inode, changed in active:
                found = os.lstat(path)
                if found.st_ctime_ns != changed or found.st_size != size or found.st_ino != inode:
                    return False
        except OSError:  # it is gone or closed to this user: the next read raises the error
            return False
        return True

    return is_same
