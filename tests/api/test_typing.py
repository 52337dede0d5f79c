"""Arguments that a type checker refuses raise errors at run time, too.

Each line with a `type: ignore` must be refused by mypy: `make lint` runs it with unused ignores as
errors, so it fails if mypy accepts the mistake. Here the same lines must fail when they are run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

import pytest

import journal
from journal import Event, EventError, Journal, Position
from projector import Hit, MessageState, MessageView, Projection, SessionStore, SessionView

if TYPE_CHECKING:
    from pathlib import Path


def test_a_misspelt_field_of_a_message_is_refused(journal_dir: Path) -> None:
    """`Journal.append_message` and `SessionStore.append` have the same set of fields."""
    with Journal.open(journal_dir) as handle, SessionStore.open(journal_dir) as store:
        with pytest.raises(EventError, match="no field 'tol_calls'"):
            handle.append_message("s", "user", tol_calls=[])  # type: ignore[call-arg]
        with pytest.raises(EventError, match="no field 'tol_calls'"):
            store.append("s", "user", tol_calls=[])  # type: ignore[call-arg]
        with pytest.raises(EventError, match="no field 'rol'"):
            store.revise_message("s", "m", rol="user")  # type: ignore[call-arg]
        with pytest.raises(EventError, match="no field 'titel'"):
            store.create("s", titel="t")  # type: ignore[call-arg]


def test_a_field_of_the_wrong_kind_is_refused(journal_dir: Path) -> None:
    """A number is refused as model and as reasoning."""
    with Journal.open(journal_dir) as handle, SessionStore.open(journal_dir) as store:
        with pytest.raises(EventError, match="model must be a string"):
            handle.append_message("s", "user", model=4)  # type: ignore[arg-type]
        with pytest.raises(EventError, match="reasoning must be a string"):
            store.append("s", "user", reasoning=4)  # type: ignore[arg-type]


def test_results_are_typed(journal_dir: Path) -> None:
    """A list of sessions is one of `SessionView`, a search result one of `Hit`."""
    with Journal(journal_dir) as handle, Projection(journal_dir) as projection:
        assert_type(handle.append_message("s", "user", "hello"), Position)
        for view in projection.sessions():
            assert_type(view, SessionView)
        for message in projection.messages("s"):
            assert_type(message, MessageView)
            assert_type(message.state, MessageState)
        for hit in projection.search("hello"):
            assert_type(hit, Hit)
        for position, event in journal.read(journal_dir):
            assert_type(position, Position)
            assert_type(event, Event)
