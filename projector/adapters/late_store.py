"""The store of an adapter whose constructor must not wait: it is opened when it is first used."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, TypedDict

from journal import ClosedError
from projector.adapters.opening import Opened

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from journal.lanes.group_commit import Fsync
    from journal.redact.scanner import Scanner
    from projector.store import SessionStore


class StoreOptions(TypedDict, total=False):
    """The options of a store that is opened: those of `SessionStore.open`."""

    fsync: Fsync
    timeout: float
    redact: bool | Sequence[Scanner]


class LateStore:
    """A `SessionStore`, opened when it is first asked for. Safe for threads.

    Args:
        at: folder of the journal, or an open store, which stays open and has its own options.
        options: those of `SessionStore.open`.
    """

    def __init__(self, at: str | os.PathLike[str] | SessionStore, options: StoreOptions) -> None:
        self._at = at
        self._options: StoreOptions = {"fsync": "interval", "timeout": 5.0, "redact": False}
        self._options |= options
        self._lock = Lock()
        self._opened: Opened | None = None
        self._is_closed = False

    @property
    def store(self) -> SessionStore:
        """The open store.

        Raises:
            ClosedError: it was closed.
            JournalOpenError, LeaseError, ProjectionError, RedactionError, ValueError: as
                `SessionStore.open`.
        """
        with self._lock:
            if self._is_closed:
                raise ClosedError("this store was closed; open another")
            if self._opened is None:
                self._opened = Opened(self._at, **self._options)
            return self._opened.store

    def close(self) -> None:
        """Close the store unless it was given; again does nothing.

        Raises:
            SyncError, Reentered: as `SessionStore.close`.
        """
        with self._lock:
            self._is_closed = True
            if self._opened is not None:
                self._opened.close()
