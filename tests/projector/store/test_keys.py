"""Questions and decisions about the key-values of one snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from journal import EventError, new_event
from projector import KeyView, NotProjected, SessionStore
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.reading.private import beside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(journal_dir: Path) -> Iterator[SessionStore]:
    """A store with some keys in two namespaces."""
    with SessionStore.open(journal_dir) as opened:
        for key in ("job/2", "job/10", "job/1", "jobs", "é/1", "none"):
            opened.keys.set(key, None if key == "none" else {"of": key})
        opened.keys.set("job/gone", 1)
        opened.keys.delete("job/gone")
        opened.keys.set("k", 1, namespace="@other/a")
        opened.keys.set("k", 1, namespace="@other/b")
        opened.keys.delete("k", namespace="@other/b")
        yield opened


def test_keys_are_read_by_their_beginning_in_bounded_pieces(store: SessionStore) -> None:
    """In the order of their code points, from either end, before a key."""

    def names(keys: KeyView, **bounds: Any) -> list[str]:  # noqa: ANN401 - any bound
        return list(keys.items("job/", **bounds))

    ask = store.keys.ask
    assert ask(names) == ["job/1", "job/10", "job/2"]
    assert ask(lambda keys: names(keys, limit=2)) == ["job/1", "job/10"]
    assert ask(lambda keys: names(keys, limit=2, last_first=True)) == ["job/2", "job/10"]
    assert ask(lambda keys: names(keys, before="job/10")) == ["job/1"]
    assert ask(lambda keys: names(keys, before="zzz")) == ["job/1", "job/10", "job/2"]
    assert ask(lambda keys: names(keys, limit=0)) == []
    assert ask(lambda keys: keys.items("job/2")) == {"job/2": {"of": "job/2"}}
    assert ask(lambda keys: list(keys.items())) == sorted(store.keys.items())


def test_names_and_namespaces_have_only_what_has_a_value(store: SessionStore) -> None:
    """A key that was deleted has none; null is a value."""
    assert store.keys.ask(lambda keys: keys.names("job")) == ["job/1", "job/10", "job/2", "jobs"]
    assert store.keys.ask(lambda keys: keys.names("n")) == ["none"]
    assert store.keys.ask(lambda keys: keys.namespaces("@other/")) == ["@other/a"]
    assert store.keys.ask(lambda keys: keys.namespaces()) == ["@keys", "@other/a"]


def test_several_keys_are_read_at_once(store: SessionStore) -> None:
    """Those that have no value are not in the answer."""
    asked = ["none", "é/1", "job/gone", "missing"]
    found = store.keys.ask(lambda keys: keys.get_many(asked))
    assert found == {"none": None, "é/1": {"of": "é/1"}}
    assert store.keys.ask(lambda keys: keys.get_many([])) == {}
    assert store.keys.ask(lambda keys: keys.get("k", namespace="@other/a")) == 1


def test_an_answer_has_what_other_handles_had_appended(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or there is none: while a projector runs that is too far behind, the question is refused."""
    monkeypatch.setattr(beside, "LIMIT", 0)
    path = store.journal.path
    with SessionStore.open(path) as other, SessionStore.open(path, timeout=0.05) as hasty:
        other.keys.set("job/3", 3)
        assert store.keys.ask(lambda keys: keys.get("job/3")) == 3
        lock = ProcessLock(generations(path).lock)
        assert lock.acquire()
        try:
            other.keys.set("job/3", 4)
            with pytest.raises(NotProjected, match="would lack events"):
                hasty.keys.ask(lambda keys: keys.get("job/3"))
        finally:
            lock.release()
        assert hasty.keys.ask(lambda keys: keys.get("job/3")) == 4


def test_a_decision_appends_any_events_that_follow_from_keys(store: SessionStore) -> None:
    """Of two that ask the same, the second sees what the first has appended."""

    def begin(keys: KeyView) -> tuple[bool, list[dict[str, Any]]]:
        if keys.get("begun", namespace="@a") is not None:
            return False, []
        return True, [
            new_event("s1", "message.appended", {"role": "user", "content": "hello"}, id="m1"),
            new_event("@a", "key.set", {"key": "begun", "value": True}),
        ]

    with SessionStore.open(store.journal.path) as other:
        assert [store.keys.decide(begin), other.keys.decide(begin)] == [True, False]
        assert [message.content for message in other.messages("s1")] == ["hello"]


def test_a_question_must_be_a_function(store: SessionStore) -> None:
    """The argument is named."""
    for method in (store.keys.ask, store.keys.decide):
        with pytest.raises(EventError, match="question"):
            method("k")  # type: ignore[arg-type]
