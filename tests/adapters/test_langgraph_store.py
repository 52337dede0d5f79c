"""LangGraph's store on a journal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("langgraph.store.base")

from langgraph.store.base import InvalidNamespaceError, PutOp

from journal import EventError
from projector.adapters.langgraph import AsyncJournalStore, JournalStore
from tests.adapters.forked import run_forked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("default")
ADA = ("users", "ada")


@pytest.fixture
def store(journal_dir: Path) -> Iterator[JournalStore]:
    """A store in a new journal."""
    with JournalStore(journal_dir) as opened:
        yield opened


def test_items_are_found_by_their_text_below_a_namespace(store: JournalStore) -> None:
    """The best match comes first; an item of another namespace is not found."""
    store.put(ADA, "tea", {"text": "prefers green tea", "tags": ["drinks"]})
    store.put((*ADA, "work"), "editor", {"text": "writes in a green editor"})
    store.put(("users", "adam"), "tea", {"text": "prefers green tea"})
    found = store.search(ADA, query="green tea")
    assert (found[0].namespace, found[0].key) == (ADA, "tea")
    assert ("users", "adam") not in {item.namespace for item in found}
    assert {item.key for item in store.search(ADA, query="green")} == {"tea", "editor"}
    assert [item.key for item in store.search(ADA, query="green", filter={"tags": ["drinks"]})] == [
        "tea"
    ]
    assert found[0].score is not None


def test_items_are_messages_of_the_journal(store: JournalStore) -> None:
    """They are found like any other message, with LangGraph as their source."""
    store.put(ADA, "tea", {"text": "prefers sencha"})
    (hit,) = store.store.search("sencha", source="langgraph")
    assert (hit.session, hit.id) == ("langgraph.store:users/ada", "item:tea")


def test_a_put_that_is_tried_again_is_one_item(store: JournalStore) -> None:
    """A new value replaces the old one, also in searches; the time of creation stays."""
    for _ in range(2):
        store.put(ADA, "tea", {"text": "prefers sencha"})
    created = store.get(ADA, "tea")
    assert created is not None
    assert len(store.store.search("sencha")) == 1
    store.put(ADA, "tea", {"text": "prefers gyokuro"})
    changed = store.get(ADA, "tea")
    assert changed is not None
    assert changed.created_at == created.created_at
    assert changed.updated_at >= created.updated_at
    assert not store.search(ADA, query="sencha")
    assert [item.value for item in store.search(ADA, query="gyokuro")] == [changed.value]


def test_a_deleted_item_is_not_found_until_it_is_put_again(store: JournalStore) -> None:
    """The same key may come back, with the same text."""
    store.put(ADA, "tea", {"text": "prefers sencha"})
    store.delete(ADA, "tea")
    assert store.get(ADA, "tea") is None
    assert not store.search(ADA, query="sencha")
    assert not store.store.search("sencha")
    store.put(ADA, "tea", {"text": "prefers sencha"})
    assert [item.key for item in store.search(ADA, query="sencha")] == ["tea"]


def test_an_item_is_found_by_the_fields_that_its_index_names(store: JournalStore) -> None:
    """Without an index it is stored, and not found; a later one without it is lost again."""
    store.put(ADA, "a", {"text": "sencha", "secret": "gyokuro"}, index=["text"])
    store.put(ADA, "b", {"text": "sencha"}, index=False)
    assert [item.key for item in store.search(ADA, query="sencha")] == ["a"]
    assert not store.search(ADA, query="gyokuro")
    store.put(ADA, "a", {"text": "sencha"}, index=False)
    assert not store.search(ADA, query="sencha")
    assert {item.key for item in store.search(ADA)} == {"a", "b"}


DEEP: list[object] = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "value",
    [(1, 2), float("nan"), 2**70, "\ud800", {1: 2}, DEEP],
    ids=["tuple", "nan", "wide", "surrogate", "key", "deep"],
)
def test_what_json_would_change_is_refused(store: JournalStore, value: object) -> None:
    """Nothing of the batch is written."""
    ops = [PutOp(ADA, "good", {"a": 1}), PutOp(ADA, "bad", {"value": value})]
    with pytest.raises(EventError):
        store.batch(ops)
    assert store.search(()) == []


def test_an_invalid_namespace_is_refused(store: JournalStore) -> None:
    """As LangGraph's own stores do."""
    with pytest.raises(InvalidNamespaceError):
        store.batch([PutOp(("a.b",), "key", {"a": 1})])


def put_items(path: Path, name: str) -> None:
    """Put the items that others put, too."""
    with JournalStore(path) as store:
        for n in range(20):
            store.put(("shared",), f"k{n}", {"text": f"sencha {n}", "by": name})


def test_two_processes_that_put_the_same_items_make_one_of_each(journal_dir: Path) -> None:
    """Each item is found once, with the text of its value."""
    run_forked(put_items, journal_dir)
    with JournalStore(journal_dir) as store:
        assert len(store.search(("shared",), limit=100)) == 20
        found = store.search(("shared",), query="sencha", limit=100)
        assert sorted(item.key for item in found) == sorted(f"k{n}" for n in range(20))
        assert len(store.store.search("sencha", limit=100)) == 20
        assert store.store.projection.status().conflicts == 0


def test_an_awaited_store_refuses_what_would_block_its_loop(journal_dir: Path) -> None:
    """Coroutines work on several loops, one after the other."""

    async def run(store: AsyncJournalStore, key: str) -> int:
        await store.aput(ADA, key, {"text": "sencha"})
        with pytest.raises(asyncio.InvalidStateError):
            store.get(ADA, key)
        return len(await store.asearch(ADA, query="sencha"))

    async def opened() -> int:
        async with AsyncJournalStore(journal_dir) as store:
            return await run(store, "a")

    assert asyncio.run(opened()) == 1
    with AsyncJournalStore(journal_dir) as store:
        assert asyncio.run(run(store, "b")) == 2
        assert asyncio.run(run(store, "c")) == 3
