"""Segments that stay open between two reads: those that can still grow."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.fs import disk
from journal.fs.files import sync_folder
from journal.segments.segment import open_segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from journal.segments.listing import SegmentRef

Place = tuple[str, int]
"""A segment: its lane's folder, and its number there."""

MOST_OPEN = 48
"""Files that one handle keeps open: of so many writers at once."""
_FEW_OPEN = 16
_ALL_OPEN = 256
"""Files above which a handle keeps only a few: a process may have many handles, and 1,024
descriptors."""


class OpenSegments:
    """Opens segments for reading, and keeps the growing ones that were used last.

    If a listed segment has the inode of an open one, it is the same file: no other file can get the
    inode while the file is open.

    Attributes:
        compared: the versions of segments that were compared with how far they are applied, and
            found to begin with what was applied.
    """

    def __init__(self) -> None:
        self.compared: dict[Place, tuple[int, int]] = {}
        self._files: OrderedDict[Place, tuple[int, FileIO]] = OrderedDict()
        _all.add(self)
        # a handle that is dropped without being closed must not keep its files
        weakref.finalize(self, _close_all, self._files)

    @contextmanager
    def reading(self, ref: SegmentRef) -> Iterator[FileIO]:
        """Yield a segment, opened for reading; its file position is not defined.

        Raises:
            Untrusted: it is no regular file of this user.
            OSError: it cannot be opened.
        """
        at, inode = (ref.lane, ref.number), ref.version[0]
        kept = self._files.pop(at, None)
        if kept is not None and kept[0] != inode:
            kept[1].close()
            kept = None
        file = open_segment(ref.path) if kept is None else kept[1]
        is_kept = False
        try:
            yield file
            # the file that was opened may be another one than was listed
            is_kept = not ref.final and os.fstat(file.fileno()).st_ino == inode
        finally:
            if is_kept:
                self._files[at] = inode, file
                if kept is None:
                    self._close_oldest()
            else:
                file.close()

    def _close_oldest(self) -> None:
        """Close the file that was not used for longest, if there are too many."""
        count = len(self._files)
        if count > MOST_OPEN or (count > _FEW_OPEN and _open_files() > _ALL_OPEN):
            _, (_, oldest) = self._files.popitem(last=False)
            oldest.close()

    def close(self) -> None:
        """Close all files; the next read opens them again."""
        _close_all(self._files)


def make_durable(ref: SegmentRef, file: FileIO, *, is_new: bool) -> None:
    """Sync a segment, and if it is new the folders above it: its writer may have died before.

    Raises:
        ReadError: the disk refuses.
    """
    try:
        disk.in_use.fdatasync(file.fileno())
        for folder in ref.path.parents[: 3 if is_new else 0]:
            sync_folder(folder)
    except OSError as error:
        raise ReadError(
            f"cannot sync {ref.path}: {error.strerror or error};"
            " its new events are not shown before they are durable"
        ) from error


_all: weakref.WeakSet[OpenSegments] = weakref.WeakSet()


def _open_files() -> int:
    """Return how many files all handles of this process keep open."""
    return sum(len(each._files) for each in list(_all))  # noqa: SLF001 - of the same module


def _close_all(files: OrderedDict[Place, tuple[int, FileIO]]) -> None:
    while files:
        _, (_, file) = files.popitem()
        with contextlib.suppress(OSError):  # nothing was written, and the descriptor is free anyway
            file.close()
