"""`JournalSession`, and `SQLiteSession` of openai-agents."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.bench.parts.frameworks.sides import TEXT, Found, name_in

if TYPE_CHECKING:
    from tools.bench.parts.frameworks.counting import Batch

BATCH = 3


class _Sessions:
    """Sessions of either kind, one for each id."""

    def __init__(self) -> None:
        self._sessions: dict[str, Any] = {}

    def _open(self, session: str) -> Any:  # noqa: ANN401 - of the SDK
        raise NotImplementedError

    async def load(self, session: str) -> None:
        """Open the session."""
        if session not in self._sessions:
            self._sessions[session] = self._open(session)

    async def add(self, session: str, batch: Batch) -> None:
        """Add what a model answered: items with ids of the API."""
        await self.load(session)
        items = [_item(name) for name in batch.names]
        await self._sessions[session].add_items(items)

    async def read(self, session: str) -> Found:
        """Return the names of a session's items."""
        await self.load(session)
        items = await self._sessions[session].get_items()
        return Found([name_in(item["content"][0]["text"]) for item in items])

    async def close(self) -> None:
        """Close the sessions."""
        for session in self._sessions.values():
            session.close()


class Ours(_Sessions):
    """Sessions in one journal, which share an open store as docs/frameworks.md says."""

    def __init__(self, folder: str) -> None:
        from projector import SessionStore

        super().__init__()
        self._store = SessionStore.open(Path(folder) / "journal")

    def _open(self, session: str) -> Any:  # noqa: ANN401 - as above
        from projector.adapters.openai_agents import JournalSession

        return JournalSession(session, self._store)

    async def close(self) -> None:
        """Close the sessions and their store."""
        await super().close()
        self._store.close()


class Theirs(_Sessions):
    """Sessions in one database."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._path = Path(folder) / "sessions.db"

    def _open(self, session: str) -> Any:  # noqa: ANN401 - as above
        from agents import SQLiteSession

        return SQLiteSession(session, self._path)


def _item(name: str) -> dict[str, Any]:
    return {
        "id": f"msg_{hashlib.sha256(name.encode()).hexdigest()[:48]}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": f"{name} {TEXT}", "annotations": []}],
    }
