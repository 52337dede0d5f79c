"""The projector: read what the lanes have gained, apply it, commit it with the watermark.

Rows, index and watermark go into one transaction, so each event counts exactly once, whatever
dies. What was read is synced before it is committed: the view is never ahead of the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw

from journal.reader import SegmentRef, list_segments
from projector.errors import ProjectionError
from projector.intake import NOTHING, Intake
from projector.schema import PAGE
from projector.watermark import Mark, Place, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_TRANSACTION = 16 * 1024 * 1024
"""Bytes of segments that one transaction takes: the WAL of a live projection stays below 64 MiB."""
_CHECKPOINT = 4 * 1024 * 1024
"""Bytes of WAL at which it is written back."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What one run of catching up did: events read, bytes read, transactions committed."""

    events: int = 0
    bytes: int = 0
    commits: int = 0


class Projector:
    """Applies lanes to one generation, over the connection that it alone writes with."""

    def __init__(self, db: apsw.Connection, lanes: Path) -> None:
        self._db = db
        self._lanes = lanes
        self._intake = Intake(db)
        self._looked_back = False
        self._wal_pages = 0
        db.set_wal_hook(self._count_wal)

    @property
    def marks(self) -> dict[Place, Mark]:
        """The watermark, as of the last commit."""
        return self._intake.marks

    def catch_up(
        self,
        *,
        on_commit: Callable[[Progress], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Progress:
        """Apply everything that stands in the lanes now, unless told to `stop`.

        What is appended meanwhile may wait for the next call: beside writers that never pause,
        one that went on until there is nothing more would never return.

        Args:
            on_commit: told of the progress after every transaction.
            stop: asked between blocks of about 1 MiB.

        Raises:
            ProjectionError: the database refuses; nothing of the open transaction was kept.
            ReadError: a segment cannot be read.
        """
        progress = Progress()
        refs = list_segments(self._lanes)
        if not self._looked_back:
            self._intake.look_back(refs)
            self._looked_back = True
        goals = {place(ref): ref.size for ref in refs}
        while (pending := self._pending(goals)) and not stop():
            before = progress
            try:
                for events, size in self._transaction(pending, stop):
                    progress = Progress(
                        progress.events + events, progress.bytes + size, progress.commits
                    )
            except apsw.Error as error:
                raise ProjectionError(
                    f"cannot write the projection {self._db.filename}: {error}"
                ) from error
            if progress == before:  # only unfinished records are left
                break
            progress = Progress(progress.events, progress.bytes, progress.commits + 1)
            if on_commit is not None:
                on_commit(progress)
        return progress

    def _pending(self, goals: dict[Place, int]) -> list[SegmentRef]:
        """List what is not applied up to its goal: of each lane the first such segment."""
        pending: dict[str, SegmentRef] = {}
        for ref in list_segments(self._lanes):
            offset = self.marks.get(place(ref), NOTHING).offset
            # an empty segment has nothing to wait for: its lane goes on in the next
            goal = goals.get(place(ref), 0)
            # one that is shorter than what was applied of it is not what it was
            if (offset < goal or offset > ref.size) and ref.lane not in pending:
                pending[ref.lane] = ref
        return list(pending.values())

    def _transaction(
        self, pending: list[SegmentRef], stop: Callable[[], bool]
    ) -> Iterator[tuple[int, int]]:
        """Read a block of each segment in turn, and commit it all; yield events and bytes."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            size = 0
            while pending and size < _TRANSACTION and not stop():
                going_on = []
                for ref in pending:
                    events, read = self._intake.take_block(ref)
                    if read:
                        going_on.append(ref)
                        size += read
                        yield events, read
                    if size >= _TRANSACTION:
                        break
                pending = going_on
            self._intake.save()
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._intake.reset()
            raise
        finally:
            self._intake.changed.clear()
        self.checkpoint()

    def close(self) -> None:
        """Write the WAL back and close the connection."""
        try:
            self.checkpoint(above=0)
        finally:
            self._db.close()

    def checkpoint(self, *, above: int = _CHECKPOINT) -> None:
        """Write the WAL back into the database if it holds more than `above` bytes."""
        if self._wal_pages * PAGE > above:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._wal_pages = 0

    def _count_wal(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK
