"""The lock of the one process that rewrites segments."""

from __future__ import annotations

import contextlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal.errors import EraserBusy
from journal.fs.directory import ERASER
from journal.fs.lock import is_at
from journal.fs.waiting import lock_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class EraserLock:
    """The eraser's lock of a journal, held."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd

    def check(self) -> None:
        """Check that no other process can hold the lock: it would rewrite the same segments.

        Raises:
            EraserBusy: the file was removed or replaced, or this process was forked.
            OSError: the file system refuses.
        """
        if not is_at(self._fd, self._path):
            raise EraserBusy(
                f"{self._path} was removed or replaced while it was locked, or this process was"
                " forked meanwhile; what was done before stays done: try again"
            )


@contextmanager
def erasing(journal: Path, timeout: float) -> Iterator[EraserLock]:
    """Hold the eraser's lock of the journal in a folder; the kernel frees it when its holder dies.

    Args:
        journal: the journal's folder.
        timeout: seconds to wait for the present holder.

    Raises:
        EraserBusy: another process held it all that time.
        JournalOpenError: the file cannot be opened or locked.
    """
    path = journal / ERASER
    fd = lock_file(path, timeout)
    if fd is None:
        raise EraserBusy(
            f"another process erases or compacts in {journal}, and held {path} for {timeout} s;"
            " nothing was changed here: try again"
        )
    lock = EraserLock(path, fd)
    try:
        yield lock
    finally:
        # the descriptor wrote nothing; a forked child has already closed it
        with contextlib.suppress(OSError):
            os.close(fd)
