"""A projection in a temporary folder, where that of the journal shows what is to be forgotten.

On a full or read-only disk no generation can be built that hides what a request names. Then a query
is answered from one that is built elsewhere: on another disk, or in memory.
"""

from __future__ import annotations

import logging
import os
import weakref
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from journal.process.fork import no_fork, register
from journal.segments.listing import list_segments
from projector.db.generations import base_in
from projector.errors import ProjectionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.fs.directory import Directory
    from projector.reading.hidden.shows_forgotten import ShowsForgotten

_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder inside is made with mode 0700
"""A file system in memory, if there is one."""
_FACTOR = 3
"""Space for a database, its WAL and an index of the lanes' text, in multiples of the lanes."""
_LEAST = 16 * 1024 * 1024
"""Bytes that are free at least."""

_log = logging.getLogger("projector")


class OpenHandle(Protocol):
    """A handle that reads a projection."""

    def close(self) -> None:
        """Close it."""
        ...


Opened = TypeVar("Opened", bound=OpenHandle)


class TemporaryProjection(Generic[Opened]):
    """Opens and keeps the handle on a projection in a temporary folder, and removes that folder.

    Args:
        journal: the journal.
        open_handle: opens a handle on the projection that `Directory.base` names.
    """

    def __init__(self, journal: Directory, open_handle: Callable[[Directory], Opened]) -> None:
        self._journal = journal
        self._open = open_handle
        self._handle: Opened | None = None
        self._remove: Callable[[], object] = _nothing
        register(self)

    def after_fork_in_child(self) -> None:
        """Leave the folder to the parent; the next query makes another."""
        self._handle, self._remove = None, _nothing

    @property
    def is_open(self) -> bool:
        """Whether there is a handle."""
        return self._handle is not None

    def handle(self, shows: ShowsForgotten) -> Opened:
        """Return the handle; open it if there is none.

        Raises:
            ProjectionError: no folder has enough space for another projection.
        """
        if self._handle is None:
            folder = self._folder(shows)
            _log.warning("%s. Answers come from another one in %s meanwhile", shows, folder)
            remove = weakref.finalize(self, _remove, folder, os.getpid())
            try:
                base = base_in(folder, self._journal)
                self._handle = self._open(replace(self._journal, elsewhere=base))
            except BaseException:
                remove()
                raise
            self._remove = remove
        return self._handle

    def _folder(self, shows: ShowsForgotten) -> Path:
        """Make a temporary folder where there is space.

        Raises:
            ProjectionError: there is none.
        """
        with no_fork.turn:
            import shutil  # noqa: PLC0415 - hardly any query needs them, and they take long to load
            from tempfile import gettempdir, mkdtemp  # noqa: PLC0415 - same

        size = sum(ref.size for ref in list_segments(self._journal.lanes))
        needed = _LEAST + _FACTOR * size
        reasons = []
        for parent in dict.fromkeys([Path(gettempdir()), _MEMORY]):
            try:
                free = shutil.disk_usage(parent).free
                if free >= needed:
                    return Path(mkdtemp(prefix="projection-", dir=parent))
                reasons.append(f"{parent} has {free >> 20} MiB")
            except OSError as error:
                reasons.append(f"{parent}: {error.strerror or error}")
        raise ProjectionError(
            f"{shows}. Another one needs {needed >> 20} MiB, and {', '.join(reasons)}. Free space,"
            " or set TMPDIR to a folder on another disk"
        ) from shows

    def close(self) -> None:
        """Close the handle and remove the folder; again does nothing."""
        handle, self._handle = self._handle, None
        remove, self._remove = self._remove, _nothing
        try:
            if handle is not None:
                handle.close()
        finally:
            remove()


def _nothing() -> None:
    """Remove nothing."""


def _remove(folder: Path, pid: int) -> None:
    with no_fork.turn:
        import shutil  # noqa: PLC0415 - it was loaded when the folder was made

    if os.getpid() == pid:  # a forked child has not made it
        shutil.rmtree(folder, ignore_errors=True)
