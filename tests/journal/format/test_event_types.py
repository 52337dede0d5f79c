"""Known event types: which data are valid, and which are refused before any write."""

from __future__ import annotations

from typing import Any

import pytest

from journal import EventError
from journal.format.event import check_event
from journal.format.event_types import EVENT_TYPES, FORGET, OF_ERASURE

_MOMENT = 1_700_000_000_000_000
_SESSION = {
    "title": "t",
    "source": "cli",
    "model": "m",
    "cwd": "/",
    "parent": "p",
    "user": "u",
    "system_prompt": "be kind",
    "config": {"temperature": 0},
    "started": _MOMENT,
    "extra": {},
}
_USED = {"input_tokens": 1, "api_calls": 0, "estimated_cost": 0.5, "actual_cost": 1, "model": "m"}
_HASH = "0123456789abcdef" * 2
_REQUEST = {"key": "0a1b2c3d", "sessions": [_HASH]}
_FULL: dict[str, dict[str, Any]] = {
    "message.appended": {"role": "user", "content": "hello"},
    "message.revised": {"message": "m1", "content": "hello"},
    "message.removed": {"messages": ["m1"], "reason": "wrong", "extra": {}},
    "message.archived": {"messages": []},
    "message.restored": {"messages": ["m1", "m2"]},
    "transcript.replaced": {
        "messages": [{"id": "m1", "role": "user"}, {"message": "m2", "content": "x"}],
        "rest": "archived",
    },
    "session.created": _SESSION,
    "session.ensured": _SESSION,
    "session.revised": {"title": "t", "clear": ["cwd", "extra.k"]},
    "session.titled": {"title": "t"},
    "session.ended": {"reason": "done", "ended": _MOMENT},
    "session.reopened": {},
    "session.cleared": {"extra": {}},
    "session.deleted": {},
    "usage.added": _USED,
    "usage.set": _USED,
    "key.set": {"key": "k", "value": None},
    "key.deleted": {"key": "k"},
    "erasure.requested": _REQUEST
    | {"events": [], "messages": [], "reach": {"l": 0}, "scope": "s", "reason": "r", "extra": {}},
    "erasure.completed": {
        "requests": ["r1"],
        "lines": 1,
        "segments": 1,
        "bytes": 0,
        "generations": 1,
        "started": _MOMENT,
        "duration": 5,
        "extra": {},
    },
}


def _session_of(type: str) -> str:
    return FORGET if type in OF_ERASURE else "s"


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_every_type_takes_its_fields(type: str) -> None:
    """Data with the documented fields is accepted."""
    check_event(_session_of(type), "e1", type, _FULL[type])


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_no_type_takes_a_field_of_another_name(type: str) -> None:
    """A misspelled field is refused by name, because no reader would find its value."""
    with pytest.raises(EventError, match="no field 'odd'"):
        check_event(_session_of(type), "e1", type, _FULL[type] | {"odd": 1})


@pytest.mark.parametrize("type", sorted(OF_ERASURE))
def test_an_event_of_erasure_belongs_to_its_session(type: str) -> None:
    """In another session the event would have no effect, and its author would not notice."""
    with pytest.raises(EventError, match="only in the session @forget, not in 's'"):
        check_event("s", "e1", type, _FULL[type])


