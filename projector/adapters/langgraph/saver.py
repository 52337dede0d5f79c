"""LangGraph's checkpointer on a journal."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack
from uuid import uuid4

from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer

from journal import new_event
from projector.adapters.langgraph.checkpoints import (
    NAMESPACES,
    Place,
    namespace,
    place_of,
    places,
    thread_of,
)
from projector.adapters.langgraph.messages import has_messages
from projector.adapters.langgraph.packed import pack
from projector.adapters.langgraph.pruning import kept, without
from projector.adapters.langgraph.reading import has_metadata, list_places, read_all, read_latest
from projector.adapters.langgraph.transcripts import Transcripts
from projector.adapters.late_store import LateStore
from projector.adapters.naming import joined
from projector.store import KeyView

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import (
        ChannelVersions,
        Checkpoint,
        CheckpointMetadata,
        CheckpointTuple,
        SerializerProtocol,
    )

    from projector.adapters.langgraph.packed import Packed
    from projector.adapters.langgraph.pruning import Records
    from projector.adapters.langgraph.reading import Stored
    from projector.adapters.late_store import StoreOptions
    from projector.store import SessionStore

Answer = TypeVar("Answer")

_PAGE = 32
"""Checkpoints that one read of a list takes."""
_KNOWN = 4096
"""Values of channels that are remembered, so that they are not serialized again."""


class JournalSaver(BaseCheckpointSaver[str]):
    """A checkpointer that appends to a journal. Safe for threads, processes and forks.

    ::

        with JournalSaver("~/agents") as saver:
            graph = builder.compile(checkpointer=saver)

    The messages of a thread are the session `langgraph:<thread>`, those of a subgraph a session
    below it. They are not stored in clear text if `serde` encrypts.

    Args:
        journal: the path of a journal, or an open store, which `close` leaves open.
        serde: serializes values; LangGraph's own if absent.
        options: `fsync`, `timeout` and `redact`, as for `SessionStore.open`.
    """

    def __init__(
        self,
        journal: str | os.PathLike[str] | SessionStore,
        *,
        serde: SerializerProtocol | None = None,
        **options: Unpack[StoreOptions],
    ) -> None:
        super().__init__(serde=serde)
        self._opened = LateStore(journal, options)
        self._transcripts = Transcripts()
        self._known: dict[tuple[str, str, str, object], Packed] = {}

    @property
    def store(self) -> SessionStore:
        """The store that the checkpointer writes to."""
        return self._opened.store

    def __enter__(self) -> Self:
        _ = self.store
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store if it was opened here; again does nothing."""
        self._opened.close()

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that `config` names, or the last one of its namespace."""
        place = place_of(config)
        stored = self._ask(place.namespace, lambda keys: read_latest(keys, place))
        return None if stored is None else stored.load(self.serde)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Yield the checkpoints of a thread, or of all, the last one first.

        Args:
            config: names a thread, and perhaps a namespace and a checkpoint; None for all threads.
            filter: what their metadata must have.
            before: only checkpoints before the one that this names.
            limit: at most so many.
        """
        found = (it for page in self._pages(config, filter, before) for it in page)
        yield from islice(found, None if limit is None else max(limit, 0))

    def _pages(
        self,
        config: RunnableConfig | None,
        filter: dict[str, Any] | None,
        before: RunnableConfig | None,
    ) -> Iterator[Sequence[CheckpointTuple]]:
        end = place_of(before).checkpoint if before else None
        only = None if config is None else [place_of(config).namespace]
        ask = partial(self.store.keys.ask, namespaces=only)
        found = ask(lambda keys: list_places(keys, config, end))
        for at in range(0, len(found), _PAGE):
            stored = ask(partial(read_all, places=found[at : at + _PAGE]))
            yield [
                it.load(self.serde)
                for it in stored
                if not filter or has_metadata(it.metadata(self.serde), filter)
            ]

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint, and the messages in its channels that it has changed.

        The messages are written first: if the process dies before the checkpoint is written,
        nothing is doubled when the step is tried again.

        Raises:
            EventError: something is too large for a record; the checkpoint was not written.
            AppendError, SyncError, ClosedError: as `SessionStore.append`.
        """
        base = place_of(config)
        place = base.at(checkpoint["id"])
        values = checkpoint["channel_values"]
        changed = {name for name in values if name in new_versions and has_messages(values[name])}
        if changed and self._is_clear:
            self._transcripts.flush(self.store, place, values)
        parts: dict[str, str] = {}

        def packed(value: Any) -> Packed:  # noqa: ANN401 - any value
            made, needed = pack(self.serde.dumps_typed(value))
            parts.update(needed)
            return made

        channels, versions = {}, checkpoint["channel_versions"]
        for name, value in values.items():
            version = (place.thread, place.ns, name, versions.get(name))
            known = self._known.get(version) if name not in new_versions else None
            channels[name] = packed(value) if known is None else known
            if name in versions:
                self._remember(version, channels[name])
        rest = {name: value for name, value in checkpoint.items() if name != "channel_values"}
        whole = get_checkpoint_metadata(config, metadata)
        record = {
            "checkpoint": packed(rest),
            "metadata": packed(whole),
            "channels": channels,
            "parent": base.checkpoint,
            "run": whole.get("run_id"),
        }
        # the record is last: a reader that finds it finds its parts
        self._set(place.namespace, parts | {place.key: record})
        return place.config

    def _remember(self, version: tuple[str, str, str, object], packed: Packed) -> None:
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[version] = packed

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Store the writes of a task. Those that it has stored already stay as they are.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `put`.
            NotProjected, ProjectionError: as `SessionStore.read`.
        """
        place = place_of(config)
        prefix = place.writes + joined(task_id) + "/"
        indices = [WRITES_IDX_MAP.get(name, at) for at, (name, _) in enumerate(writes)]
        there: set[str] = set()
        if any(index >= 0 for index in indices):
            names = self._ask(
                place.namespace, lambda it: it.names(prefix, namespace=place.namespace)
            )
            there.update(names)
        values: dict[str, Any] = {}
        for index, (channel, value) in zip(indices, writes, strict=True):
            key = f"{prefix}{index}"
            if index >= 0 and key in there:
                continue
            packed, parts = pack(self.serde.dumps_typed(value))
            mine = {"task": task_id, "index": index, "path": task_path, "channel": channel}
            values |= parts | {key: mine | {"value": packed}}
        self._set(place.namespace, values)

    def delete_thread(self, thread_id: str) -> None:
        """Delete the checkpoints, writes and messages of a thread."""
        thread = str(thread_id)
        own = namespace(thread)
        names = self._ask(own, lambda keys: keys.names("c/", namespace=own))
        self._known.clear()
        root = Place(thread).session
        # a step that was cut off may have left messages without a checkpoint
        if names or self.store.exists(root):
            sessions = {root, *(it.session for it in places(thread, names))}
            self.store.delete(namespace(thread), *sorted(sessions))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints of runs and their writes; the messages stay."""
        runs = set(run_ids)
        threads = self.store.keys.ask(lambda keys: keys.namespaces(NAMESPACES)) if runs else []
        for name in threads:
            self._drop(thread_of(name), lambda stored: _of_runs(stored, runs))

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete checkpoints of threads: all, or all but the last one of each namespace.

        Of a channel that stores deltas, the checkpoints stay from which it is read.

        Args:
            thread_ids: the threads.
            strategy: `keep_latest` or `delete`.

        Raises:
            ValueError: there is no such strategy.
        """
        if strategy not in ("keep_latest", "delete"):
            raise ValueError(f"strategy must be 'keep_latest' or 'delete', not {strategy!r}")
        for thread in map(str, thread_ids):
            if strategy == "delete":
                self.delete_thread(thread)
            else:
                self._drop(thread, lambda stored: stored.keys() - kept(stored, self._deltas))

    def _deltas(self, stored: Stored) -> set[str]:
        """Return the channels of a checkpoint that store deltas."""
        return set(stored.metadata(self.serde).get("counters_since_delta_snapshot") or ())

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints, writes and messages of a thread to another one."""
        source, there = namespace(str(source_thread_id)), namespace(str(target_thread_id))
        for prefix in ("b/", "w/", "c/"):
            values = self._ask(source, partial(KeyView.items, prefix=prefix, namespace=source))
            self._set(there, values)
        names = self._ask(there, partial(KeyView.names, prefix="c/", namespace=there))
        # of each namespace the last one
        for place in {it.ns: it for it in places(str(target_thread_id), names)}.values():
            found = self.get_tuple(place.config)
            if found is not None and self._is_clear:
                self._transcripts.flush(self.store, place, found.checkpoint["channel_values"])

    def get_next_version(self, current: str | float | None, channel: None) -> str:  # noqa: ARG002 - of the interface
        """Return the next version of a channel, which no other branch of the thread has."""
        number = 0 if current is None else int(str(current).split(".")[0])
        return f"{number + 1:032}.{uuid4().hex[:16]}"

    @property
    def _is_clear(self) -> bool:
        """Whether values are stored in clear text, and so messages may be."""
        return not isinstance(self.serde, EncryptedSerializer)

    def _ask(self, namespace: str, question: Callable[[KeyView], Answer]) -> Answer:
        return self.store.keys.ask(question, namespaces=[namespace])

    def _set(self, namespace: str, values: Mapping[str, Any]) -> None:
        self.store.add(
            new_event(namespace, "key.set", {"key": key, "value": value})
            for key, value in values.items()
        )

    def _drop(self, thread: str, gone: Callable[[Records], set[str]]) -> None:
        """Delete checkpoints of a thread with what only they have."""
        name = namespace(thread)
        keys = self._ask(name, lambda view: without(view, thread, gone))
        self._known.clear()
        self.store.add(new_event(name, "key.deleted", {"key": key}) for key in sorted(keys))


def _of_runs(stored: Records, runs: set[str]) -> set[str]:
    return {key for key, it in stored.items() if it.record["run"] in runs}
