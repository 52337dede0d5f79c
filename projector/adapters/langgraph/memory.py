"""LangGraph's store on a journal: items in namespaces, found by their text."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Self, Unpack

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    PutOp,
    SearchItem,
    SearchOp,
    validate_op_namespace,
)

from projector.adapters.langgraph.async_saver import refuse_on_loop
from projector.adapters.langgraph.filters import check_filter, matches, passes
from projector.adapters.langgraph.items import (
    ITEMS,
    ROLE,
    SOURCE,
    address,
    delete_events,
    found_by,
    moment_of,
    named_by,
    prefix_of,
    put_events,
    text_of,
)
from projector.adapters.late_store import LateStore

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

    from langgraph.store.base import Op, Result

    from projector.adapters.late_store import StoreOptions
    from projector.search.hits import Hit
    from projector.store import KeyView, SessionStore

_PAGE = 100
"""Hits that one search takes."""


class JournalStore(BaseStore):
    """A store of items in a journal. Safe for threads, processes and forks.

    ::

        with JournalStore("~/agents") as store:
            store.put(("users", "ada"), "tea", {"text": "prefers green tea"})
            print(store.search(("users",), query="green tea"))

    A search with a query is a full-text search; there are no vectors. An item is a key-value, and
    its text a message of the session `langgraph.store:<namespace>`; `put(index=False)` leaves the
    message out, `index=[...]` names the fields that are its text.

    A value holds what JSON holds. Others, such as a tuple, are refused with EventError.

    Args:
        journal: the path of a journal, or an open store, which `close` leaves open.
        options: `fsync`, `timeout` and `redact`, as for `SessionStore.open`.
    """

    def __init__(
        self,
        journal: str | os.PathLike[str] | SessionStore,
        **options: Unpack[StoreOptions],
    ) -> None:
        super().__init__()
        self._opened = LateStore(journal, options)

    @property
    def store(self) -> SessionStore:
        """The store that the items are in."""
        return self._opened.store

    def __enter__(self) -> Self:
        _ = self.store
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.__enter__)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Close the store if it was opened here; again does nothing."""
        self._opened.close()

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations: all reads, from one snapshot, before all writes.

        Raises:
            InvalidNamespaceError: a namespace is invalid; nothing was written.
            EventError: an item cannot be stored as it is; nothing was written.
            AppendError, SyncError, ClosedError: as `SessionStore.append`.
            NotProjected, ProjectionError: as `SessionStore.read`.
        """
        return self._batch(list(ops))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do as `batch`, in a thread."""
        return await asyncio.to_thread(self._batch, list(ops))

    def _batch(self, ops: Sequence[Op]) -> list[Result]:
        for op in ops:
            validate_op_namespace(op)
            if isinstance(op, SearchOp):
                check_filter(op.filter or {})
        hits = {at: self._hits(op) for at, op in enumerate(ops) if _has_query(op)}
        # of several writes of an item the last counts
        puts = {(op.namespace, op.key): op for op in ops if isinstance(op, PutOp)}

        def question(keys: KeyView) -> tuple[list[Result], dict[str, Any]]:
            results = [_result(keys, op, hits.get(at)) for at, op in enumerate(ops)]
            names = [address(*named) for named in puts]
            return results, keys.get_many(names, namespace=ITEMS) if names else {}

        results, there = self.store.keys.ask(question, namespaces=[ITEMS])
        now = time.time_ns() // 1000
        self.store.add(event for op in puts.values() for event in _events(op, there, now))
        return results

    def _hits(self, op: SearchOp) -> list[Hit]:
        """Return the messages that a query finds below a namespace, best first."""
        found: list[Hit] = []
        near: list[Hit] = []
        offset = 0
        while True:
            results = self.store.search(
                op.query, role=ROLE, source=SOURCE, limit=_PAGE, offset=offset
            )
            found += [hit for hit in results if _is_below(hit, op.namespace_prefix)]
            if not offset:
                near = [hit for hit in results.near if _is_below(hit, op.namespace_prefix)]
            offset += _PAGE
            is_enough = len(found) >= op.offset + op.limit and not op.filter
            if is_enough or len(results) < _PAGE:
                return found + near


