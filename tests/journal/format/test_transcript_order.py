"""The place of a message, and the parent that keeps messages in the order of writing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.format.transcript_order import LastMessage, place_after, write_after


def test_a_message_is_read_at_its_time_but_never_before_its_parent() -> None:
    """With an earlier parent or none, the time counts; with a later one, the depth grows."""
    assert place_after(5, None) == (5, 0)
    assert place_after(5, (4, 3)) == (5, 0)
    assert place_after(5, (5, 0)) == (5, 1)
    assert place_after(5, (9, 1)) == (9, 2)


def test_a_parent_is_named_only_where_the_time_goes_back() -> None:
    """A message with the same or a later time follows the last one without a parent."""
    assert write_after(None, "a", 5) == (None, LastMessage("a", 5))
    last = LastMessage("a", 5)
    assert write_after(last, "b", 5) == (None, LastMessage("b", 5))
    assert write_after(last, "b", 4) == ("a", LastMessage("b", 5, 1))
    # a message of time 5 would be read before one of time 5 that has a parent
    assert write_after(LastMessage("b", 5, 1), "c", 5) == ("b", LastMessage("c", 5, 2))


@given(st.lists(st.integers(0, 5), max_size=20))
@pytest.mark.slow
def test_messages_are_read_in_the_order_in_which_they_are_written(times: list[int]) -> None:
    """Any times give this order; equal times are ordered by the order of events, which grows."""
    places: dict[str | None, tuple[int, int]] = {}
    last = None
    for index, time in enumerate(times):
        parent, last = write_after(last, str(index), time)
        places[str(index)] = place_after(time, places.get(parent))
    written = list(places)
    assert sorted(written, key=lambda name: (places[name], int(name or 0))) == written
