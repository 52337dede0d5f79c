"""Where checkpoints are: the sessions, namespaces and keys of a thread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from projector.adapters.langgraph.packed import keys_of
from projector.adapters.naming import joined, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from langchain_core.runnables import RunnableConfig

    from projector.adapters.langgraph.packed import Packed

SOURCE = "langgraph"
"""Source of the sessions."""
_NAMESPACE = "@langgraph:"


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a checkpoint, or of the checkpoints of a thread and namespace.

    Attributes:
        thread: id of the thread.
        ns: LangGraph's checkpoint namespace: empty for the graph, else the path of a subgraph.
        checkpoint: id of the checkpoint; None if none is named.
    """

    thread: str
    ns: str = ""
    checkpoint: str | None = None

    @property
    def session(self) -> str:
        """The session of the messages: one of the thread, and one of each of its subgraphs."""
        return f"{SOURCE}:{joined(self.thread, self.ns) if self.ns else joined(self.thread)}"

    @property
    def namespace(self) -> str:
        """The namespace of the thread's key-values."""
        return namespace(self.thread)

    @property
    def key(self) -> str:
        """The key of the checkpoint; without one, the beginning of those of the namespace."""
        return f"c/{joined(self.ns, self.checkpoint or '')}"

    @property
    def writes(self) -> str:
        """The beginning of the keys of the writes that are pending at the checkpoint."""
        return f"w/{joined(self.ns, self.checkpoint or '')}/"

    @property
    def config(self) -> RunnableConfig:
        """The place as a configuration."""
        return {
            "configurable": {
                "thread_id": self.thread,
                "checkpoint_ns": self.ns,
                "checkpoint_id": self.checkpoint,
            }
        }

    def at(self, checkpoint: str) -> Place:
        """Return the place of another checkpoint of the same namespace."""
        return replace(self, checkpoint=checkpoint)


def namespace(thread: str) -> str:
    """Return the namespace of a thread's key-values."""
    return _NAMESPACE + joined(thread)


NAMESPACES = _NAMESPACE
"""Beginning of the namespaces of all threads."""


def thread_of(namespace: str) -> str:
    """Return the thread of a namespace."""
    return split(namespace.removeprefix(_NAMESPACE))[0]


def place_of(config: RunnableConfig) -> Place:
    """Return the place that a configuration names."""
    named = config["configurable"]
    checkpoint = named.get("checkpoint_id")
    return Place(str(named["thread_id"]), named.get("checkpoint_ns", ""), checkpoint or None)


def places(thread: str, keys: Iterable[str]) -> list[Place]:
    """Return the places of the checkpoints that have these keys, in the same order."""
    found = [split(key) for key in keys]
    return [Place(thread, ns, checkpoint) for _, ns, checkpoint in found]


def parts_of(records: Iterable[dict[str, Any]]) -> set[str]:
    """Return the keys that hold values of checkpoints or of writes."""
    return {key for record in records for packed in _packed(record) for key in keys_of(packed)}


def _packed(record: dict[str, Any]) -> Iterator[Packed]:
    if "value" in record:
        yield record["value"]
    else:
        yield record["checkpoint"]
        yield record["metadata"]
        yield from record["channels"].values()
