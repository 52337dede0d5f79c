"""New events: the constructor, and which values are refused."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from journal import EventError, Journal, new_event
from tests.support.journals import events

if TYPE_CHECKING:
    from pathlib import Path


def test_the_constructor_makes_events_for_append_many(journal_dir: Path) -> None:
    """It takes session, type, data, and an optional id."""
    with Journal.open(journal_dir) as journal:
        journal.append_many([new_event("s", "x", {"n": 1}), new_event("s", "y", {}, id="e2")])
    one, two = (record.event for record in events(journal_dir))
    assert (one.session, one.type, one.data) == ("s", "x", {"n": 1})
    assert (two.id, two.type) == ("e2", "y")


@pytest.mark.parametrize("given", [None, 5, "text", b"bytes", {"session": "s"}])
def test_a_value_that_is_no_list_of_events_is_refused(journal_dir: Path, given: Any) -> None:  # noqa: ANN401 - the mistake at hand
    """One event, a text or None in place of a list raises an error that says so."""
    with Journal.open(journal_dir) as journal:
        with pytest.raises(EventError, match=r"^events must be a list, not "):
            journal.append_many(given)
        assert events(journal_dir) == []


@pytest.mark.parametrize("given", [None, 5, "text", ["x"]])
def test_an_item_that_is_no_event_is_named_by_its_index(journal_dir: Path, given: Any) -> None:  # noqa: ANN401 - the mistake at hand
    """An item that is no mapping raises an `EventError` with its index, and nothing is written."""
    with Journal.open(journal_dir) as journal:
        with pytest.raises(EventError, match=r"^event 1: not a mapping with session, type and"):
            journal.append_many([new_event("s", "x", {}), given])
        assert events(journal_dir) == []


@pytest.mark.parametrize("given", [None, 5, "text", [("role", "user")]])
def test_data_that_is_no_mapping_is_refused(journal_dir: Path, given: Any) -> None:  # noqa: ANN401 - the mistake at hand
    """`append` raises the same error without an index; its data may be any mapping."""
    with Journal.open(journal_dir) as journal:
        with pytest.raises(EventError, match=r"^data must be a dict"):
            journal.append(session="s", type="x", data=given)
        journal.append(session="s", type="x", data=MappingProxyType({"a": 1}))
    assert [record.event.data for record in events(journal_dir)] == [{"a": 1}]
