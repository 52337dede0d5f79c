"""Opens the journal of a framework's store, or takes a store that is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.store import SessionStore

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from journal.lanes.group_commit import Fsync
    from journal.redact.scanner import Scanner


class Opened:
    """The `SessionStore` of an adapter: one that it opens and closes, or one that it was given.

    Attributes:
        store: the store.
    """

    def __init__(
        self,
        at: str | os.PathLike[str] | SessionStore,
        *,
        fsync: Fsync,
        timeout: float,
        redact: bool | Sequence[Scanner],
    ) -> None:
        """Open the journal at a path, or take an open store.

        Args:
            at: folder of the journal, or an open store, which stays open and has its own options.
            fsync: what an append promises when it returns, as for `SessionStore.open`.
            timeout: seconds that a read waits for a projector that is behind.
            redact: replace secrets by marks, as for `SessionStore.open`.

        Raises:
            JournalOpenError, LeaseError, ProjectionError, RedactionError, ValueError: as
                `SessionStore.open`.
        """
        self._is_given = isinstance(at, SessionStore)
        self.store = (
            at
            if isinstance(at, SessionStore)
            else SessionStore.open(at, fsync=fsync, timeout=timeout, redact=redact)
        )

    def close(self) -> None:
        """Close the store unless it was given; again does nothing.

        Raises:
            SyncError, Reentered: as `SessionStore.close`.
        """
        if not self._is_given:
            self.store.close()