@pytest.mark.parametrize("type", ["message.appended", "session.created", "another.program"])
def test_the_session_of_erasure_has_nothing_else(type: str) -> None:
    """Nothing in it can be forgotten, so a message must not get there."""
    with pytest.raises(EventError, match="the session @forget has only requests to forget"):
        check_event(FORGET, "e1", type, _FULL.get(type, {}))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"sessions": [_HASH]}, "needs 'key'"),
        ({"key": "0a1b2c3d"}, "names what to forget: one of sessions, events, messages"),
        ({"key": "0A1B2C3D", "sessions": [_HASH]}, "key must be the id of a key"),
        (
            _REQUEST | {"sessions": ["my secret session"]},
            r"^sessions\[0\] must be a keyed hash: 32",
        ),
        (_REQUEST | {"events": [_HASH, 7]}, r"^events\[1\] must be a keyed hash"),
        (_REQUEST | {"messages": [_HASH.upper()]}, r"^messages\[0\] must be a keyed hash"),
        (_REQUEST | {"reach": {"lane": -1}}, r"reach\['lane'\] must be the sequence number"),
        (_REQUEST | {"reach": {"lane": 2**53}}, r"reach\['lane'\] must be the sequence number"),
    ],
)
def test_a_request_that_names_nothing_is_refused(data: dict[str, Any], reason: str) -> None:
    """A request names what to forget by hashes; an error about a clear name does not show it."""
    with pytest.raises(EventError, match=reason) as caught:
        check_event(FORGET, "r1", "erasure.requested", data)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({}, "needs 'requests'"),
        ({"requests": [""]}, r"requests\[0\] must be the id of a request"),
        ({"requests": ["r1"], "lines": -1}, "lines must be from 0 to"),
        ({"requests": ["r1"], "duration": 2**53}, "duration must be from 0 to"),
        ({"requests": ["r1"], "started": 3}, "started must be"),
    ],
)
def test_an_invalid_receipt_is_refused(data: dict[str, Any], reason: str) -> None:
    """A receipt names its requests, and counts what was erased."""
    with pytest.raises(EventError, match=reason):
        check_event(FORGET, "e1", "erasure.completed", data)


@pytest.mark.parametrize(
    ("type", "data", "reason"),
    [
        ("message.removed", {}, "needs 'messages'"),
        ("message.removed", {"messages": ["m1", 2]}, r"messages\[1\] must be the id of a message"),
        ("message.restored", {"messages": [""]}, r"messages\[0\] must be the id of a message"),
        ("transcript.replaced", {"messages": [], "rest": "gone"}, "rest must be 'removed' or"),
        ("transcript.replaced", {"messages": ["m1"]}, r"messages\[0\]: must be an object"),
        ("transcript.replaced", {"messages": [{"id": "m1"}]}, r"messages\[0\]: .*needs 'role'"),
        ("transcript.replaced", {"messages": [{"role": "user"}]}, r"messages\[0\]: .*needs 'id'"),
        (
            "transcript.replaced",
            {"messages": [{"message": "m"}, {"id": "m", "role": "user"}]},
            r"messages\[1\]: the id 'm' occurs twice",
        ),
        (
            "transcript.replaced",
            {"messages": [{"id": "a\nb", "role": "user"}]},
            r"messages\[0\]: id must not have control characters",
        ),
        ("session.revised", {"clear": ["colour"]}, "'colour' is no field of a session"),
        ("session.revised", {"clear": ["title"], "title": "t"}, "title cannot be cleared and"),
        (
            "session.revised",
            {"clear": ["extra.k"], "extra": {"k": 1}},
            "extra.k cannot be cleared and",
        ),
        ("session.created", {"config": []}, "config must be an object"),
        ("session.created", {"started": 1_700_000_000}, "started must be microseconds"),
        ("usage.added", {"input_tokens": -1}, "input_tokens must be from 0 to"),
        ("usage.added", {"api_calls": 1.5}, "api_calls must be an integer"),
        ("usage.set", {"actual_cost": float("nan")}, "actual_cost must be from 0 to"),
        ("usage.set", {"actual_cost": True}, "actual_cost must be an integer or a number"),
        ("key.set", {"key": "k"}, "needs 'value'"),
        ("key.set", {"key": "", "value": 1}, "key must not be empty"),
        ("key.deleted", {}, "needs 'key'"),
    ],
)
def test_values_that_no_reader_could_use_are_refused(
    type: str, data: dict[str, Any], reason: str
) -> None:
    """Missing, contradictory and impossible values are refused; the message says which."""
    with pytest.raises(EventError, match=reason):
        check_event(_session_of(type), "e1", type, data)


def test_a_types_data_is_not_changed_by_checking() -> None:
    """`check_data` does not modify its argument."""
    for type, data in _FULL.items():
        before = repr(data)
        check_event(_session_of(type), "e1", type, data)
        assert repr(data) == before
