"""Segments that stay open between two reads: those that can still grow."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal.segments.segment import open_segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from journal.segments.listing import SegmentRef

Place = tuple[str, int]
"""A segment: its lane's folder, and its number there."""

MOST_OPEN = 16
"""Files that stay open: a process may have many handles, and 1,024 descriptors."""


class OpenSegments:
    """Opens segments for reading, and keeps the growing ones that were used last.

    If a listed segment has the inode of an open one, it is the same file: no other file can get the
    inode while the file is open.
    """

    def __init__(self) -> None:
        self._files: OrderedDict[Place, tuple[int, FileIO]] = OrderedDict()
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
                self._keep(at, inode, file)
            else:
                file.close()

    def _keep(self, at: Place, inode: int, file: FileIO) -> None:
        self._files[at] = inode, file
        if len(self._files) > MOST_OPEN:
            _, (_, oldest) = self._files.popitem(last=False)
            oldest.close()

    def close(self) -> None:
        """Close all files; the next read opens them again."""
        _close_all(self._files)


def _close_all(files: OrderedDict[Place, tuple[int, FileIO]]) -> None:
    while files:
        _, (_, file) = files.popitem()
        with contextlib.suppress(OSError):  # nothing was written, and the descriptor is free anyway
            file.close()
