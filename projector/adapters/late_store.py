"""The store of an adapter whose constructor must not wait: it is opened when it is first used."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from journal import ClosedError
from projector.store import SessionStore

if TYPE_CHECKING:
    import os


class LateStore:
    """A `SessionStore`, opened when it is first asked for. Safe for threads.

    Args:
        journal: the path of a journal, or an open store, which `close` leaves open.
    """

    def __init__(self, journal: str | os.PathLike[str] | SessionStore) -> None:
        self._given = journal if isinstance(journal, SessionStore) else None
        self._path = journal.journal.path if isinstance(journal, SessionStore) else journal
        self._lock = Lock()
        self._own: SessionStore | None = None
        self._is_closed = False

    @property
    def store(self) -> SessionStore:
        """The open store.

        Raises:
            ClosedError: it was closed.
            JournalOpenError, LeaseError, ProjectionError: as `SessionStore.open`.
        """
        with self._lock:
            if self._is_closed:
                raise ClosedError(f"this store in {self._path} was closed; open another")
            if self._given is not None:
                return self._given
            if self._own is None:
                self._own = SessionStore.open(self._path)
            return self._own

    def close(self) -> None:
        """Close the store if it was opened here; again does nothing.

        Raises:
            SyncError, Reentered: as `SessionStore.close`.
        """
        with self._lock:
            self._is_closed = True
            if self._own is not None:
                self._own.close()
