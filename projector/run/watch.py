"""Keep the projection up to date until `stop` is called."""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from watchdog.events import DirCreatedEvent, FileCreatedEvent, FileModifiedEvent, FileMovedEvent
from watchdog.events import FileSystemEventHandler as Handler

from journal.fs.observer import start_observer
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.db.sqlite_errors import was_removed
from projector.errors import BuildStopped, ProjectionError, ProjectorBusy
from projector.run.lock_holder import move_to_copy, open_current, replace_damaged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

    from journal.fs.directory import Directory
    from projector.run.projector import Projector
    from projector.run.watermark import Progress

_SWEEP = 1.0
"""Seconds after which sizes are checked without a notification: one can get lost."""
_STANDBY = 0.5
"""Seconds for which the lock is tried: a reader may hold it for a moment."""
_POLL = 0.1
"""The same as `_SWEEP` where the system gives no notifications."""
_GONE = 30
"""Times in a row that it begins again when the projection was removed."""
_FOLDERS = 30.0
"""Seconds after which the folders are listed without a notification."""
_EVENTS: list[type[FileSystemEvent]] = [FileModifiedEvent, FileCreatedEvent, DirCreatedEvent]


class Bell(Handler):
    """Notifies when the lanes have changed, or when another generation was published."""

    def __init__(self, lanes: Path, kept: Path, warn: Callable[[str], None]) -> None:
        # unlike with an Event, `put` may interrupt `get`: a signal handler rings too
        self._rings: SimpleQueue[None] = SimpleQueue()
        self._sweep = _SWEEP
        self.folders = _FOLDERS
        self._lanes = str(lanes)
        self._turn = threading.Lock()
        self._names: set[str] = set()
        self._observer: BaseObserver | None = None
        try:
            self._observer = start_observer(partial(self._schedule, lanes, kept))
        except (OSError, RuntimeError) as error:  # the limit of inotify watches, or of threads
            warn(f"no file notifications ({error}); looking every {_POLL} s instead")
            self._sweep, self.folders = _POLL, _SWEEP

    def _schedule(self, lanes: Path, kept: Path, observer: BaseObserver) -> None:
        observer.schedule(self, str(lanes), recursive=True, event_filter=_EVENTS)
        # only CURRENT is moved into place: events of the database must not ring
        observer.schedule(self, str(kept), event_filter=[FileMovedEvent])

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Ring at any notification, and note the folder of the lane that it is about."""
        path = os.fsdecode(event.src_path)
        if path.startswith(self._lanes):
            with self._turn:
                self._names.add(path[len(self._lanes) :].lstrip("/").partition("/")[0])
        self.ring()

    @property
    def is_notified(self) -> bool:
        """Whether the system gives notifications."""
        return self._observer is not None

    def take(self) -> frozenset[str]:
        """Return the names of the lane folders that rang since the last call."""
        with self._turn:
            names = frozenset(self._names)
            self._names.clear()
        return names

    def ring(self) -> None:
        """Wake the thread that waits."""
        if self._rings.empty():
            self._rings.put(None)

    def wait(self) -> bool:
        """Wait for a ring, or until sizes must be checked; return whether it rang."""
        try:
            self._rings.get(timeout=self._sweep)
        except Empty:
            return False
        return True

    def close(self) -> None:
        """Stop listening."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()


