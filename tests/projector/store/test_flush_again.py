"""A list that is flushed again changes nothing, whatever the first flush did."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from journal.process import clock
from projector import FlushReport, SessionStore
from tests.support.plans import Case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Message = dict[str, Any]
_HOUR = 3_600_000_000


@pytest.fixture
def store(journal_dir: Path) -> Iterator[SessionStore]:
    """A store in a new journal."""
    with SessionStore.open(journal_dir, fsync="never") as opened:
        yield opened


def talk(texts: str) -> list[Message]:
    """Return messages with these words; those that begin with a capital are prompts."""
    return [
        {"role": "system" if text[0].isupper() else "user", "content": text}
        for text in texts.split()
    ]


def contents(store: SessionStore, session: str = "s1") -> list[Any]:
    """Return the contents of a transcript, in order."""
    return [message.content for message in store.messages(session)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Prompt yes yes", "Other yes"),
        ("q yes yes", "Prompt q yes"),
        ("a b yes yes", "a new b yes"),
        ("a b yes go yes go", "a c b yes go"),
    ],
)
def test_an_undo_beside_another_change_is_seen_at_once(
    store: SessionStore, before: str, after: str
) -> None:
    """The last of two equal messages is withdrawn while one in front is new or edited.

    The list is the beginning of the transcript only with that change. The first flush archives what
    is behind it, not the second one.
    """
    store.flush("s1", talk(before))
    report = store.flush("s1", talk(after))
    count = len(before.split()) + len(report.added) - len(after.split())
    assert len(report.hidden) == count
    assert contents(store) == after.split()
    again = store.flush("s1", talk(after))
    assert again == FlushReport(ids=report.ids, kept=report.ids)
    assert contents(store) == after.split()


def test_a_window_that_repeats_a_message_hides_nothing(store: SessionStore) -> None:
    """What is missing in front of a match stays, also if it has the same words."""
    store.flush("s1", talk("a yes yes"))
    for _ in range(2):
        assert store.flush("s1", talk("Summary yes")).hidden == ()
        assert contents(store) == ["a", "yes", "Summary", "yes"]


def test_a_revised_message_is_found_behind_a_new_one_with_its_earlier_words(
    store: SessionStore,
) -> None:
    """The list has the words twice; one is new, and the other was revised by another writer."""
    ids = store.flush("s1", talk("q yes")).ids
    with SessionStore.open(store.journal.path, fsync="never") as other:
        for id, text in zip(ids, ("question", "no"), strict=True):
            other.revise_message("s1", id, content=text)
        store.flush("s1", talk("yes yes"))
        assert contents(store) == ["question", "yes", "no"]
        for handle in (store, other):
            again = handle.flush("s1", talk("yes yes"))
            assert again == FlushReport(ids=again.ids, kept=again.ids)
        assert contents(store) == ["question", "yes", "no"]


@pytest.mark.slow
def test_random_plans_change_nothing_the_second_time() -> None:
    """Insertions, edits, revisions and withdrawals of equal words, in any combination."""
    for seed in range(1500):
        random = Random(seed)  # noqa: S311 - a test case
        assert Case(random).trouble() is None, f"seed {seed}"


# what depends on the time between a plan and its write


def test_a_clock_that_is_set_back_during_a_flush_changes_no_order(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The messages of a flush are read where it planned them, though the clock is behind again.

    They need no parent where the clock is later than the date of the message in front.
    """
    real = clock.wall
    store.append("s1", "user", "late", timestamp=real() + 8 * _HOUR)
    with SessionStore.open(store.journal.path, fsync="never") as other:
        add = other.add

        def add_later(events: list[Message]) -> None:
            monkeypatch.setattr(clock, "wall", real)
            add(events)

        monkeypatch.setattr(other, "add", add_later)
        monkeypatch.setattr(clock, "wall", lambda: real() + 12 * _HOUR)
        other.flush("s1", talk("late a b"))
        assert contents(other) == ["late", "a", "b"]


