"""A leased lane that threads share: group commit, as its level of durability promises."""

from __future__ import annotations

import threading
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Literal

from journal.errors import ClosedError, SyncError
from journal.lanes.background import URGENT, BackgroundSync
from journal.lanes.recovery import Recovery
from journal.lanes.unsynced import Unsynced, sync_all
from journal.lanes.writer import LaneWriter
from journal.process.turn import reentered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from journal.errors import Reentered
    from journal.format.new_event import Ready
    from journal.format.position import Position
    from journal.fs.directory import Directory

Fsync = Literal["never", "interval", "always"]

_FULL = 8 * 1024 * 1024
"""Unsynced bytes at which the appender itself waits for the disk: memory stays bounded."""


class SharedLane:
    """Serializes the threads that use a lane's writer, and syncs the appends as `fsync` promises.

    Two locks, acquired in this order: `_sync_lock` for the one sync under way, `_lock` for the
    writer. Appends wait only for `_lock`, so threads can append while one of them syncs for all.

    A signal handler or a finalizer may run in the middle of a call of its own thread, and must not
    wait for that thread. Both locks can be acquired again by it; then it finds `_busy` or
    `_syncing` held, and raises `Reentered`.
    """

    def __init__(self, directory: Directory, fsync: Fsync) -> None:
        self._fsync = fsync
        self._lock = threading.RLock()
        self._busy = threading.Lock()
        self._sync_lock = threading.RLock()
        self._syncing = threading.Lock()
        self._syncing_thread = 0
        self._durable = 0
        self._refused: tuple[int, SyncError] | None = None
        self._unreported: SyncError | None = None
        self._background = BackgroundSync(self._sync_for_background)
        self._writer = LaneWriter(directory, keep=fsync != "never")
        self._recovery = Recovery(self._writer, directory)

    @property
    def path(self) -> Path:
        """The lane's folder."""
        return self._writer.lane.path

    def append(
        self, events: Sequence[Ready], ends: Mapping[str, int] | None = None
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
                raise self._reentered()
            with self._busy:
                writer = self._writer
                if (
                    writer.state != "ready"
                    or self._unreported is not None
                    or monotonic() > self._recovery.next_look
                ):
                    self._prepare(events)
                positions = writer.append(events, ends)
                unsynced = writer.unsynced
                mark, size = unsynced.mark, unsynced.size
        if self._fsync == "always":
            self._make_durable(mark)
        elif self._fsync == "interval" and (size > URGENT or not self._background.is_asked):
            self._sync_soon(mark, size)
        return positions

    def _prepare(self, events: Sequence[Ready]) -> None:
        """Make the writer ready to append, or raise an error, also one of the background sync."""
        self._check_open()
        if self._unreported is not None:
            error, self._unreported = self._unreported, None
            raise error
        self._recovery.prepare([event[1] for event in events])

    def _sync_soon(self, mark: int, size: int) -> None:
        # this bounds the memory; if no thread can be started, the append syncs by itself
        if (size > _FULL or not self._background.ask(size)) and not self._is_syncing():
            self._make_durable(mark)

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
            error, self._unreported = self._unreported, None
            mark = self._writer.unsynced.mark
        self._make_durable(mark)
        if error is not None and not error.ids:
            raise error

    def close(self) -> None:
        """Sync what the level promises, close the files and end the lease; again does nothing.

        Raises:
            SyncError: the disk refused; everything is closed all the same.
            Reentered: this thread is in the middle of a call; nothing was done.
        """
        self._check_syncing()
        with self._lock:
            self._check_busy()
            if self._writer.state == "closed":
                return
            self._writer.state = "closing"
            error, self._unreported = self._unreported, None
            mark = self._writer.unsynced.mark
        self._background.end()
        try:
            if self._fsync != "never":
                self._make_durable(mark)
        finally:
            with self._sync_lock, self._lock:
                self._writer.close()
        if error is not None and not error.ids:
            raise error

    def abandon(self) -> None:
        """Close the descriptors and nothing else, as a forked child must.

        It acquires no lock: a thread that is not in the child may have held one at the fork.
        """
        self._writer.close()

    def _check_open(self) -> None:
        if self._writer.state in ("closing", "closed"):
            raise ClosedError(f"this handle on {self._recovery.journal} was closed; open another")

    def _check_syncing(self) -> None:
        """Raise `Reentered` in a handler that runs in the middle of this thread's own sync."""
        if self._is_syncing():
            raise self._reentered()

    def _is_syncing(self) -> bool:
        """Return whether this thread is in the middle of a sync."""
        # a thread stores its number before it syncs: if that is this thread's, so is the sync
        return self._syncing.locked() and self._syncing_thread == get_ident()

    def _check_busy(self) -> None:
        """Raise `Reentered` in a handler that runs in the middle of this thread's own append."""
        if self._busy.locked():
            raise self._reentered()

    def _reentered(self) -> Reentered:
        return reentered(f"the lane {self.path}")

    def _make_durable(self, mark: int) -> None:
        """Wait until the first `mark` events are durable; many threads share one sync."""
        with self._sync_lock:
            self._syncing_thread = get_ident()
            with self._syncing:
                if self._durable >= mark:
                    return
                if self._writer.state == "closed":
                    raise SyncError(
                        f"the handle on {self._recovery.journal} was closed before this was"
                        " durable; append it again with the same ids",
                        (),
                    )
                if self._refused is not None and mark <= self._refused[0]:
                    raise self._refused[1]
                with self._lock, self._busy:
                    self._recovery.resume()
                    unsynced = self._writer.hand_over()
                self._sync(unsynced)

    def _sync(self, unsynced: Unsynced) -> None:
        cause = unsynced.lost
        try:
            if cause is None:
                sync_all(unsynced)
        except OSError as error:
            cause = error
        except BaseException:
            with self._lock, self._busy:
                self._recovery.put_back(unsynced)
            raise
        with self._lock, self._busy:
            if cause is None:
                self._writer.synced(unsynced)
                self._durable = unsynced.mark
            else:
                self._rescue(unsynced, cause)

    def _rescue(self, unsynced: Unsynced, cause: OSError) -> None:
        try:
            self._recovery.rescue(unsynced, cause)
        except SyncError as error:
            if not error.ids:  # no later sync may confirm them, because they are not written again
                self._refused = self._writer.unsynced.mark, error
            raise
        self._durable = self._writer.unsynced.mark

    def _sync_for_background(self) -> bool:
        """Sync; keep an error for the next call. Return False when closed."""
        with self._lock:
            if self._writer.state in ("closing", "closed"):
                return False
            mark = self._writer.unsynced.mark
        try:
            self._make_durable(mark)
        except SyncError as error:
            with self._lock:
                self._unreported = error
        return True
