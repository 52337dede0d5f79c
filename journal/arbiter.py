"""The arbiter: the lock for decisions, which depend on all writers, such as a unique title.

Its holder reads, decides, appends and releases it. Ordinary appends do not use it. Those that wait
for it get it in the order in which they came (`journal.fs.queue`).

Another program can remove the lock file while the lock is held; the next process then locks a new
file. So before a holder appends, it checks that its file is still at the path, and it holds the
lock of the journal's folder from that check to the end of the append. The next process acquires the
lock of the folder before it reads: either it reads what was appended, or the check of the first
holder fails.
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal.errors import ArbiterBusy, ArbiterLost, JournalOpenError
from journal.fs.lock import holder, is_at, lock_folder
from journal.fs.queue import SUFFIX, lock_in_turn, nothing, release
from journal.fs.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAME = "arbiter"
"""The lock file's name in the journal's folder."""

QUEUE = f"{NAME}{SUFFIX}"
"""The name of the folder with the tickets of those that wait for it."""


class Arbiter:
    """The arbiter lock of a journal, held."""

    def __init__(self, journal: Path, timeout: float, meanwhile: Callable[[int], None]) -> None:
        self._journal = journal
        self._timeout = timeout
        fd = lock_in_turn(journal / NAME, timeout, meanwhile)
        if fd is None:
            raise ArbiterBusy(_busy(journal / NAME, timeout))
        self._fd = fd
        try:
            folder = self._lock_folder()
            if folder is not None:
                os.close(folder)
        except BaseException:
            self.release()
            raise

    @contextmanager
    def appending(self) -> Iterator[None]:
        """Ensure that the next holder of the lock reads what this one appends.

        Raises:
            ArbiterLost: the lock is no longer held, and another process may have decided.
            ArbiterBusy: another process held the lock of the journal's folder all the time.
            JournalOpenError: the file system refuses.
        """
        folder = self._lock_folder()
        try:
            if not self._is_held():
                raise ArbiterLost(
                    f"{self._journal / NAME} was removed or replaced while it was held, or this"
                    " process was forked meanwhile; nothing was decided: try again"
                )
            yield
        finally:
            if folder is not None:
                os.close(folder)

    def _is_held(self) -> bool:
        try:
            return is_at(self._fd, self._journal / NAME)
        except OSError as error:
            raise JournalOpenError(
                f"cannot look at {self._journal / NAME}: {error.strerror or error}"
            ) from error

    def _lock_folder(self) -> int | None:
        """Lock the journal's folder; None where folders have no locks, as on NFS."""
        try:
            fd = wait_for(lambda: lock_folder(self._journal), self._timeout)
        except OSError as error:
            if error.errno == errno.ENOLCK:
                return None
            raise JournalOpenError(
                f"cannot lock {self._journal}: {error.strerror or error}"
            ) from error
        if fd is None:
            raise ArbiterBusy(
                f"another process held the folder {self._journal} locked for"
                f" {self._timeout} s; nothing was decided: try again"
            )
        return fd

    def release(self) -> None:
        """Release the lock; in a forked child it is released already."""
        try:
            release(self._journal / NAME, self._fd)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise


def _busy(path: Path, timeout: float) -> str:
    pid = holder(path)
    who = f"process {pid} has" if pid else "others had"
    return f"no turn to decide came in {timeout:g} s: {who} {path}; nothing was decided: try again"


@contextmanager
def arbitrating(
    journal: Path, timeout: float, meanwhile: Callable[[int], None] = nothing
) -> Iterator[Arbiter]:
    """Hold the arbiter lock of the journal in a folder.

    The kernel frees it when its holder dies.

    Args:
        journal: the journal's folder.
        timeout: seconds to wait for one holder; they begin again when another one has its turn.
        meanwhile: as for `journal.fs.queue.lock_in_turn`.

    Raises:
        ArbiterBusy: another process held it all that time.
        JournalOpenError: the file cannot be opened or locked.
    """
    arbiter = Arbiter(journal, timeout, meanwhile)
    try:
        yield arbiter
    finally:
        arbiter.release()
