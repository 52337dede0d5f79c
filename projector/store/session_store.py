"""The handle on the sessions of agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from projector.store.claims import Claims
from projector.store.keys import Keys
from projector.store.messages import Messages
from projector.store.sessions import Sessions
from projector.store.usage import Usage

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from journal.lanes.group_commit import Fsync
    from journal.redact.scanner import Scanner


class SessionStore(Sessions, Messages, Usage):
    """Sessions of agents: written as events, read from the projection. Safe for threads.

    ::

        with SessionStore.open("~/agents") as store:
            session = store.create(title="A bug in the parser", source="cli")
            store.flush(session, [{"role": "user", "content": "Where is it?"}])
            print(store.messages(session))

    A method whose name has no noun acts on a session (`create`, `revise`, `end`, `delete`) or on
    its conversation (`append`, `flush`, `rewind`). A method that acts on single messages is
    named after them (`remove_messages`). Key-values and claims have objects of their own.

    A write does not wait: not for other writers, not for SQLite, not for the projector. Each
    handle sees what it has appended in its next read. Only decisions, which depend on all writers
    (`claim_title`, `decide`, `keys.compare_and_set`, and claims), wait for each other.

    After `close` every method raises ClosedError, reads too; `close` itself may be called again.

    Attributes:
        keys: key-values in namespaces.
        claims: names that one holder has until a time.
        journal: what the store appends with.
        projection: what it reads with.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fsync: Fsync = "interval",
        timeout: float = 5.0,
        redact: bool | Sequence[Scanner] = False,
    ) -> None:
        super().__init__(path, fsync=fsync, timeout=timeout, redact=redact)
        self.keys = Keys(self)
        self.claims = Claims(self)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        fsync: Fsync = "interval",
        timeout: float = 5.0,
        redact: bool | Sequence[Scanner] = False,
    ) -> Self:
        """Open the store in the journal at `path`, making it where there is none.

        `SessionStore(path, ...)` does the same.

        Args:
            path: folder of the journal.
            fsync: what an append promises when it returns, as for `Journal.open`.
            timeout: seconds to wait for a projector that is behind, and for other decisions.
            redact: replace secrets by marks, as for `Journal.open`. What is read back has the
                marks, values of `keys` too. `flush` knows a message with a secret again.

        Raises:
            JournalOpenError: the folder cannot be opened or made, or holds something else.
            LeaseError: no lane could be leased.
            ProjectionError: the folder of the projection cannot be used.
            RedactionError: as `Journal.open`.
            ValueError: `fsync` is no level, `timeout` no number of seconds, or `redact` none of
                what `Journal.open` takes.
        """
        return cls(path, fsync=fsync, timeout=timeout, redact=redact)
