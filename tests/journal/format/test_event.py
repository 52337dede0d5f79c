"""Events: which can be appended, and which are refused before any write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal import EventError
from journal.format.event import check_event
from journal.format.event_types import EVENT_TYPES, MESSAGE_FIELDS
from journal.format.timestamps import moment

_FULL: dict[str, Any] = {
    "role": "assistant",
    "content": ["text", {"type": "text", "text": "hello"}],
    "tool_name": "bash",
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    "tool_call_id": "c1",
    "token_count": 3,
    "finish_reason": "stop",
    "reasoning": "because",
    "source": "cli",
    "model": "m",
    "timestamp": 1_700_000_000_000_000,
    "parent": "m0",
    "meta": "notification",
    "line": "l1",
    "extra": {"anything": None},
}


def test_a_message_may_have_every_field() -> None:
    """All documented fields of a message are accepted."""
    assert sorted(_FULL) == sorted(MESSAGE_FIELDS)
    check_event("s", "m1", "message.appended", _FULL)


@pytest.mark.parametrize("name", MESSAGE_FIELDS)
@pytest.mark.parametrize("value", [None, 1.5, True, object()])
def test_a_field_of_the_wrong_kind_is_named(name: str, value: object) -> None:
    """Null, a float or a boolean is refused for every field; the message names the field."""
    with pytest.raises(EventError, match=f"^{name} must be"):
        check_event("s", "m1", "message.appended", _FULL | {name: value})


def test_an_unknown_field_is_refused_with_a_way_out() -> None:
    """The error lists the valid fields, and says where other data can be stored."""
    with pytest.raises(EventError, match=r"no field 'rolle'.*put anything else into 'extra'"):
        check_event("s", "m1", "message.appended", _FULL | {"rolle": "user"})


def test_a_message_needs_a_role() -> None:
    """A message without a role, or with an empty one, is refused."""
    for data, reason in (({}, "needs 'role'"), ({"role": ""}, "role must not be empty")):
        with pytest.raises(EventError, match=reason):
            check_event("s", "m1", "message.appended", data)


@pytest.mark.parametrize("key", ["session", "id", "type"])
@pytest.mark.parametrize("value", ["", "x" * 1025, None, 1])
def test_keys_are_strings_of_1_to_1024_characters(key: str, value: object) -> None:
    """A key that is empty, too long or no string is refused by name."""
    keys: dict[str, Any] = {"session": "s", "id": "m1", "type": "x"} | {key: value}
    with pytest.raises(EventError, match=f"^{key} must be a string of 1 to 1024 characters"):
        check_event(data={}, **keys)


@pytest.mark.parametrize("key", ["session", "id", "type"])
@pytest.mark.parametrize("value", ["a\nb", "\0", "a\x1f", "\x7f"])
def test_keys_have_no_control_characters(key: str, value: str) -> None:
    """Commands print one id a line, so an id with a newline would look like two ids."""
    keys: dict[str, Any] = {"session": "s", "id": "m1", "type": "x"} | {key: value}
    with pytest.raises(EventError, match=f"^{key} must not have control characters"):
        check_event(data={}, **keys)


@pytest.mark.parametrize(
    ("type", "data", "reason"),
    [
        ("message.appended", {"role": "user", "source": ""}, "^source must not be empty"),
        ("message.revised", {"message": "m", "source": ""}, "^source must not be empty"),
        ("session.created", {"source": ""}, "^source must not be empty"),
        ("session.titled", {"title": ""}, "^title must not be empty"),
        ("message.appended", {"role": "user", "token_count": -5}, "^token_count must be from 0 to"),
        ("message.revised", {"message": "m", "token_count": -1}, "^token_count must be from 0 to"),
    ],
)
def test_empty_and_negative_values_are_refused(
    type: str, data: dict[str, Any], reason: str
) -> None:
    """An empty source and a negative number of tokens are refused."""
    with pytest.raises(EventError, match=reason):
        check_event("s", "m1", type, data)


def test_no_tokens_and_no_text_are_values() -> None:
    """A message may have an empty text, and zero tokens."""
    data = {"role": "user", "token_count": 0, "content": "", "reasoning": ""}
    check_event("s", "m1", "message.appended", data)


def test_the_last_microsecond_that_a_double_holds_is_a_time() -> None:
    """2^53 - 1 is accepted, 2^53 is refused."""
    check_event("s", "m1", "message.appended", {"role": "user", "timestamp": 2**53 - 1})


def test_an_unknown_type_is_stored_as_it_is() -> None:
    """Types that are not known here carry any object."""
    assert "agent.dreamed" not in EVENT_TYPES
    check_event("s", "e1", "agent.dreamed", {"sheep": 3, "nothing": None})


def test_data_must_be_an_object() -> None:
    """Data that are a list are refused."""
    with pytest.raises(EventError, match="data must be a dict"):
        check_event("s", "e1", "x", [])  # type: ignore[arg-type] # the mistake at hand


@pytest.mark.parametrize("value", [1_700_000_000, 1_700_000_000_000, -1, 2**53])
def test_seconds_and_milliseconds_are_refused(value: int) -> None:
    """A timestamp in the wrong unit would be a date in 1970."""
    with pytest.raises(EventError, match="timestamp must be microseconds since 1970"):
        check_event("s", "m1", "message.appended", {"role": "user", "timestamp": value})


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001 - a zone is given below
    st.integers(-14 * 60, 14 * 60),
)
def test_datetimes_are_exact(naive: datetime, minutes: int) -> None:
    """A datetime and its ISO form give the same microsecond in any time zone."""
    value = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    microseconds = moment("t", value)
    assert microseconds == moment("t", value.isoformat())
    back = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    assert back == value
    assert moment("t", microseconds) == microseconds


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("yesterday", "ISO 8601"),
        ("2026-01-31T12:00:00", "needs a time zone"),
        (True, "must be a datetime"),
        (1.5, "must be a datetime"),
    ],
)
def test_an_ambiguous_or_invalid_time_is_refused(value: Any, reason: str) -> None:  # noqa: ANN401 - any mistake
    """A time without a zone, or that is no time, is refused by the name of its field."""
    with pytest.raises(EventError, match=f"^t(imestamp)? .*{reason}"):
        moment("timestamp", value)
