"""Pure functions that say what a set of events means."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.format.event_types import SESSION_CREATED, SESSION_ENDED, SESSION_TITLED
from projector.db.columns import encode, from_columns, to_columns
from projector.fold.messages import revised
from projector.fold.order import Linked, place_all
from projector.fold.sessions import OrderedEvent, Session, canonical, fold_session

if TYPE_CHECKING:
    from random import Random

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_fields = st.sampled_from(
    ["role", "content", "timestamp", "parent", "source", "extra", "token_count", "model", "odd"]
)


def _ordered(event: tuple[tuple[int, str, int], str, dict[str, Any]]) -> OrderedEvent:
    order, type, data = event
    return OrderedEvent(order, type, data, order[0], {order[1]: order[2]})


@given(st.dictionaries(_fields, _json))
@pytest.mark.slow
def test_columns_lose_nothing(data: dict[str, Any]) -> None:
    """Any data of a message is equal after it was stored in columns and read back."""
    again = from_columns(to_columns(data))
    assert canonical(again) == canonical(data)


def test_values_of_the_expected_kind_have_columns() -> None:
    """Text, parts and times have their own columns; the rest is JSON."""
    columns = to_columns({"role": "user", "content": ["a"], "timestamp": 7, "model": "m"})
    assert (columns.role, columns.timestamp, columns.content_is_json) == ("user", 7, True)
    assert (columns.content, columns.other_fields) == ('["a"]', '{"model":"m"}')


@pytest.mark.parametrize("value", [True, -1, 2**63, 1.0, "7", None, [7]])
def test_an_invalid_timestamp_is_kept_and_not_used(value: object) -> None:
    """An invalid timestamp does not order messages, and is stored."""
    columns = to_columns({"timestamp": value})
    assert columns.timestamp is None
    assert from_columns(columns) == {"timestamp": value}


@pytest.mark.parametrize("within", [1, 2])
def test_data_that_is_nested_too_deeply_for_its_record_is_refused(within: int) -> None:
    """A value is refused if the record that contains it would be nested too deeply."""
    value: list[Any] = []
    deepest = 0
    for depth in range(300):
        try:
            assert encode(value, within=within) == canonical(value).decode()
        except TypeError:
            break
        deepest = depth
        value = [value]
    whole: Any = value[0]
    for _ in range(within):
        whole = [whole]
    assert canonical(whole)
    with pytest.raises(TypeError):
        canonical([whole])
    assert deepest > 200


def test_the_last_writer_of_a_field_wins() -> None:
    """The last value of a field wins in the order of events; `extra` is merged key by key."""
    events: list[tuple[tuple[int, str, int], str, dict[str, Any]]] = [
        ((1, "b", 1), SESSION_CREATED, {"title": "old", "model": "m1", "extra": {"x": 1, "y": 1}}),
        ((2, "a", 1), SESSION_TITLED, {"title": "new"}),
        ((2, "a", 2), SESSION_CREATED, {"cwd": "/", "extra": {"y": 2}}),
        ((2, "b", 1), SESSION_CREATED, {"model": "m2", "started": 5}),
    ]
    fields = {"title": "new", "model": "m2", "cwd": "/", "started": 5}
    expected = Session(fields, extra={"x": 1, "y": 2}, known=True)
    for arranged in permutations(events):
        assert fold_session(map(_ordered, arranged)) == expected


def test_the_first_end_counts() -> None:
    """The first end of a session counts; without a date, it has the time of its event."""
    events: list[tuple[tuple[int, str, int], str, dict[str, Any]]] = [
        ((9, "a", 2), SESSION_ENDED, {"reason": "later", "ended": 1}),
        ((8, "a", 1), SESSION_ENDED, {"reason": "first"}),
    ]
    assert fold_session(map(_ordered, events)) == Session(ended=8, end_reason="first", known=True)
    assert fold_session(map(_ordered, events[:1])) == Session(
        ended=1, end_reason="later", known=True
    )


def test_fields_of_the_wrong_type_are_ignored() -> None:
    """A title that is a number, or a start that no clock can show, is ignored."""
    given_fields = {"title": 7, "model": None, "started": 2**64 - 1, "source": "cli", "extra": [1]}
    assert fold_session([_ordered(((1, "a", 1), SESSION_CREATED, given_fields))]) == Session(
        {"source": "cli"}, known=True
    )


def test_revisions_come_into_force_in_the_order_of_events() -> None:
    """The last revision of each field wins, and a message's id is not a field of it."""
    revisions = [
        ((3, "a", 1), {"message": "m1", "content": "third"}),
        ((2, "b", 1), {"message": "m1", "content": "second", "role": "tool"}),
    ]
    data = {"role": "user", "content": "first", "model": "m"}
    expected = {"role": "tool", "content": "third", "model": "m"}
    assert revised(data, revisions) == expected
    assert revised(data, revisions[::-1]) == expected
    assert data["content"] == "first"


def test_parents_that_are_missing_do_not_count() -> None:
    """A message whose parent is missing, as in some imports, keeps its own time."""
    placed = place_all([Linked("m1", 5, "missing"), Linked("m2", 3, "m1")])
    assert placed == {"m1": (5, 0), "m2": (5, 1)}


def test_a_cycle_of_parents_begins_with_its_first_message() -> None:
    """A cycle begins with the message that sorts first; its other messages and answers follow."""
    messages = [Linked("a", 5, "c"), Linked("b", 4, "a"), Linked("c", 4, "b"), Linked("d", 1, "c")]
    expected = {"b": (4, 0), "c": (4, 1), "a": (5, 0), "d": (4, 2)}
    for arranged in permutations(messages):
        assert place_all(arranged) == expected


@given(st.randoms(use_true_random=False))
def test_places_do_not_depend_on_the_order_of_arrival(random: Random) -> None:
    """Any graph of parents gives every message the same place, in any order of arrival."""
    ids = [f"m{n}" for n in range(random.randint(1, 9))]
    parents = [*ids, None, "missing"]
    messages = [Linked(id, random.randint(1, 5), random.choice(parents)) for id in ids]
    messages = [Linked(m.id, m.date, None if m.parent == m.id else m.parent) for m in messages]
    placed = place_all(messages)
    random.shuffle(messages)
    assert place_all(messages) == placed
    rootless = [m for m in messages if m.parent in placed and placed[m.parent] >= placed[m.id]]
    assert len(rootless) <= len(ids) // 2, "only one message of a cycle comes before its parent"


def test_a_long_chain_is_placed_without_recursion() -> None:
    """Ten thousand messages, each an answer to the one before and with one time, are placed."""
    chain = [Linked(f"m{n}", 1, f"m{n - 1}") for n in range(1, 10_000)]
    placed = place_all(reversed(chain))
    assert placed["m9999"] == (1, 9998)