class AsyncJournalStore(JournalStore):
    """A `JournalStore` whose methods that are no coroutines are refused on an event loop."""

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do as `JournalStore.batch`, in a thread without a running loop.

        Raises:
            asyncio.InvalidStateError: a loop runs in this thread.
        """
        refuse_on_loop("batch")
        return super().batch(ops)


def _is_below(hit: Hit, namespace: tuple[str, ...]) -> bool:
    return found_by(hit)[0][: len(namespace)] == namespace


def _has_query(op: Op) -> bool:
    return isinstance(op, SearchOp) and bool(op.query and op.query.strip())


def _result(keys: KeyView, op: Op, hits: list[Hit] | None) -> Result:
    if isinstance(op, GetOp):
        found = keys.get(address(op.namespace, op.key), namespace=ITEMS)
        return None if found is None else _item(op.namespace, op.key, found)
    if isinstance(op, SearchOp):
        matching = _listed(keys, op) if hits is None else _found(keys, op, hits)
        return list(matching)[op.offset : op.offset + op.limit]
    if isinstance(op, ListNamespacesOp):
        return _namespaces(keys, op)
    if isinstance(op, PutOp):
        return None
    raise TypeError(f"{op!r:.60} is no operation of a store")


def _item(namespace: tuple[str, ...], key: str, found: dict[str, Any]) -> Item:
    return Item(
        value=found["value"],
        key=key,
        namespace=namespace,
        created_at=moment_of(found["created"]),
        updated_at=moment_of(found["updated"]),
    )


def _search_item(
    namespace: tuple[str, ...], key: str, found: dict[str, Any], score: float | None
) -> SearchItem:
    return SearchItem(
        namespace=namespace,
        key=key,
        value=found["value"],
        created_at=moment_of(found["created"]),
        updated_at=moment_of(found["updated"]),
        score=score,
    )


def _listed(keys: KeyView, op: SearchOp) -> list[SearchItem]:
    """Return the items below a namespace that a filter lets through, the latest change first."""
    found = [
        _search_item(*named_by(name), value, None)
        for name, value in keys.items(prefix_of(op.namespace_prefix), namespace=ITEMS).items()
        if passes(value["value"], op.filter or {})
    ]
    return sorted(found, key=lambda item: item.updated_at, reverse=True)


def _found(keys: KeyView, op: SearchOp, hits: list[Hit]) -> Iterator[SearchItem]:
    """Yield the items whose messages were found and that a filter lets through."""
    names = [found_by(hit) for hit in hits]
    values = keys.get_many([address(*named) for named in names], namespace=ITEMS)
    for named, hit in zip(names, hits, strict=True):
        found = values.get(address(*named))
        if found is not None and passes(found["value"], op.filter or {}):
            yield _search_item(*named, found, hit.score)


def _namespaces(keys: KeyView, op: ListNamespacesOp) -> list[tuple[str, ...]]:
    found = {named_by(name)[0] for name in keys.names(namespace=ITEMS)}
    conditions = op.match_conditions or ()
    matching = {it for it in found if all(matches(condition, it) for condition in conditions)}
    cut = {it[: op.max_depth] for it in matching} if op.max_depth is not None else matching
    return sorted(cut)[op.offset : op.offset + op.limit]


def _events(op: PutOp, there: dict[str, Any], now: int) -> list[dict[str, Any]]:
    """Return the events that store or delete an item."""
    old = there.get(address(op.namespace, op.key))
    if op.value is None:
        return [] if old is None else delete_events(op.namespace, op.key)
    item = {"value": op.value, "created": old["created"] if old else now, "updated": now}
    text = text_of(op.value, op.index)
    is_new = old is None or not old["found"]
    return put_events(op.namespace, op.key, item | {"found": text is not None}, text, is_new=is_new)
