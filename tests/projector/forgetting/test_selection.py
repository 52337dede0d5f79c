"""Selections of what to forget: which are valid, and which are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from journal import EventError, Journal
from projector.errors import QueryError
from projector.forgetting.forget import forget, plan
from projector.forgetting.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path

T = 1_700_000_000_000_000


@pytest.mark.parametrize(
    ("parts", "scope"),
    [
        ({"sessions": ("s1",)}, "session"),
        ({"messages": (("s1", "m1"),)}, "message"),
        ({"sessions": ("s1",), "messages": (("s2", "m1"),)}, "session"),
        ({"query": "word", "sessions": ("s1",), "source": "cli", "before": T}, "query"),
        ({"source": "cli"}, "source"),
        ({"before": T}, "age"),
        ({"replaced": True, "before": T, "sessions": ("s1", "@keys")}, "replaced"),
        ({"deleted": True, "replaced": True}, "deleted and replaced"),
        ({"before": "2023-11-14T22:13:20Z", "source": "cli"}, "age"),
    ],
)
def test_valid_combinations_make_a_selection(parts: dict[str, Any], scope: str) -> None:
    """Sessions and messages; a query; a source, an age or both; what readers do not need."""
    assert Selection(**parts).scope == scope


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({}, "nothing is selected"),
        ({"messages": (("s1", "m1"),), "source": "cli"}, "cannot be combined"),
        ({"messages": (("s1", "m1"),), "query": "word"}, "cannot be combined"),
        ({"sessions": ("s1",), "source": "cli"}, "name only those"),
        ({"sessions": ("s1",), "before": T}, "name only those"),
        ({"query": "!?"}, "nothing to search for"),
        ({"query": ""}, "nothing to search for"),
        ({"sessions": (7,)}, "session"),
        ({"sessions": "s1"}, "sessions must be a tuple or a list, not 's1'"),
        ({"messages": ("s1", "m1")}, "messages must be pairs"),
        ({"messages": "m1"}, "messages must be a tuple or a list"),
        ({"source": 7}, "source"),
    ],
)
def test_an_invalid_selection_is_refused_with_the_reason(parts: dict[str, Any], why: str) -> None:
    """An empty selection, and one that would forget more than a user can mean, is an error."""
    with pytest.raises(QueryError, match=why):
        Selection(**parts)


def test_a_moment_in_seconds_is_refused() -> None:
    """A time in seconds would select nothing, and a user would not notice the mistake."""
    with pytest.raises(EventError, match="microseconds"):
        Selection(before=1_700_000_000)


def test_a_moment_in_the_future_is_refused(journal_dir: Path) -> None:
    """Everything would be older, such as by a typing error in the year."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s1", "user", "a", id="m1")
    with pytest.raises(QueryError, match="future"):
        plan(journal_dir, Selection(before="2099-01-01T00:00Z"))
    with pytest.raises(QueryError, match="future"):
        forget(journal_dir, Selection(query="a", before="2099-01-01T00:00Z"))
