"""The projection as the pages read it: several handles, and nothing is applied."""

from __future__ import annotations

import time
from contextlib import contextmanager
from queue import LifoQueue
from threading import Lock
from typing import TYPE_CHECKING, Self, TypeVar

from projector.errors import ProjectionError
from projector.projection import Projection
from projector.web.counting import Counting
from projector.web.memo import Memo
from projector.web.sending import leaving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import apsw

    from journal.segments.machines import Machines
    from projector.errors import Behind

Answer = TypeVar("Answer")

READERS = 3
"""Queries that run at the same time: a handle answers one after the other."""
_CACHE = -4096
"""Page cache of a connection, in KiB with a minus sign; the kernel keeps the pages, too."""
_KNOWN = 1.0
"""Seconds for which the lag is not counted again."""


class NotBuilt(ProjectionError):  # noqa: N818 - reads as a state
    """There is no projection yet."""


class Readings:
    """Handles of one projection. Safe for threads.

    Attributes:
        path: folder of the journal.
        memo: answers that are kept for a while.
        counting: what is counted of all messages.

    Raises:
        NotAJournalError: there is no journal.
        ProjectionError: its folder cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handles: LifoQueue[Projection] = LifoQueue()
        for _ in range(READERS):
            self._handles.put(Projection.open(path))
        self.memo = Memo()
        self.counting = Counting(self.peek)
        self._lock = Lock()
        self._behind: tuple[float, Behind | None] = (0.0, None)

    @contextmanager
    def handle(self) -> Iterator[Projection]:
        """Lend a handle; wait for one if all are in use."""
        handle = self._handles.get()
        try:
            yield handle
        finally:
            self._handles.put(handle)

    def peek(self, query: Callable[[apsw.Connection], Answer]) -> Answer:
        """Query one snapshot of what is applied.

        Raises:
            NotBuilt: there is no projection yet.
            ReaderLeft: the reader has left whose answer this thread makes.
            ProjectionError: it cannot be read.
        """

        def ask(db: apsw.Connection | None) -> Answer:
            if db is None:
                raise NotBuilt("there is no projection yet: run `projector sync`")
            db.pragma("cache_size", _CACHE)
            with leaving.ending(db):
                return query(db)

        with self.handle() as handle:
            leaving.check()
            return handle.peek(ask)

    def machines(self) -> Machines:
        """Return this machine and the others whose lanes are in the journal.

        Raises:
            ReadError: their names cannot be read.
        """
        with self.handle() as handle:
            return handle.machines()

    def behind(self) -> Behind | None:
        """Return what the projection lacks, counted at most once a second; None if nothing.

        Raises:
            ProjectionError: it cannot be read.
            ReadError: a lane cannot be read.
        """
        with self._lock:
            counted, found = self._behind
            if time.monotonic() - counted > _KNOWN:
                with self.handle() as handle:
                    found = handle.behind()
                self._behind = time.monotonic(), found
        return found

    def close(self) -> None:
        """Close the handles."""
        self.counting.close()
        for _ in range(READERS):
            self._handles.get().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
