"""Every place of an event that can hold a string is redacted, or named with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from journal.errors import EventError
from journal.format.event_types import _KNOWN, _MESSAGE, EVENT_TYPES, check_data
from journal.redact.values import NEVER_CHANGED, named_texts, redact_values

_WORD = "plain"
_IDS = ("message.removed", "message.archived", "message.restored")
_PLACES = [
    (type, name)
    for type in EVENT_TYPES
    for name, kinds in _KNOWN[type][0].items()
    if not type.startswith("erasure.") and {str, list, dict, object} & set(kinds)
]
_ITEM = [*(name for name, kinds in _MESSAGE.items() if {str, list, dict} & set(kinds)), "id"]


def _filled(kind: type) -> Any:  # noqa: ANN401 - any JSON
    if kind is list:
        return [_WORD]
    return {"a": _WORD} if kind is dict else _WORD


def _is_changed(type: str, data: dict[str, Any]) -> bool:
    seen = []

    def redact(name: str, text: str) -> str:
        seen.append(f'{name}="{text}"')
        return f"{text}!"

    changed = redact_values(type, data, redact)
    assert sorted(named_texts(type, data)) == sorted(seen)
    return changed != data


@pytest.mark.parametrize(("type", "name"), _PLACES)
def test_every_place_with_strings_is_redacted_or_named(type: str, name: str) -> None:
    """`append` takes no field with a string that is neither redacted nor on the list."""
    for kind in _KNOWN[type][0][name]:
        if kind is int:
            continue
        is_left = name in NEVER_CHANGED
        if name == "seen" or (name == "messages" and kind is list):
            is_left = name == "seen" or type in _IDS or type == "transcript.replaced"
        assert _is_changed(type, {name: _filled(kind)}) is not is_left


@pytest.mark.parametrize("name", _ITEM)
def test_messages_of_a_transcript_are_redacted_as_others_are(name: str) -> None:
    """Each field of a message in `transcript.replaced` is redacted, or on the list."""
    for kind in _MESSAGE.get(name, (str,)):
        data = {"messages": [{"id": "m1", "role": "user", name: _filled(kind)}]}
        assert _is_changed("transcript.replaced", data) is (name not in NEVER_CHANGED)


def test_every_reason_belongs_to_a_field() -> None:
    """The list names no field that no event has."""
    fields = {name for type in EVENT_TYPES for name in _KNOWN[type][0]} | {"id", "erasure."}
    assert set(NEVER_CHANGED) <= fields


@pytest.mark.parametrize("type", [it for it in EVENT_TYPES if it.startswith("erasure.")])
def test_events_of_erasure_hold_what_append_checks(type: str) -> None:
    """They are not changed: hashes must be hashes, and the words were redacted before."""
    assert not _is_changed(type, {"reason": _WORD, "extra": {"a": _WORD}})
    with pytest.raises(EventError):
        check_data(type, {"key": _WORD, "requests": [1]})


def test_the_prefilter_reads_what_is_redacted() -> None:
    """In all kinds of values, and in events of other types."""
    inner = {"id": "1", "a": ["b", {"c": "d", "uuid": ["e"]}], "name": "n"}
    deep = {"a": [[inner, "x"]], "input": inner, "name": "tool", "hash": "y", "n": 1, "z": None}
    for type, data in (
        ("message.appended", {"content": [deep, "x"], "extra": deep, "id": "z", "tool_calls": []}),
        ("transcript.replaced", {"messages": [{"content": "a", "id": "b"}, "c"], "meta": deep}),
        ("key.set", {"key": "password", "value": deep}),
        ("key.set", {"key": "password", "value": "x"}),
        ("an.other", {"": deep, "role": "x", "more": "y"}),
    ):
        assert _is_changed(type, data)


def test_data_that_holds_itself_is_no_record() -> None:
    """It is refused, as is what is nested deeper than a record can be."""
    loop: dict[str, Any] = {}
    loop["a"] = [loop, loop]
    with pytest.raises(RecursionError):
        named_texts("message.appended", {"extra": loop})
