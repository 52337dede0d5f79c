"""The WAL of a generation: its size, and when it is written back."""

from __future__ import annotations

from contextlib import suppress

import apsw

from projector.db.connections import BUSY_MS, PAGE
from projector.db.fork_safety import is_inherited
from projector.db.quiet import quiet
from projector.errors import ProjectionError

_CHECKPOINT = 4 * 1024 * 1024
"""Bytes of WAL at which it is written back."""
_PRESSED = 20 * 1024 * 1024
"""Bytes of WAL above which a checkpoint waits for readers, so that the WAL can be reused."""
_PINNED = 36 * 1024 * 1024
"""Bytes of WAL above which the projector leaves this generation to a reader of an old snapshot."""
_PATIENCE_MS = 200
"""Milliseconds for which a checkpoint waits for readers."""


class Wal:
    """Counts the pages that the writing connection puts into the WAL, and writes them back.

    Attributes:
        is_used: whether the database has a WAL; a build has none.
    """

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._pages = 0
        self.is_used: bool = db.pragma("journal_mode") == "wal"
        if self.is_used:
            # what the last projector left in the WAL counts too
            self._pages = max(0, db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)[0])
        db.set_wal_hook(self._count)

    def checkpoint(self, *, above: int = _CHECKPOINT) -> None:
        """Write the WAL back into the database if it holds more than `above` bytes.

        While a reader holds a snapshot, the WAL cannot be reused, and grows.

        Raises:
            ProjectionError: the file system refuses; what was applied is still in the WAL.
        """
        size = self._pages * PAGE
        if size <= above or is_inherited(self._db):
            return
        try:
            with quiet:
                self._write_back(size)
        except apsw.Error as error:
            raise ProjectionError(
                f"cannot write the WAL back into {self._db.filename}: {error};"
                " what was applied is still in the WAL and is not lost"
            ) from error

    def _write_back(self, size: int) -> None:
        self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        if size > _PRESSED:
            self._db.set_busy_timeout(_PATIENCE_MS)
            with suppress(apsw.BusyError):
                self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
            self._db.set_busy_timeout(BUSY_MS)

    @property
    def is_pinned(self) -> bool:
        """Whether a reader of an old snapshot has made the WAL grow above its limit."""
        return self._pages * PAGE > _PINNED

    def _count(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK
