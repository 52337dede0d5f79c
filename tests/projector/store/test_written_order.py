"""Messages are read in the order in which a handle writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from journal.process import clock
from projector.store import SessionStore
from projector.store.written_order import LastMessage, WrittenOrder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAST = 1_700_000_000_000_000


@pytest.fixture
def store(journal_dir: Path) -> Iterator[SessionStore]:
    """A store on a new journal."""
    with SessionStore.open(journal_dir) as store:
        yield store


def write(store: SessionStore, order: WrittenOrder, id: str, timestamp: int | None = None) -> None:
    """Append a message behind the last one of the session s."""
    data: dict[str, Any] = {}
    last = order.place("s", id, data, timestamp)
    store.append("s", "user", id, id=id, **data)
    order.note("s", last)


def test_a_date_of_the_past_moves_no_message(store: SessionStore) -> None:
    """A message with a date before the last one is still read after it."""
    order = WrittenOrder(store)
    for id, timestamp in (("a", None), ("b", PAST), ("c", PAST - 1), ("d", None), ("e", PAST + 1)):
        write(store, order, id, timestamp)
    assert [message.id for message in store.messages("s")] == ["a", "b", "c", "d", "e"]


def test_a_clock_that_is_set_back_moves_no_message(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An undated message is read behind a dated one that is later than the clock."""
    order = WrittenOrder(store)
    now = clock.wall()
    write(store, order, "a", now + 10**9)
    monkeypatch.setattr(clock, "wall", lambda: now - 10**9)
    write(store, order, "b")
    write(store, order, "c", now - 10**9)
    assert [message.id for message in store.messages("s")] == ["a", "b", "c"]


def test_the_last_message_of_others_is_looked_up(store: SessionStore) -> None:
    """A dated message follows the last message of another handle, also if that one was removed."""
    assert WrittenOrder(store).last("s") is None
    store.append("s", "user", "a", id="a", timestamp=PAST)
    store.append("s", "user", "b", id="b", timestamp=PAST + 5)
    store.remove_messages("s", ["b"])
    store.messages("s")  # the read applies what was appended
    assert WrittenOrder(store).last("s") == LastMessage("b", PAST + 5)
    write(store, WrittenOrder(store), "c", PAST)
    assert [message.id for message in store.messages("s")] == ["a", "c"]
    store.restore_messages("s", ["b"])
    assert [message.id for message in store.messages("s")] == ["a", "b", "c"]


def test_a_message_that_was_not_appended_is_not_the_last(store: SessionStore) -> None:
    """A message whose append failed is not named as the parent of the next one."""
    order = WrittenOrder(store)
    write(store, order, "a", PAST + 5)
    order.place("s", "lost", {}, PAST + 9)  # this append fails
    data: dict[str, Any] = {}
    order.place("s", "b", data, PAST)
    assert data == {"timestamp": PAST, "parent": "a"}


def test_a_lane_that_is_ahead_of_the_clock_moves_no_message(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An undated message has the order of its lane, which a clock had set ahead; a date follows."""
    order, now = WrittenOrder(store), clock.wall()
    with monkeypatch.context() as ahead:
        ahead.setattr(clock, "wall", lambda: now + 10**9)
        store.append("other session", "user", "x")
    write(store, order, "a")
    write(store, order, "b", now + 10**6)
    write(store, order, "c")
    write(store, order, "d", now + 2 * 10**6)
    assert [message.id for message in store.messages("s")] == ["a", "b", "c", "d"]


def test_time_that_passes_before_the_append_moves_no_message(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An undated message may be read later than was thought when its place was chosen."""
    order, now = WrittenOrder(store), clock.wall()
    data: dict[str, Any] = {}
    last = order.place("s", "a", data, None)
    monkeypatch.setattr(clock, "wall", lambda: now + 10**9)
    store.append("s", "user", "a", id="a", **data)
    order.note("s", last)
    write(store, order, "b", now + 10**6)
    assert [message.id for message in store.messages("s")] == ["a", "b"]


def test_a_message_that_is_dated_ahead_moves_no_other(store: SessionStore) -> None:
    """Messages without a date get the date of an earlier one of their lane that is later."""
    now = clock.wall()
    store.append("s", "user", "ahead", id="ahead", timestamp=now + 10**9)
    store.remove_messages("s", ["ahead"])
    order = WrittenOrder(store)
    for id, timestamp in (("a", None), ("b", now), ("c", None), ("d", now + 1), ("e", None)):
        write(store, order, id, timestamp)
    assert [message.id for message in store.messages("s")] == ["a", "b", "c", "d", "e"]
