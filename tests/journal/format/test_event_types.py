"""Known event types: what their data may be, and what is refused before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from journal import EventError
from journal.format.event import check_event
from journal.format.event_types import EVENT_TYPES

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
}


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_every_type_takes_its_fields(type: str) -> None:
    """Data with the documented fields is accepted."""
    check_event("s", "e1", type, _FULL[type])


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_no_type_takes_a_field_of_another_name(type: str) -> None:
    """A misspelled field would be lost to every reader: it is refused by name."""
    with pytest.raises(EventError, match="no field 'odd'"):
        check_event("s", "e1", type, _FULL[type] | {"odd": 1})


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
def test_what_no_reader_could_use_is_refused(type: str, data: dict[str, Any], reason: str) -> None:
    """Missing, contradictory and impossible values are refused; the message says which."""
    with pytest.raises(EventError, match=reason):
        check_event("s", "e1", type, data)


def test_a_types_data_is_not_changed_by_checking() -> None:
    """Checking looks and does not touch."""
    for type, data in _FULL.items():
        before = repr(data)
        check_event("s", "e1", type, data)
        assert repr(data) == before
