"""The connections of one handle that reads the projection, for one thread at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal.errors import ClosedError
from journal.process.fork import no_fork, register
from journal.process.turn import Turn
from projector.db.generations import find_generations
from projector.db.quiet import quiet
from projector.db.sqlite_errors import failure
from projector.reading.goal import Known
from projector.reading.in_use import InUse
from projector.reading.own_projector import OwnProjector

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from journal.fs.directory import Directory
    from journal.segments.machines import Machines
    from projector.db.process_lock import ProcessLock
    from projector.errors import ProjectionError


class Handle:
    """Opens the generation in use, and lends its connection to one thread at a time.

    Attributes:
        journal: the journal that is read.
        generations: its generations.
    """

    def __init__(self, journal: Directory) -> None:
        self.journal = journal
        self.generations = find_generations(journal.base)
        self._is_closed = False
        self._turn = Turn()
        self._known = Known()
        self._in_use = InUse(journal, self.generations)
        self._own = OwnProjector(journal, self._in_use, self._known.segments)
        register(self)

    def after_fork_in_child(self) -> None:
        """Replace the lock, which a thread of the parent may hold."""
        self._turn = Turn()

    @property
    def projector_lock(self) -> ProcessLock:
        """The lock that a running projector holds."""
        return self._own.lock

    def machines(self) -> Machines:
        """Return this machine and the others whose lanes are in the journal.

        Raises:
            ClosedError: it was closed.
            ReadError: they cannot be read.
        """
        self.check_open()
        with no_fork.turn:
            from journal.segments.machines import read_machines  # noqa: PLC0415 - few need them

        return read_machines(self.journal)

    def check_open(self) -> None:
        """Raise an error after `close`."""
        if self._is_closed:
            raise ClosedError(
                f"this handle on the projection of {self.journal.path} was closed; open another"
            )

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Keep other threads from using the connection.

        Raises:
            ClosedError: it was closed.
            Reentered: this thread is in the middle of a call.
        """
        with self._turn.held(f"this handle on the projection of {self.journal.path}"):
            self.check_open()  # another thread may have closed it while this one waited
            yield

    @contextmanager
    def peeking(self) -> Iterator[apsw.Connection | None]:
        """Yield the connection without applying anything; None if there is no projection yet."""
        with self._exclusive(), quiet:
            yield self._in_use.connection()

    def _unreadable(self, error: apsw.Error) -> ProjectionError:
        return failure("read", self._in_use.path, error)

    def close(self) -> None:
        """Close the connections, and refuse further queries; again does nothing.

        Raises:
            Reentered: this thread is in the middle of a call; nothing was done.
        """
        if not self._is_closed:
            self.release()
            self._is_closed = True

    def release(self) -> None:
        """Close the connections; the next query opens them again.

        Raises:
            Reentered: this thread is in the middle of a call; nothing was done.
        """
        with self._exclusive(), quiet:
            self._close_files()

    def _close_files(self) -> None:
        self._in_use.close()
        self._own.close()
        self._known.segments.close()
