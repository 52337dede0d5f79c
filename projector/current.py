"""The generation in use, brought up to date before it is read."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal import clock
from journal.reader import list_segments
from projector.build import open_current
from projector.errors import NotProjected, ProjectionError
from projector.generation import OnlyOne, generations
from projector.schema import open_reader
from projector.watermark import lag, load_marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from journal.directory import Directory
    from journal.position import Position

PATIENCE = 0.5
"""Seconds that a query waits for a running projector before it answers with what is there."""

_SHORTEST, _LONGEST = 0.001, 0.02
"""Seconds between two looks at a projector's progress."""


class Current:
    """A connection to the generation in use, which changes over when another is published.

    Attributes:
        journal: the journal that is read.
        generations: its generations.
        projector_lock: the lock that a running projector holds.
    """

    def __init__(self, journal: Directory) -> None:
        self.journal = journal
        self.generations = generations(journal.path)
        self.projector_lock = OnlyOne(self.generations.lock)
        self._turn = threading.RLock()
        self._db: apsw.Connection | None = None
        self._generation = 0

    @contextmanager
    def reading(self) -> Iterator[tuple[apsw.Connection, bool]]:
        """Bring the projection up to date, then lend the connection to it.

        Yields:
            The connection, and whether it holds everything that stood in the journal when the
            block was entered.

        Raises:
            ProjectionError: the projection cannot be built or read.
            ReadError: a lane cannot be read.
        """
        with self._turn:
            fresh = self._refresh()
            yield self._reader(), fresh

    @contextmanager
    def peeking(self) -> Iterator[apsw.Connection | None]:
        """Lend the connection as it is, without applying anything; None if there is none yet."""
        with self._turn:
            yield None if self.generations.current() is None else self._reader()

    def wait_for(self, position: Position, timeout: float) -> None:
        """Return when the record at `position` is applied.

        Raises:
            NotProjected: it is not within `timeout` seconds.
        """
        until = time.monotonic() + timeout
        pause = _SHORTEST
        while not self._has(position):
            if time.monotonic() >= until:
                raise NotProjected(
                    f"the projection has not reached {position} within {timeout} s;"
                    " see `projector status`"
                )
            with self._turn:
                caught_up = self._catch_up()
            if not caught_up:
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST)

    def _has(self, position: Position) -> bool:
        query = (
            "SELECT 1 FROM segments JOIN lanes ON lanes.id = lane"
            " WHERE lanes.uuid = ? AND number = ? AND offset >= ?"
        )
        at = (position.lane, position.segment, position.offset)
        with self.peeking() as db:
            return db is not None and db.execute(query, at).fetchone() is not None

    def _refresh(self) -> bool:
        """Apply what is new, or wait a moment for the projector that does; say if all is in."""
        refs = list_segments(self.journal.lanes)
        until = time.monotonic() + PATIENCE
        pause = _SHORTEST
        while True:
            built = self.generations.current() is not None
            if built and not lag(load_marks(self._reader()), refs).bytes:
                return True
            if self._catch_up():
                continue
            if built and time.monotonic() >= until:
                return False
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST)

    def _catch_up(self) -> bool:
        """Be the projector for a moment, if nobody else is."""
        if not self.projector_lock.take():
            return False
        try:
            _, projector = open_current(self.journal)
            try:
                projector.catch_up()
            finally:
                projector.close()
        finally:
            self.projector_lock.release()
        return True

    def _reader(self) -> apsw.Connection:
        """Return the connection, opened anew if another generation came into use."""
        while True:
            number = self.generations.current()
            if self._db is not None and number == self._generation:
                return self._db
            self._close_reader()
            if number is None:
                raise ProjectionError(
                    f"{self.generations.folder} has no projection in use any more;"
                    " run `projector rebuild`"
                )
            try:
                self._db = open_reader(self.generations.path(number))
            except ProjectionError:
                if self.generations.current() == number:
                    raise
                continue  # it was replaced between the two looks
            self._generation = number
            clock.observe(self._db.execute("SELECT value FROM meta WHERE key = 'latest'").get)

    def _close_reader(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None

    def close(self) -> None:
        """Close the connection; again does nothing."""
        with self._turn:
            self._close_reader()
