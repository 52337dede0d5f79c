"""The `SessionStore` of the Claude Agent SDK, on a journal."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from projector.adapters.claude_agent_sdk import keys
from projector.adapters.claude_agent_sdk.entries import events_of
from projector.adapters.claude_agent_sdk.rows import Changed, changes, deletions, entries, names
from projector.adapters.closing import Closing
from projector.adapters.opening import Opened

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import apsw

    from journal.lanes.group_commit import Fsync
    from journal.redact.scanner import Scanner
    from projector.store import SessionStore

_REMEMBERED = 10_000
"""Sessions of which it is remembered how often they were deleted."""


class JournalSessionStore(Closing):
    """Transcripts of the Claude Agent SDK in a journal. Safe for threads, processes and loops.

    ::

        async with JournalSessionStore("~/agents") as store:
            options = ClaudeAgentOptions(session_store=store)
            async for message in query(prompt="Where is the bug?", options=options):
                print(message)

    It has every method of the SDK's `SessionStore`. A batch is one write(2) and waits for no other
    process; reads run in threads, under asyncio and trio. An entry with a `uuid` is there once,
    however often it is appended; one without is there as often as it is appended.

    Attributes:
        store: the `SessionStore` of the journal.
    """

    def __init__(
        self,
        at: str | os.PathLike[str] | SessionStore,
        *,
        fsync: Fsync = "interval",
        timeout: float = 5.0,
        redact: bool | Sequence[Scanner] = False,
    ) -> None:
        """Open the store.

        Args:
            at: folder of the journal, or an open store, which stays open and has its own options.
            fsync: what an append promises when it returns, as for `SessionStore.open`.
            timeout: seconds that a read waits for a projector that is behind.
            redact: replace secrets by marks, as for `SessionStore.open`; loads have the marks.

        Raises:
            JournalOpenError, LeaseError, ProjectionError, RedactionError, ValueError: as
                `SessionStore.open`.
        """
        self._opened = Opened(at, fsync=fsync, timeout=timeout, redact=redact)
        self.store = self._opened.store
        self._deletions: dict[str, int] = {}
        self._summaries: dict[str, tuple[Changed, dict[str, Any]]] = {}

    async def append(self, key: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> None:
        """Append a batch of entries with one write(2).

        Raises:
            EventError: an entry has something that JSON does not have; nothing was written.
            AppendError, SyncError, ClosedError: as `Journal.append`; try again.
        """
        if entries:
            await to_thread.run_sync(self._append, key, [dict(entry) for entry in entries])

    def _append(self, key: Mapping[str, str], entries: list[dict[str, Any]]) -> None:
        name = keys.name_of(key)
        about: dict[str, Any] = {}
        if key.get("subpath") is not None:
            about = {"parent": keys.main_name(key), "relation": "subagent"}
        self.store.add(events_of(name, entries, about, self._deleted_before(name)))

    def _deleted_before(self, name: str) -> int:
        """Return how often a session was deleted, as far as it is projected: nothing is waited for.

        What was deleted stays deleted when another process appends it late. Only who appends it
        behind the deletion, such as an import that is repeated, wants it back.
        """
        found = self._deletions.get(name)
        if found is None:
            found = self.store.projection.peek(lambda db: 0 if db is None else deletions(db, name))
            self._remember(name, found)
        return found

    def _remember(self, name: str, deleted: int) -> None:
        if len(self._deletions) >= _REMEMBERED:
            self._deletions.clear()
        self._deletions[name] = deleted

    async def load(self, key: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Return the entries of a key in the order of their appends; None if there are none.

        Raises:
            NotProjected: a projector runs, and is too far behind.
            QueryTimeout, ProjectionError, ReadError, ClosedError: as `SessionStore.read`.
        """
        name = keys.name_of(key)
        read = partial(self.store.read_all, partial(entries, name=name), sessions=[name])
        return await to_thread.run_sync(read) or None

    async def list_sessions(self, project_key: str) -> list[dict[str, Any]]:
        """Return the sessions of a project: `session_id`, and `mtime` of the last append in ms.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ClosedError: as `load`.
        """
        found = await self._read(partial(_listed, prefix=keys.project_prefix(project_key)))
        return [{"session_id": id, "mtime": changed.mtime} for id, (_, changed) in found.items()]

    async def list_session_summaries(self, project_key: str) -> list[dict[str, Any]]:
        """Return a summary of each session of a project, as `fold_session_summary` makes it.

        A session is read again if it changed since this store last made its summary.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ClosedError: as `load`.
        """
        found: list[dict[str, Any]] = await self._read(partial(self._summarize, project_key))
        return found

    def _summarize(self, project_key: str, db: apsw.Connection) -> list[dict[str, Any]]:
        found = _listed(db, keys.project_prefix(project_key))
        return [
            self._summary(db, {"project_key": project_key, "session_id": id}, name, changed)
            for id, (name, changed) in found.items()
        ]

    def _summary(
        self, db: apsw.Connection, key: dict[str, str], name: str, changed: Changed
    ) -> dict[str, Any]:
        from claude_agent_sdk import fold_session_summary  # noqa: PLC0415 - only this needs the SDK

        known = self._summaries.get(name)
        if known is None or known[0] != changed:
            made: dict[str, Any] = fold_session_summary(None, key, entries(db, name))
            known = self._summaries[name] = changed, {**made, "mtime": changed.mtime}
        return known[1]

    async def delete(self, key: Mapping[str, Any]) -> None:
        """Delete what a key has; without a subpath, what all its subpaths have, too.

        It deletes what is in the journal at the call; what others append meanwhile stays.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ClosedError: as `load`.
            AppendError, SyncError: as `Journal.append`.
        """
        await to_thread.run_sync(self._delete, key)

    def _delete(self, key: Mapping[str, str]) -> None:
        name = keys.name_of(key)
        prefix = f"{name}/"

        def query(db: apsw.Connection) -> dict[str, int]:
            below = [] if key.get("subpath") is not None else names(db, prefix, keys.after(prefix))
            return {each: deletions(db, each) for each in [name, *below]}

        found = self.store.read_all(query)
        self.store.delete(*found)
        for each, deleted in found.items():
            self._remember(each, deleted + 1)
            self._summaries.pop(each, None)

    async def list_subkeys(self, key: Mapping[str, Any]) -> list[str]:
        """Return the subpaths of a session.

        Raises:
            NotProjected, QueryTimeout, ProjectionError, ReadError, ClosedError: as `load`.
        """
        prefix = f"{keys.main_name(key)}/"
        found = await self._read(partial(names, begin=prefix, end=keys.after(prefix)))
        return [name[len(prefix) :] for name in found]

    async def _read(self, query: Any) -> Any:  # noqa: ANN401 - the answer of any query
        return await to_thread.run_sync(self.store.read_all, query)


def _listed(db: apsw.Connection, prefix: str) -> dict[str, tuple[str, Changed]]:
    """Return name and state of each session of a project, by its session id."""
    found = {name: keys.session_id(name, prefix) for name in names(db, prefix, keys.after(prefix))}
    return {id: (name, changes(db, name)) for name, id in found.items() if id is not None}
