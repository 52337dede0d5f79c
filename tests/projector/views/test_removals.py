"""The events that removed messages from their transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from projector.store import SessionStore
from projector.views.messages import content_text
from projector.views.removals import Removal, removals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(journal_dir: Path) -> Iterator[SessionStore]:
    """A store with a session of three messages."""
    with SessionStore.open(journal_dir) as store:
        for id in ("a", "b", "c"):
            store.append("s", "user", id, id=id)
        yield store


def found(store: SessionStore) -> dict[str, tuple[Removal, ...]]:
    """Return the removals of the session."""
    return store.read(lambda db: removals(db, "s"))[0]


def test_a_message_that_is_not_removed_has_no_removals(store: SessionStore) -> None:
    """Messages in the transcript or in the archive are not listed."""
    store.archive_messages("s", ["a"])
    assert found(store) == {}


def test_each_event_that_removed_a_message_is_listed_in_order(store: SessionStore) -> None:
    """Both an event that names the message and a sweep that covers it are listed."""
    store.remove_messages("s", ["b"], "rewound")
    store.clear("s")
    cleared = Removal("session.cleared", None)
    assert found(store) == {
        "a": (cleared,),
        "b": (Removal("message.removed", "rewound"), cleared),
        "c": (cleared,),
    }


def test_a_message_that_was_restored_has_the_later_removals_alone(store: SessionStore) -> None:
    """A restore, and a new transcript that names the message, end the earlier removals."""
    store.remove_messages("s", ["a", "b"], "first")
    store.restore_messages("s", ["a"])
    store.replace_messages("s", [{"id": "b", "role": "user", "content": "b"}])
    store.remove_messages("s", ["a", "b"], "second")
    assert found(store) == {
        "a": (Removal("transcript.replaced", None), Removal("message.removed", "second")),
        "b": (Removal("message.removed", "second"),),
        "c": (Removal("transcript.replaced", None),),
    }


def test_a_new_transcript_removes_no_message(store: SessionStore) -> None:
    """The messages that a new transcript leaves out are in the archive."""
    store.replace_messages("s", [{"role": "user", "content": "new"}], rest="archived")
    store.remove_messages("s", ["a"], "later")
    assert found(store) == {"a": (Removal("message.removed", "later"),)}


def test_a_sweep_does_not_cover_later_messages(store: SessionStore) -> None:
    """A message that was appended after a sweep has only later removals."""
    store.clear("s")
    store.append("s", "user", "d", id="d")
    store.remove_messages("s", ["d"])
    assert found(store)["d"] == (Removal("message.removed", None),)


def test_content_of_parts_is_the_text_in_it() -> None:
    """The content of a message of parts is their text, without payloads."""
    assert content_text("as it is") == "as it is"
    assert content_text([{"type": "text", "text": "one"}, {"type": "image_url"}]) == "one"