def test_time_that_passes_during_a_flush_changes_no_order(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message without a date is appended later than one behind it in the list is dated."""
    add, real = store.add, clock.wall

    def add_later(events: list[Message]) -> None:
        monkeypatch.setattr(clock, "wall", lambda: real() + _HOUR)
        add(events)

    monkeypatch.setattr(store, "add", add_later)
    soon = {"role": "user", "content": "soon", "timestamp": real() + _HOUR // 2}
    store.flush("s1", [*talk("a"), soon, *talk("b")])
    assert contents(store) == ["a", "soon", "b"]
    store.append("s1", "user", "far", id="far", timestamp=real() + 3 * _HOUR)
    far = {"role": "user", "content": "far", "id": "far"}

    def add_much_later(events: list[Message]) -> None:
        monkeypatch.setattr(clock, "wall", lambda: real() + 5 * _HOUR)
        add(events)

    monkeypatch.setattr(store, "add", add_much_later)
    store.flush("s1", [*talk("a"), soon, *talk("b new"), far])
    assert contents(store) == ["a", "soon", "b", "new", "far"]


def test_a_lane_with_a_message_that_is_dated_ahead_changes_no_order(store: SessionStore) -> None:
    """Messages without a date get the date of an earlier one of their lane that is later."""
    now = clock.wall()
    store.append("s1", "user", "ahead", id="ahead", timestamp=now + 8 * _HOUR)
    store.remove_messages("s1", ["ahead"])
    dated = {"role": "user", "content": "dated", "timestamp": now - _HOUR}
    store.flush("s1", [*talk("a"), dated, *talk("b c")])
    assert contents(store) == ["a", "dated", "b", "c"]


@pytest.mark.parametrize("parents", [{"x": "y"}, {"x": "y", "y": "x"}])
def test_a_parent_later_in_the_list_does_not_count(
    store: SessionStore, parents: dict[str, str]
) -> None:
    """The list decides; the parent is kept in `extra`."""
    listed = [
        {"role": "user", "content": id, "id": id}
        | ({"parent": parents[id]} if id in parents else {})
        for id in ("x", "y")
    ]
    store.flush("s1", listed)
    assert contents(store) == ["x", "y"]
    assert store.messages("s1")[0].fields["extra"] == {"parent": "y"}
    assert store.flush("s1", listed) == FlushReport(ids=("x", "y"), kept=("x", "y"))


def test_a_peek_learns_the_orders_that_the_projection_has(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handle reads an order of a clock ahead from the projection, and its own orders follow it.

    Another process projected it. The handle already has a connection, and its own clock is right.
    """
    with SessionStore.open(store.journal.path, fsync="never") as other:
        assert not other.exists("s1")
        real, own = clock.wall, clock._clocks
        monkeypatch.setattr(clock, "_clocks", {})
        with SessionStore.open(store.journal.path, fsync="never") as ahead:
            monkeypatch.setattr(clock, "wall", lambda: real() + 8 * _HOUR)
            ahead.append("s1", "user", "a")
            assert contents(ahead) == ["a"]
        monkeypatch.undo()
        monkeypatch.setattr(clock, "_clocks", own)
        read = clock.of(store.journal.path)
        assert read.read < real() + 4 * _HOUR
        other.projection.peek(lambda _: None)
        assert read.read > real() + 4 * _HOUR


# replace


def _user(id: str, parent: str | None = None) -> Message:
    message = {"role": "user", "content": id, "id": id}
    return message if parent is None else message | {"parent": parent}


@pytest.mark.parametrize(
    ("there", "new"),
    [
        ([_user("p"), _user("k", "p")], [{"id": "k"}, {"id": "p"}]),
        ([_user("p"), _user("x", "p"), _user("k", "x")], [{"id": "k"}, {"id": "p"}]),
        ([_user("p")], [_user("n", "p"), {"id": "p"}]),
        ([], [_user("n", "m"), _user("m")]),
        ([_user("p"), _user("q")], [_user("n", "q"), {"id": "p"}]),
        ([_user("a", "b"), _user("b", "a"), _user("c", "b")], [{"id": id} for id in "cba"]),
    ],
)
def test_a_new_transcript_is_read_in_its_order_whatever_its_parents_are(
    store: SessionStore, there: list[Message], new: list[Message]
) -> None:
    """A parent that is behind its message in the new transcript does not count any more."""
    for message in there:
        id, parent = message["id"], message.get("parent")
        store.append("s1", "user", message["content"], id=id, parent=parent)
    assert store.replace_messages("s1", new) == [message["id"] for message in new]
    assert [message.id for message in store.messages("s1")] == [message["id"] for message in new]
