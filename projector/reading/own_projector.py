"""The projector of a reading handle: it applies events where no other process projects."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from journal.process.fork import no_fork, register
from projector.db.fork_safety import keep_inherited
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.errors import ProjectionDamaged, ProjectionError, ProjectorBusy
from projector.reading.in_use import identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.fs.directory import Directory
    from projector.reading.in_use import InUse
    from projector.run.open_segments import OpenSegments
    from projector.run.projector import Projector

_log = logging.getLogger("projector")


def never() -> bool:
    """Return False: it is never enough."""
    return False


_Files = tuple[tuple[int, int] | None, tuple[int, int] | None]
"""Identity of a database and of its WAL."""


class OwnProjector:
    """A projector that stays open between two calls, and holds its lock only while it applies.

    It keeps a copy of some tables in memory. Another projector may work between two calls:
    `Projector` detects that and reads them again.

    Attributes:
        lock: the lock of the one projector.
    """

    def __init__(self, journal: Directory, in_use: InUse, segments: OpenSegments) -> None:
        self._journal = journal
        self._in_use = in_use
        self._segments = segments
        self._generations = in_use.generations
        self.lock = ProcessLock(self._generations.lock)
        self._projector: Projector | None = None
        self._number = 0
        self._files: _Files = None, None
        self._is_tidy = False
        register(self)

    def after_fork_in_child(self) -> None:
        """Keep the parent's connection unused; the next call opens another."""
        keep_inherited()
        self._projector = None

    def catch_up(
        self,
        stop: Callable[[], bool],
        abort: Callable[[], bool] | None = None,
        enough: Callable[[], bool] = never,
    ) -> bool:
        """Apply the new events of the lanes, unless another process projects or builds.

        Args:
            stop: called between blocks and folds; if it returns True, what was applied is kept.
            abort: called during statements; if it returns True, the transaction is rolled back.
            enough: called between blocks; from True on, no more is read.

        Returns:
            Whether they were applied, or as many as were enough.

        Raises:
            BuildStopped: `stop` returned True before anything was applied.
            ProjectionError, ReadError: as `projector.run.build.rebuild`.
        """
        if not self.lock.is_open():
            generations(self._journal.base)  # the folder may have been moved away
        if not self.lock.acquire():
            return False
        try:
            return self._catch_up(stop, abort, enough)
        except ProjectorBusy:  # another process builds
            return False
        finally:
            self.lock.unlock()

    def _catch_up(
        self,
        stop: Callable[[], bool],
        abort: Callable[[], bool] | None,
        enough: Callable[[], bool],
    ) -> bool:
        with no_fork.turn:
            from projector.run import lock_holder  # noqa: PLC0415 - most queries do not need it

        is_pinned = True
        while is_pinned:
            projector = self._opened(stop)
            try:
                projector.catch_up(stop=stop, abort=abort, enough=enough)
                if not self._is_tidy:
                    self._is_tidy = self._generations.remove_old(self._number)
                is_pinned = projector.wal.is_pinned and not stop()
                if is_pinned:
                    lock_holder.move_to_copy(self._journal, projector)
            except ProjectionError as error:
                self._abandon()
                return lock_holder.replace_damaged(self._journal, error, None, stop)
            except BaseException:
                self._abandon()
                raise
        return True

    def _opened(self, stop: Callable[[], bool]) -> Projector:
        """Return the projector of the generation in use; only for the holder of the lock."""
        if self._projector is not None and not self._is_same():
            self._abandon()
        if self._projector is None:
            with no_fork.turn:
                from projector.run.lock_holder import open_current  # noqa: PLC0415 - as above

            self._number, self._projector = open_current(self._journal, None, stop, self._segments)
            self._files = _files(self._generations.path(self._number))
            self._is_tidy = False
        return self._projector

    def _is_same(self) -> bool:
        """Return whether the projector still writes to the files of the generation in use."""
        try:
            if self._in_use.number() != self._number:
                return False
        except ProjectionDamaged:  # `open_current` replaces CURRENT
            return False
        return _files(self._generations.path(self._number)) == self._files

    def _abandon(self) -> None:
        """Close the connection without a checkpoint: its files may be deleted, or the disk full."""
        projector, self._projector = self._projector, None
        if projector is not None:
            projector.abandon()

    def close(self) -> None:
        """Write the WAL back unless another process projects, and close; again does nothing."""
        projector, self._projector = self._projector, None
        try:
            if projector is None:
                return
            is_only = self.lock.is_open() and self.lock.acquire()
            if is_only:
                projector.close()
            else:
                projector.abandon()
        except ProjectionError as error:
            _log.warning("%s", error)  # nothing is lost: the next projector uses the WAL
        finally:
            self.lock.release()


def _files(path: Path) -> _Files:
    return identity(path), identity(path.with_name(f"{path.name}-wal"))
