"""A segment gets new content under its name, so that at each moment the old or the new is there."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from journal.fs import disk
from journal.fs.files import draft_of, sync_folder
from journal.segments.blocks import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from journal.erasure.lock import EraserLock

Version = tuple[int, int, int]
"""Inode, size and time of change of a file."""

_SYNCED = 4 * 1024 * 1024
"""Bytes of a draft after which it is synced: a sync of all of it at once would keep the syncs of
writers waiting."""


def version_of(status: os.stat_result) -> Version:
    """Return what distinguishes a file from one that replaces or continues it."""
    return status.st_ino, status.st_size, status.st_ctime_ns


def swap(
    path: Path, content: Iterable[bytes], lock: EraserLock, is_current: Callable[[], bool]
) -> bool:
    """Replace a segment durably.

    The draft is synced before it gets the segment's name.

    Args:
        path: the segment.
        content: the bytes of the new one.
        lock: the eraser's lock.
        is_current: asked last, whether the content was made of what is in the journal now.

    Returns:
        False if it was not, and the segment stays.

    Raises:
        EraserBusy: the eraser's lock was lost.
        OSError: the file system refuses.
    """
    draft = draft_of(path)
    try:
        _fill(draft, content)
        lock.check()
        if not is_current():
            return False
        disk.in_use.replace(draft, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            disk.in_use.unlink(draft)
    sync_folder(path.parent)
    return True


def _fill(draft: Path, content: Iterable[bytes]) -> None:
    fd = disk.in_use.create(draft)
    try:
        disk.in_use.fchmod(fd, 0o600)
        unsynced, waiting, size = 0, [], 0
        for block in content:
            waiting.append(block)
            size += len(block)
            if size < BLOCK:
                continue
            disk.write_rest(fd, b"".join(waiting))
            unsynced, waiting, size = unsynced + size, [], 0
            if unsynced >= _SYNCED:
                disk.in_use.fdatasync(fd)
                unsynced = 0
        disk.write_rest(fd, b"".join(waiting))
        disk.in_use.fsync(fd)
    finally:
        os.close(fd)
