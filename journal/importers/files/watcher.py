"""Reports which files in some folders changed, by the system's notifications.

A notification can be lost, so all followed files are also checked from time to time.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from journal.fs.observer import new_observer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver


class FolderWatcher:
    """Collects the paths of what was made, written to or moved, as absolute paths without links."""

    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._lock = threading.Lock()
        self._observer: BaseObserver | None = None
        self._watched: dict[str, bool] = {}
        self.failed = False

    def dispatch(self, event: FileSystemEvent) -> None:
        """Take an event; watchdog calls this in a thread of its own."""
        paths = {os.fsdecode(event.src_path), os.fsdecode(event.dest_path)} - {""}
        with self._lock:
            self._changed |= paths

    def watch(self, trees: Iterable[str], folders: Iterable[str]) -> None:
        """Watch folders, with or without their subfolders; known ones are already watched.

        If the system gives no notifications, `failed` is set, and there are none from then on.
        """
        wanted = {**dict.fromkeys(folders, False), **dict.fromkeys(trees, True)}
        for folder, deep in sorted(wanted.items()):
            known = self._watched.get(folder)
            if self.failed or known is True or known is deep:
                continue
            try:
                self._schedule(folder, deep=deep)
            except FileNotFoundError:
                continue  # it was deleted
            except (OSError, RuntimeError):  # the limit of inotify watches, or of threads
                self.failed = True
                self.stop()

    def _schedule(self, folder: str, *, deep: bool) -> None:
        from watchdog import events  # noqa: PLC0415 - only following needs it

        wanted: list[type[FileSystemEvent]] = [
            events.FileCreatedEvent,
            events.FileModifiedEvent,
            events.FileMovedEvent,
            events.DirCreatedEvent,
            events.DirMovedEvent,
        ]
        if self._observer is None:
            self._observer = new_observer()
            self._observer.start()
        self._observer.schedule(self, folder, recursive=deep, event_filter=wanted)  # type: ignore[arg-type] # anything with `dispatch`
        self._watched[folder] = deep

    def take(self) -> set[str]:
        """Return the paths that changed since the last call."""
        if not self._changed:
            return set()
        with self._lock:
            changed, self._changed = self._changed, set()
        return changed

    def stop(self) -> None:
        """End the notifications."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join()
