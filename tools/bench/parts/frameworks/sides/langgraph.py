"""`JournalSaver`, and `SqliteSaver` of langgraph-checkpoint-sqlite."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.bench.parts.frameworks.sides import TEXT, Found, name_in

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from tools.bench.parts.frameworks.counting import Batch

BATCH = 3


class _Checkpoints:
    """A checkpointer of either kind. A batch is a checkpoint, and the writes of a task of it."""

    def __init__(self, saver: Any) -> None:  # noqa: ANN401 - of LangGraph
        self._saver = saver
        self._last: dict[str, Any] = {}

    async def load(self, session: str) -> None:
        """Do nothing: a thread is there when it has a checkpoint."""

    async def add(self, session: str, batch: Batch) -> None:
        """Store a checkpoint with messages, and then the writes of its next task."""
        from langgraph.checkpoint.base import empty_checkpoint

        config = self._last.get(session, _config(session))
        versions = {"messages": f"{batch.id}.v"}
        checkpoint = empty_checkpoint() | {
            "id": batch.id,
            "channel_values": {"messages": [_message(name) for name in batch.names]},
            "channel_versions": versions,
        }
        metadata = {"source": "loop", "step": 1, "parents": {}}
        self._last[session] = self._saver.put(config, checkpoint, metadata, versions)
        writes = [("messages", [_message(f"{name}.w")]) for name in batch.names]
        self._saver.put_writes(self._last[session], writes, f"task-{batch.id}")

    async def read(self, session: str) -> Found:
        """Return the names of the messages in a thread's checkpoints that have their writes."""
        names: list[str] = []
        for found in reversed(list(self._saver.list(_config(session)))):
            held = [_name(message) for message in found.checkpoint["channel_values"]["messages"]]
            written = {_name(value[0]) for _, _, value in found.pending_writes or ()}
            names += [name for name in held if f"{name}.w" in written]
        return Found(names)

    async def close(self) -> None:
        """Close the checkpointer."""


class Ours(_Checkpoints):
    """A checkpointer on a journal."""

    def __init__(self, folder: str) -> None:
        from projector.adapters.langgraph import JournalSaver

        super().__init__(JournalSaver(Path(folder) / "journal"))
        _ = self._saver.store  # a cold start has opened it

    async def close(self) -> None:
        """Close the checkpointer."""
        self._saver.close()


class Theirs(_Checkpoints):
    """A checkpointer on SQLite."""

    def __init__(self, folder: str) -> None:
        from langgraph.checkpoint.sqlite import SqliteSaver

        self._open = ExitStack()
        path = str(Path(folder) / "checkpoints.db")
        super().__init__(self._open.enter_context(SqliteSaver.from_conn_string(path)))

    async def close(self) -> None:
        """Close the checkpointer."""
        self._open.close()


def _config(session: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": session, "checkpoint_ns": ""}}


def _message(name: str) -> BaseMessage:
    from langchain_core.messages import AIMessage

    return AIMessage(f"{name} {TEXT}", id=name)


def _name(message: BaseMessage) -> str:
    return name_in(str(message.content))
