"""The store of an adapter: one that was given open, or one that the adapter opens and closes."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from journal import ClosedError
from projector.store import SessionStore

if TYPE_CHECKING:
    import os


class Opened:
    """A `SessionStore`, opened when it is first asked for. Safe for threads.

    Args:
        journal: the path of a journal, or an open store, which `close` leaves open.
    """

    def __init__(self, journal: str | os.PathLike[str] | SessionStore) -> None:
        self._is_own = not isinstance(journal, SessionStore)
        self._journal = journal
        self._lock = Lock()
        self._store = journal if isinstance(journal, SessionStore) else None
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
                raise ClosedError(f"this store in {self._journal} was closed; open another")
            if self._store is None:
                assert not isinstance(self._journal, SessionStore)
                self._store = SessionStore.open(self._journal)
            return self._store

    def close(self) -> None:
        """Close the store if it was opened here; again does nothing."""
        with self._lock:
            if self._is_own and self._store is not None and not self._is_closed:
                self._store.close()
            self._is_closed = True
