"""How the stores of asynchronous frameworks end: as context managers, in a thread under a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from anyio import to_thread

if TYPE_CHECKING:
    from projector.adapters.opening import Opened


class Closing:
    """A store that closes the journal it opened; a store that it was given stays open."""

    _opened: Opened

    def close(self) -> None:
        """Sync what the level promises, and close; again does nothing.

        A store that was given stays open.

        Raises:
            SyncError, Reentered: as `SessionStore.close`.
        """
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await to_thread.run_sync(self.close)
