"""Wait for the lock of a file in the order in which processes began to wait.

The lock alone keeps others out. The queue only says who tries it next, so whatever happens to the
queue, two processes never hold the lock.

A process that waits has a ticket: a locked file in a folder beside the lock, named after the time
at which it began to wait. Who has the first ticket tries the lock; the others let it. The kernel
unlocks the ticket of a process that died, and anyone removes such a ticket. A process that is
suspended keeps its ticket locked, and does not try: when the lock was free and the same ticket
stayed the first one for a moment, the process that notices removes that ticket, and takes the lock
itself. A process that goes on after that puts its ticket back, with its old time.

Who releases the lock wakes the process with the first ticket (`journal.fs.bell`), and so does who
acquires it: that one is the next. All look now and then by themselves, too.
"""

from __future__ import annotations

import logging
import os
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from journal.fs import disk
from journal.fs.bell import Bell, ring
from journal.fs.files import make_folder
from journal.fs.lock import lock
from journal.fs.ownership import open_own
from journal.fs.waiting import LockFile, Patience, note_turn, try_lock
from journal.process.boot import since_boot
from journal.process.fork import no_fork
from journal.process.ids import UUID, uuid7

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SUFFIX = ".queue"
"""What the name of the folder of tickets adds to that of the lock."""

_SHORTEST, _LONGEST = 0.001, 0.03
"""Seconds between two tries: of the first in the queue, and at most of those behind it."""
_LONGEST_WOKEN = 0.3
"""Seconds between two tries of a process that is woken, at most."""
_PATIENCE = 0.01
"""Seconds in which the first in the queue must take a free lock; a suspended process does not."""

_GLANCE = 8
"""Tries after which the first in the queue looks whether it still is the first."""

TICKET = re.compile(f"[0-9]{{16}}-{UUID}")
"""Matches the name of a ticket."""


_log = logging.getLogger("journal")


def nothing(_before: int) -> None:
    """Do nothing while others have the lock."""


def lock_in_turn(
    path: Path, timeout: float, meanwhile: Callable[[int], None] = nothing
) -> int | None:
    """Lock a file, made where there is none, after all that began to wait for it before.

    Where the tickets cannot be written, as on a full disk, it waits without one: others may
    overtake it.

    Args:
        path: the file.
        timeout: seconds to wait while one process has the lock; they begin again when another one
            has it.
        meanwhile: called after each try that failed, with how many come before this process. It
            may work for about as long as these need.

    Returns:
        Its descriptor; None if its turn did not come, and the lock was stuck for that time.

    Raises:
        JournalOpenError: the file cannot be opened or locked.
    """
    folder = path.with_name(f"{path.name}{SUFFIX}")
    if not _tickets(folder) and (fd := try_lock(path)) is not None:
        note_turn(fd)
        return fd
    patience = Patience(path, timeout)
    waiting = _Waiting(path, folder)
    try:
        while (fd := waiting.attempt()) is None and not patience.is_over():
            meanwhile(waiting.before)
            waiting.sleep()
    finally:
        waiting.close()
        _wake_first(folder)  # it is the next one now
    if fd is not None:
        note_turn(fd)
    return fd


def release(path: Path, fd: int) -> None:
    """Release a lock of `lock_in_turn`, and wake the process whose turn comes.

    Raises:
        OSError: the descriptor is closed already.
    """
    os.close(fd)
    _wake_first(path.with_name(f"{path.name}{SUFFIX}"))


def _wake_first(folder: Path) -> None:
    for name in _tickets(folder)[:1]:
        ring(name)


def _tickets(folder: Path) -> list[str]:
    """Return the names of the tickets, the first one first."""
    try:
        return sorted(filter(TICKET.fullmatch, os.listdir(folder)))
    except OSError:  # no process has waited yet, or the folder cannot be read
        return []


