"""Wakes the relay when a lane of this machine has grown."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.events import DirCreatedEvent, FileCreatedEvent, FileModifiedEvent
from watchdog.events import FileSystemEventHandler as Handler

from journal.fs.observer import start_observer
from journal.segments.listing import own_lanes
from journal.segments.mirrors import is_mirror

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

_log = logging.getLogger("projector.relay")
_SWEEP = 1.0
"""Seconds after which the lanes are looked at without a notification."""
_POLL = 0.1
"""The same where the system gives no notifications."""
_EVENTS: list[type[FileSystemEvent]] = [FileModifiedEvent, FileCreatedEvent, DirCreatedEvent]
_MOST = 64
"""Lanes that are watched one by one, which takes a thread for each; more are watched with the
mirrors, and so with all that the relay itself writes."""


class Bell(Handler):
    """Rings when a lane of this machine may have changed.

    Args:
        lanes: the folder of the lanes.
    """

    def __init__(self, lanes: Path) -> None:
        self._rung = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._lanes = lanes
        self._sweep = _SWEEP
        self._is_apart = False
        self._observer: BaseObserver | None = None
        try:
            self._observer = start_observer(self._schedule)
        except (OSError, RuntimeError) as error:  # the limit of inotify watches, or of threads
            _log.warning("no file notifications (%s); looking every %s s instead", error, _POLL)
            self._sweep = _POLL

    def _schedule(self, observer: BaseObserver) -> None:
        own = own_lanes(self._lanes)
        self._is_apart = len(own) <= _MOST
        is_whole = not self._is_apart
        observer.schedule(self, str(self._lanes), recursive=is_whole, event_filter=_EVENTS)
        if self._is_apart:
            for name in own:
                self._watch(observer, self._lanes / name)

    def _watch(self, observer: BaseObserver, lane: Path) -> None:
        """Watch one lane; if it is gone, or the limit of watches is reached, the looks find it."""
        with suppress(OSError, RuntimeError):
            observer.schedule(self, str(lane), event_filter=_EVENTS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Ring, unless a mirror has changed, which the relay itself writes; watch a new lane."""
        path = Path(os.fsdecode(event.src_path))
        lane = path if path.parent == self._lanes else path.parent
        if is_mirror(lane.name):
            return
        if self._is_apart and isinstance(event, DirCreatedEvent) and self._observer is not None:
            self._watch(self._observer, lane)
        self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self) -> None:
        """Wait for a ring, or until the lanes must be looked at."""
        try:
            async with asyncio.timeout(self._sweep):
                await self._rung.wait()
        except TimeoutError:
            return
        finally:
            self._rung.clear()
