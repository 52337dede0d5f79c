"""`JournalSessionStore`; claude-agent-sdk has no store of its own that outlives its process."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.bench.parts.frameworks.sides import TEXT, Found, name_in

if TYPE_CHECKING:
    from tools.bench.parts.frameworks.counting import Batch

BATCH = 3


class Ours:
    """A store in a journal."""

    def __init__(self, folder: str) -> None:
        from projector.adapters.claude_agent_sdk import JournalSessionStore

        self._store = JournalSessionStore(Path(folder) / "journal")

    async def load(self, session: str) -> None:
        """Do nothing: a session is there when it has an entry."""

    async def add(self, session: str, batch: Batch) -> None:
        """Append entries as the SDK mirrors them."""
        entries = [_entry(session, name) for name in batch.names]
        await self._store.append(_key(session), entries)

    async def read(self, session: str) -> Found:
        """Return the names of a session's entries."""
        entries = await self._store.load(_key(session)) or []
        return Found([name_in(entry["message"]["content"][0]["text"]) for entry in entries])

    async def close(self) -> None:
        """Close the store."""
        self._store.close()


Theirs = None


def _key(session: str) -> dict[str, str]:
    return {"project_key": "-work-app", "session_id": session}


def _entry(session: str, name: str) -> dict[str, Any]:
    digest = hashlib.sha256(f"{session} {name}".encode()).hexdigest()
    return {
        "type": "assistant",
        "uuid": str(uuid.UUID(digest[:32])),
        "timestamp": "2026-11-01T10:00:01.000Z",
        "sessionId": session,
        "cwd": "/work/app",
        "message": {
            "id": f"msg_{digest[:24]}",
            "role": "assistant",
            "model": "claude-sonnet-5",
            "content": [{"type": "text", "text": f"{name} {TEXT}"}],
            "usage": {"input_tokens": 900, "output_tokens": 60},
        },
    }