class _Waiting:
    """A process that waits for a lock.

    Attributes:
        pause: seconds until the next attempt.
        before: how many come before this process, when it looked last.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._folder = folder
        self._lock = LockFile(path)
        self._is_first = False
        self._attempts = 0
        self._name = f"{since_boot():016}-{uuid7()}"
        self._ticket = -1
        self._first = ""
        self._seen = 0.0
        self._free: float | None = None
        self._has_warned = False
        self._began: tuple[float, int] | None = None
        self._stuck: set[str] = set()
        self._bell = _bell(self._name)
        self.pause = _SHORTEST
        self.before = 0

    def attempt(self) -> int | None:
        """Return the locked file; None if it is not free, or it is another's turn."""
        self._attempts += 1
        # the first in the queue tries often: now and then it looks whether it still is the first
        if not self._is_first or self._attempts % _GLANCE == 0:
            before = self._look()
            return self._pass(before) if before else self._lock.attempt()
        fd = self._lock.attempt()
        if fd is None:
            return None
        is_first = False
        try:
            # one that was suspended may be back at its place
            is_first = not self._look()
        finally:
            if not is_first:
                os.close(fd)
        return fd if is_first else None

    def _look(self) -> list[str]:
        """Return who is before this process now."""
        before = self._before()
        self.before = len(before)
        self.pause = self._pause(self.before)
        self._is_first = not before
        return before

    def _before(self) -> list[str]:
        """Return the tickets before the own one, which is written if it is not there."""
        names = _tickets(self._folder)
        if self._name not in names:
            self._queue_up()
            names = _tickets(self._folder)
        return [name for name in names if name < self._name and name not in self._stuck]

    def sleep(self) -> None:
        """Wait until it is likely this process's turn."""
        if self._bell is None:
            time.sleep(self.pause)
        else:
            self._bell.wait(self.pause)

    def _pause(self, before: int) -> float:
        """Return half the time that those before are likely to take.

        Who is woken looks only for what no process wakes it for: one that died, or hangs.
        """
        if self._bell is not None:
            return min(_LONGEST_WOKEN, _LONGEST * (before + 1) / 2)
        now = time.monotonic()
        if self._began is None:
            self._began = now, before
        began, length = self._began
        each = (now - began) / (length - before) / 2 if before < length else _SHORTEST
        return min(_LONGEST, max(_SHORTEST, each * before))

    def _queue_up(self) -> None:
        """Write the ticket, also again: who found this process too slow has removed it."""
        self._leave()
        try:
            if not self._folder.exists():
                make_folder(self._folder)
            with no_fork.turn:
                fd = lock(disk.in_use.open_lock(self._folder / self._name))
        except OSError as error:
            if not self._has_warned:
                _log.warning("waiting for %s without a place in its queue: %s", self._path, error)
            self._has_warned = True
            return
        # None: another process looks whether it is locked, and removes it
        self._ticket = -1 if fd is None else fd

    def _pass(self, before: list[str]) -> int | None:
        """Take the lock although another process is the first, if that one does not take it."""
        now = time.monotonic()
        if self._first != before[0]:
            self._first, self._seen, self._free = before[0], now, None
            return None
        if _is_left(self._folder / self._first):
            if not self._remove(self._first):
                self._stuck.add(self._first)
            self.pause = 0.0
            return None
        # of several that are suspended, each one costs this time
        if now - self._seen < _PATIENCE * len(before):
            return None
        fd = self._lock.attempt()
        if fd is None:
            return None
        if self._free is not None and now - self._free >= _PATIENCE:
            self._remove(self._first)
            return fd
        os.close(fd)
        self._free = now if self._free is None else self._free
        return None

    def _remove(self, name: str) -> bool:
        """Remove a ticket; return whether it is gone."""
        try:
            disk.in_use.unlink(self._folder / name)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Wait no more."""
        self._leave()
        self._lock.close()
        if self._bell is not None:
            self._bell.close()

    def _leave(self) -> None:
        """Give the ticket back; again does nothing."""
        fd, self._ticket = self._ticket, -1
        if fd >= 0:
            self._remove(self._name)
            with suppress(OSError):  # a forked child has closed it
                os.close(fd)


def _bell(name: str) -> Bell | None:
    try:
        return Bell(name)
    except OSError:
        return None


def _is_left(ticket: Path) -> bool:
    """Return whether the process that wrote a ticket is gone, or it is no ticket."""
    try:
        with no_fork.turn:
            fd = lock(open_own(ticket))
    except FileNotFoundError:
        return False
    except OSError:  # a folder or a link, or of another user
        return True
    if fd is None:
        return False
    os.close(fd)
    return True
