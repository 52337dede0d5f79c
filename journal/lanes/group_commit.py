"""A leased lane that threads share, with what its level of durability promises."""

from __future__ import annotations

import threading
import weakref
from queue import Empty, SimpleQueue
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Literal

from journal.errors import ClosedError, SyncError
from journal.lanes.pending import Unsynced, sync_all
from journal.lanes.recovery import RescuingWriter
from journal.process.turn import reentered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from journal.format.new_event import NewEvent
    from journal.format.position import Position
    from journal.fs.directory import Directory

Fsync = Literal["never", "interval", "always"]

_GATHER = 0.1
"""Seconds that the background sync gathers for: with the sync itself, below 200 ms."""
_URGENT = 4 * 1024 * 1024
"""Unsynced bytes that end the gathering at once."""
_FULL = 32 * 1024 * 1024
"""Unsynced bytes at which the appender itself waits for the disk: memory stays bounded."""
_SOON, _NOW = 0, 1
"""What the background sync is woken for: to gather first, or not."""


class SharedLane:
    """Takes turns at a lane's one writer, and syncs what it wrote as `fsync` promises.

    Two locks, taken in this order: `_sync_lock` for the one sync under way, `_lock` for the
    writer. Appends wait for `_lock` alone, so threads write on while one of them syncs for all.

    A signal handler or a finalizer that runs in the middle of a call must not wait for its own
    thread: it can take both again, and finds behind them `_busy` and `_syncing` held.
    """

    def __init__(self, directory: Directory, fsync: Fsync) -> None:
        self._fsync = fsync
        self._lock = threading.RLock()
        self._busy = threading.Lock()
        self._sync_lock = threading.RLock()
        self._syncing = threading.Lock()
        self._syncing_thread = 0
        self._wake: SimpleQueue[int] = SimpleQueue()
        self._is_woken = False
        self._has_syncer = False
        self._durable = 0
        self._refused: tuple[int, SyncError | None] = (0, None)
        self._failure: SyncError | None = None
        self._closed = False
        self._released = False
        self._path = directory.path
        self._writer = RescuingWriter(directory, keep=fsync != "never")

    @property
    def path(self) -> Path:
        """The lane's folder."""
        return self._writer.path

    def append(
        self, events: Sequence[NewEvent], ends: Mapping[str, int] | None = None
    ) -> list[Position]:
        """Append events with one write(2); for `ends` see `LaneWriter.append`.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `Journal.append`.
            Reentered: this thread is in the middle of a call; nothing was written.
        """
        if self._fsync == "always":
            self._check_syncing()
        with self._lock:
            if self._busy.locked():
                raise reentered(f"the lane {self._writer.path}")
            with self._busy:
                if self._closed:
                    self._check_open()
                if self._failure is not None:
                    failure, self._failure = self._failure, None
                    raise failure
                positions = self._writer.append(events, ends)
                unsynced = self._writer.unsynced
                mark, size = unsynced.mark, unsynced.size
        if self._fsync == "always" or (size > _FULL and not self._is_syncing()):
            self._make_durable(mark)
        elif self._fsync == "interval":
            self._sync_soon(mark, size)
        return positions

    def sync(self) -> None:
        """Make everything that was appended durable, whatever the level.

        Raises:
            SyncError, ClosedError: as `Journal.sync`.
            Reentered: this thread is in the middle of a call; nothing was done.
        """
        self._check_syncing()
        with self._lock:
            self._check_busy()
            self._check_open()
            failure, self._failure = self._failure, None
            mark = self._writer.unsynced.mark
        self._make_durable(mark)
        if failure is not None and not failure.ids:
            raise failure

    def _make_durable(self, mark: int) -> None:
        """Return when the first `mark` events are durable; many threads share one sync."""
        with self._sync_lock:
            self._syncing_thread = get_ident()
            with self._syncing:
                if self._durable >= mark:
                    return
                if self._released:
                    raise SyncError(
                        f"the handle on {self._path} was closed before this was durable;"
                        " append it again with the same ids",
                        (),
                    )
                refused, failure = self._refused
                if mark <= refused and failure is not None:
                    raise failure
                with self._lock, self._busy:
                    taken = self._writer.take_unsynced()
                self._sync_taken(taken)

    def _check_syncing(self) -> None:
        """Refuse to go on in a handler that came in the middle of this thread's own sync."""
        if self._is_syncing():
            raise reentered(f"the lane {self._writer.path}")

    def _is_syncing(self) -> bool:
        """Say whether this thread is in the middle of a sync."""
        # whoever syncs has named itself before: if it is this thread, it is this thread's sync
        return self._syncing.locked() and self._syncing_thread == get_ident()

    def _check_busy(self) -> None:
        """Refuse to go on in a handler that came in the middle of this thread's own append."""
        if self._busy.locked():
            raise reentered(f"the lane {self._writer.path}")

    def _sync_taken(self, taken: Unsynced) -> None:
        cause = taken.lost
        try:
            if cause is None:
                sync_all(taken)
        except OSError as error:
            cause = error
        except BaseException:
            with self._lock, self._busy:
                self._writer.put_back(taken)
            raise
        with self._lock, self._busy:
            if cause is None:
                self._writer.synced(taken)
                self._durable = taken.mark
            else:
                self._rescue(taken, cause)

    def _rescue(self, taken: Unsynced, cause: OSError) -> None:
        try:
            self._writer.rescue(taken, cause)
        except SyncError as error:
            if not error.ids:  # nothing will write them again: no later sync may claim them
                self._refused = self._writer.unsynced.mark, error
            raise
        self._durable = self._writer.unsynced.mark

    def _sync_soon(self, mark: int, size: int) -> None:
        if not self._is_woken:
            if not (self._has_syncer or self._start_syncer()):
                if not self._is_syncing():
                    self._make_durable(mark)
                return
            self._is_woken = True
            self._wake.put(_SOON)
        if size > _URGENT:
            self._wake.put(_NOW)

    def _start_syncer(self) -> bool:
        """Start the background thread; False where no thread can be started."""
        with self._lock:
            if self._has_syncer:
                return True
            # a handler that comes before the thread has started must not start another
            self._has_syncer = True
            syncer = threading.Thread(
                target=_sync_in_background,
                args=(weakref.ref(self), self._wake),
                name="journal-sync",
                daemon=True,
            )
            try:
                syncer.start()
            except BaseException as error:
                self._has_syncer = False
                if isinstance(error, RuntimeError):  # too many threads, or the interpreter ends
                    return False
                raise
        return True

    def _sync_quietly(self) -> bool:
        """Sync for the background thread; keep an error for the next call. False when closed."""
        self._is_woken = False  # before the look at what is there: an append behind it wakes again
        with self._lock:
            if self._closed:
                return False
            mark = self._writer.unsynced.mark
        try:
            self._make_durable(mark)
        except SyncError as error:
            with self._lock:
                self._failure = error
        return True

    def close(self) -> None:
        """Sync what the level promises, close the files and end the lease; again does nothing.

        Raises:
            SyncError: the disk refused; everything is closed all the same.
            Reentered: this thread is in the middle of a call; nothing was done.
        """
        self._check_syncing()
        with self._lock:
            self._check_busy()
            if self._closed:
                return
            self._closed = True
            mark, failure = self._writer.unsynced.mark, self._failure
        self._wake.put(_NOW)
        try:
            if self._fsync != "never":
                self._make_durable(mark)
        finally:
            with self._sync_lock, self._lock:
                self._released = True
                self._writer.close()
        if failure is not None and not failure.ids:
            raise failure

    def abandon(self) -> None:
        """Close the descriptors and nothing else, as a forked child must.

        It takes no lock: a thread that is not in the child may have held one at the fork.
        """
        self._closed = self._released = True
        self._writer.close()

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"this handle on {self._path} was closed; open another")


def _sync_in_background(lane: weakref.ref[SharedLane], wake: SimpleQueue[int]) -> None:
    """Sync a lane's appends soon after each first one, until it is closed or forgotten."""
    alive = True
    began = 0.0
    while alive:
        # an append during the last sync may be as old as that sync: after it, a whole gathering
        # and a second sync would come later than 200 ms
        as_old = not wake.empty()
        when = wake.get()
        until = (began if as_old else monotonic()) + _GATHER
        while when != _NOW and (left := until - monotonic()) > 0:
            try:
                when = wake.get(timeout=left)
            except Empty:
                break
        while not wake.empty():  # this sync is for all of them
            wake.get()
        began = monotonic()
        shared = lane()
        alive = shared is not None and shared._sync_quietly()  # noqa: SLF001 - its own thread
        del shared
