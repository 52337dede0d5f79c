"""The handle that agents keep their sessions with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from projector.store.keys import Keys
from projector.store.messages import Messages
from projector.store.sessions import Sessions
from projector.store.usage import Usage

if TYPE_CHECKING:
    import os

    from journal.lanes.group_commit import Fsync


class SessionStore(Sessions, Messages, Usage, Keys):
    """Sessions of agents: written as events, read from the projection. Safe for threads.

    ::

        with SessionStore.open("~/agents") as store:
            session = store.create(title="A bug in the parser", source="cli")
            store.flush(session, [{"role": "user", "content": "Where is it?"}])
            print(store.messages(session))

    Writing waits for nobody: not for other writers, not for SQLite, not for the projector. Each
    handle sees what it has appended in its next read. Only answers that depend on everybody
    (`claim_title`, `compare_and_set`, `claim`, `decide`) wait for others who decide too.
    """

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, fsync: Fsync = "interval", timeout: float = 5.0
    ) -> Self:
        """Open the store in the journal at `path`, making it where there is none.

        Args:
            path: folder of the journal.
            fsync: what an append promises when it returns, as for `Journal.open`.
            timeout: seconds to wait for a projector that is behind, and for others who decide.

        Raises:
            JournalOpenError: the folder cannot be opened or made, or holds something else.
            LeaseError: no lane could be leased.
            ValueError: `fsync` is no level.
        """
        return cls(path, fsync, timeout)