class Watch:
    """The projector process: it holds the lock and applies new events until `stop`.

    Args:
        journal: the opened journal.
        warn: called with each warning.
        when_idle: called each time that all events are applied, before it waits for more; it must
            return at once.
    """

    def __init__(
        self,
        journal: Directory,
        warn: Callable[[str], None],
        when_idle: Callable[[], None] = lambda: None,
    ) -> None:
        self._journal = journal
        self._when_idle = when_idle
        self._generations = generations(journal.base)
        self._lock = ProcessLock(self._generations.lock)
        self._warn = warn
        self._stopping = False
        self._bell: Bell | None = None

    def stop(self) -> None:
        """Ask the watch to end; safe in a signal handler and from any thread."""
        self._stopping = True
        if self._bell is not None:
            self._bell.ring()

    def is_stopping(self) -> bool:
        """Return whether it was asked to end."""
        return self._stopping

    def take_over(self) -> None:
        """Acquire the lock of the projector.

        Raises:
            ProjectorBusy: another projector runs.
            ProjectionError: the lock file cannot be used.
        """
        is_held, gone = False, 0
        while not is_held:
            try:
                generations(self._journal.base)  # the folder may be gone since this was made
                is_held = self._lock.acquire(timeout=_STANDBY)
            except ProjectionError as error:
                gone += 1
                if gone > _GONE or not was_removed(error):
                    raise
                time.sleep(_POLL)
            else:
                if not is_held:
                    raise self._lock.busy()

    def stand_by(self) -> None:
        """Acquire the lock as soon as no other projector runs, or return at `stop`.

        Raises:
            ProjectionError: the lock file cannot be used.
        """
        while not self._stopping and not self._lock.acquire(timeout=_STANDBY):
            pass

    def run(self, on_commit: Callable[[Progress], None] | None = None) -> None:
        """Keep the projection up to date until `stop`, then close it cleanly.

        Raises:
            ProjectorBusy: another projector runs.
            ProjectionError, ReadError: the projection or the lanes cannot be used.
        """
        self.take_over()
        self._bell = bell = Bell(self._journal.lanes, self._generations.folder, self._warn)
        gone = 0
        try:
            while not self._stopping:
                try:
                    if not self._lock.is_held():
                        self._lock_again()
                    self._run_generation(bell, on_commit)
                    gone = 0
                except ProjectionError as error:
                    gone += 1
                    if gone > _GONE or not was_removed(error):
                        raise
                    self._warn(f"beginning again: {error}")
                    bell.wait()
                except ProjectorBusy:  # a rebuild runs: the next round uses what it publishes
                    bell.wait()
                except BuildStopped:
                    break
        finally:
            bell.close()
            self._lock.release()

    def _lock_again(self) -> None:
        """Lock the new file at the path, before another process does and projects as well."""
        self._warn(f"{self._generations.lock} was removed or replaced: locking it again")
        generations(self._journal.base)  # the folder may have been deleted, too
        self.stand_by()

    def _run_generation(self, bell: Bell, on_commit: Callable[[Progress], None] | None) -> None:
        """Work on the generation in use until it is replaced, or until `stop`."""
        number, projector = open_current(self._journal, on_commit, self.is_stopping)
        quiet_since = looked = time.monotonic()
        among: frozenset[str] | None = None
        try:
            while not self._stopping and self._is_in_use(number):
                if among is None:
                    looked = time.monotonic()
                progress = projector.catch_up(
                    on_commit=on_commit, stop=self.is_stopping, among=among
                )
                among = None
                if projector.wal.is_pinned:
                    move_to_copy(self._journal, projector)
                elif progress.events:
                    quiet_since = time.monotonic()  # a backlog is applied without a notification
                    among = bell.take() if self._is_recent(bell, looked) else None
                else:
                    is_quiet = time.monotonic() - quiet_since > _SWEEP
                    if is_quiet:
                        projector.wal.checkpoint(above=0)
                        self._generations.remove_old(number)
                    self._when_idle()
                    has_rung = self._wait(
                        bell, projector, number, bell.folders if is_quiet else _SWEEP
                    )
                    if has_rung and self._is_recent(bell, looked):
                        among = bell.take() or None
        except ProjectionError as error:
            if not self._is_in_use(number):
                return  # its file was deleted while it was open: SQLite refuses to write to it
            replace_damaged(self._journal, error, on_commit, self.is_stopping)
        finally:
            projector.close()

    @staticmethod
    def _is_recent(bell: Bell, looked: float) -> bool:
        """Return whether all lanes were looked at a moment ago: then those that rang are enough."""
        return bell.is_notified and time.monotonic() - looked < _SWEEP

    def _wait(self, bell: Bell, projector: Projector, number: int, seconds: float) -> bool:
        """Wait until something may have changed, at most so long; return whether it rang."""
        until = time.monotonic() + seconds
        while not (self._stopping or (has_rung := bell.wait())):
            if (
                time.monotonic() >= until
                or not self._is_in_use(number)
                or not projector.is_unchanged()
            ):
                break
        return not self._stopping and has_rung

    def _is_in_use(self, number: int) -> bool:
        return (
            self._generations.current() == number
            and self._generations.path(number).exists()
            and self._lock.is_held()  # without it, another process can project, too
        )
