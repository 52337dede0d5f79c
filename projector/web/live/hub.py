"""Wakes open pages when the projection has changed: the system reports writes to its folder.

While nothing is written, nothing is asked: open pages cost nothing but a heartbeat.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from watchdog.events import FileModifiedEvent, FileMovedEvent, FileSystemEventHandler

from journal.fs.observer import start_observer

if TYPE_CHECKING:
    from pathlib import Path

    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

_EVENTS: list[type[FileSystemEvent]] = [FileModifiedEvent, FileMovedEvent]
_POLL = 1.0
"""Seconds after which pages look by themselves where the system gives no notifications."""


class Hub(FileSystemEventHandler):
    """Wakes those who wait for a change. Used on one event loop; the watcher has its own thread.

    Attributes:
        is_closed: whether the server ends.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Event] = set()
        self._observer: BaseObserver | None = None
        self._polls = False
        self.is_closed = False

    def next_change(self) -> asyncio.Event:
        """Return what is set at the next change, or when the hub is closed."""
        self._start()
        found = asyncio.Event()
        if self.is_closed:
            found.set()
        self._waiting.add(found)
        return found

    async def wait(self, change: asyncio.Event, seconds: float) -> bool:
        """Wait for a change; return whether it came in time."""
        limit = min(seconds, _POLL) if self._polls else seconds
        try:
            await asyncio.wait_for(change.wait(), limit)
        except TimeoutError:
            return self._polls
        finally:
            self._waiting.discard(change)
        return True

    def _start(self) -> None:
        if self._loop is not None:
            return
        self._loop = asyncio.get_running_loop()
        try:
            self._observer = start_observer(self._schedule)
        except (OSError, RuntimeError):  # the limit of inotify watches, or of threads
            self._polls = True

    def _schedule(self, observer: BaseObserver) -> None:
        observer.schedule(self, str(self._folder), event_filter=_EVENTS)

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Take a notification, on the watcher's thread."""
        del event
        if self._loop is not None and not self.is_closed:
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for change in waiting:
            change.set()

    def close(self) -> None:
        """Stop watching, and wake all: their streams end."""
        self.is_closed = True
        self._wake()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None
