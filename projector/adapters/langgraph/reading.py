"""Checkpoints as they are read: what one snapshot has of them, before it is deserialized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import CheckpointTuple, writes_sort_key

from projector.adapters.langgraph.checkpoints import (
    NAMESPACES,
    Place,
    parts_of,
    place_of,
    places,
    thread_of,
)
from projector.adapters.langgraph.packed import unpack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import CheckpointMetadata, SerializerProtocol

    from projector.adapters.langgraph.packed import Packed
    from projector.store import KeyView

Record = dict[str, Any]
"""The value of a checkpoint's key: `checkpoint`, without the values of its channels, `metadata`,
and `channels`, all packed; `parent`, and `run`, the id of its run."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A checkpoint as it is stored.

    Attributes:
        place: where it is.
        record: the value of its key.
        writes: the values of the keys of its pending writes.
        parts: the texts of packed values, by key.
    """

    place: Place
    record: Record
    writes: tuple[Record, ...]
    parts: Mapping[str, str]

    def load(self, serde: SerializerProtocol) -> CheckpointTuple:
        """Return the checkpoint, deserialized."""

        def value(packed: Packed) -> Any:  # noqa: ANN401 - any value
            return serde.loads_typed(unpack(packed, self.parts))

        record, parent = self.record, self.record["parent"]
        channels = {name: value(packed) for name, packed in record["channels"].items()}
        return CheckpointTuple(
            config=self.place.config,
            checkpoint=value(record["checkpoint"]) | {"channel_values": channels},
            metadata=value(record["metadata"]),
            parent_config=None if parent is None else self.place.at(parent).config,
            pending_writes=[
                (write["task"], write["channel"], value(write["value"])) for write in self.writes
            ],
        )

    def metadata(self, serde: SerializerProtocol) -> CheckpointMetadata:
        """Return its metadata, deserialized."""
        found: CheckpointMetadata = serde.loads_typed(unpack(self.record["metadata"], self.parts))
        return found


def read_latest(keys: KeyView, place: Place) -> Stored | None:
    """Return the checkpoint at a place; the last one of its namespace if it names none."""
    if place.checkpoint is None:
        last = keys.items(place.key, namespace=place.namespace, limit=1, last_first=True)
        if not last:
            return None
        ((key, record),) = last.items()
        place = place.at(key.removeprefix(place.key))
    elif (record := keys.get(place.key, namespace=place.namespace)) is None:
        return None
    return read(keys, place, record)


def read(keys: KeyView, place: Place, record: Record) -> Stored:
    """Return a checkpoint whose record is known, with what else it needs."""
    found = keys.items(place.writes, namespace=place.namespace).values()
    writes = sorted(found, key=lambda it: writes_sort_key(it["path"], it["task"], it["index"]))
    parts = keys.get_many(parts_of([record, *writes]), namespace=place.namespace)
    return Stored(place, record, tuple(writes), parts)


def list_places(keys: KeyView, config: RunnableConfig | None, end: str | None) -> list[Place]:
    """Return the places of the checkpoints that a configuration names, the last one first."""
    if config is None:
        found = [
            place
            for name in keys.namespaces(NAMESPACES)
            for place in places(thread_of(name), keys.names("c/", namespace=name))
        ]
    else:
        only = place_of(config)
        ns = config["configurable"].get("checkpoint_ns")
        prefix = "c/" if ns is None else Place(only.thread, ns).key
        found = places(only.thread, keys.names(prefix, namespace=only.namespace))
        if only.checkpoint is not None:
            found = [place for place in found if place.checkpoint == only.checkpoint]
    if end is not None:
        found = [place for place in found if str(place.checkpoint) < end]
    return sorted(found, key=lambda place: str(place.checkpoint), reverse=True)


def read_all(keys: KeyView, places: Sequence[Place]) -> list[Stored]:
    """Return the checkpoints at some places that are still there."""
    records = [(place, keys.get(place.key, namespace=place.namespace)) for place in places]
    return [read(keys, place, record) for place, record in records if record is not None]


def has_metadata(metadata: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether metadata has what a filter wants."""
    return all(metadata.get(name) == value for name, value in wanted.items())
