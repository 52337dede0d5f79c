"""New events: the constructor, and which values are refused."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from journal import EventError, Journal, new_event
from journal.format.frame import MAX_RECORD
from journal.format.new_event import Encoded, Encoder, NewEvent, checked
from journal.format.record import encode
from journal.redact.setup import redactor_of
from tests.support.journals import events

if TYPE_CHECKING:
    from pathlib import Path


def encoded(event: NewEvent, rules: str) -> Encoded:
    """Encode an event that the writer need not look at."""
    session, id, type, data, _, importer = event
    parts = Encoder(importer).encode(session, id, type, data)
    assert parts is not None
    return Encoded(session, id, type, *parts, rules)


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


@pytest.mark.parametrize(
    ("id", "importer", "data"),
    [
        ("m1", "codex 5", {"role": "user", "content": ',"importer":"x 1","data":{} \u5317'}),
        (',"data":', None, {"role": "user", "content": [{"crc": "00000000", "of": {"crc": ""}}]}),
    ],
)
def test_an_event_that_is_encoded_ahead_has_the_same_record(
    id: str, importer: str | None, data: dict[str, Any]
) -> None:
    """Its number and times are put in later, and its data can be decoded again."""
    event = checked("s", id, "message.appended", data, None, importer)
    made = encoded(event, "")
    for time, order in ((5, 5), (5, 7)):
        line = encode(9, "s", id, "message.appended", (time, order), data, None, importer)
        assert made.line(9, time, order) == line
    assert made.data() == data


@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("x", {"of": float("nan")}),
        ("x", {"of": (1, 2)}),
        ("x", {"of": "\ud800"}),
        ("x", {"of": "x" * MAX_RECORD}),
        ("session.cleared", {}),
    ],
)
def test_what_the_writer_has_to_look_at_is_not_encoded_ahead(
    type: str, data: dict[str, Any]
) -> None:
    """No record can hold it, or the writer adds to it what its author had seen."""
    encoder = Encoder("codex 5")
    for _ in range(2):  # the second time its type and session are known
        assert encoder.encode("s", "e", type, data) is None
        assert (encoder.encode("s", "e", type, {"of": 1}) is None) == (type == "session.cleared")


@pytest.mark.parametrize(
    ("session", "id", "type", "data"),
    [
        ("", "e", "x", {}),
        ("s", "", "x", {}),
        ("s", "e\n", "x", {}),
        ("s", "e", "", {}),
        ("s", "e", "x", ["of"]),
        ("s", "e", "message.appended", {"content": "x"}),
        ("@forget", "e", "x", {}),
    ],
)
def test_what_is_encoded_ahead_is_checked_each_time(
    session: str, id: str, type: str, data: dict[str, Any]
) -> None:
    """An event that no reader can use is refused, also beside others of its session and type."""
    encoder = Encoder(None)
    for _ in range(2):
        with pytest.raises(EventError):
            encoder.encode(session, id, type, data)
        encoder.encode("s", "e", "x", {})
        encoder.encode("s", "e", "message.appended", {"role": "user"})


def test_an_event_that_is_encoded_ahead_is_nested_no_deeper_than_a_record() -> None:
    """The record itself is one level more."""
    data: dict[str, Any] = {}
    for _ in range(252):
        data = {"of": data}
    assert Encoder("x 1").encode("s", "e", "x", data) is not None
    assert Encoder("x 1").encode("s", "e", "x", {"of": data}) is None


def test_an_event_that_no_redactor_has_looked_at_is_refused(journal_dir: Path) -> None:
    """A journal that redacts takes an encoded event only if the same rules found nothing in it."""
    event = checked("s", "m1", "message.appended", {"role": "user", "content": "hello"})
    redactor = redactor_of(journal_dir, redact=True)
    assert redactor is not None
    bare, looked_at = encoded(event, ""), encoded(event, redactor.rules)
    with Journal.open(journal_dir, redact=True) as journal:
        with pytest.raises(ValueError, match="before it was redacted"):
            journal.append_many([bare])
        assert events(journal_dir) == []
        journal.append_many([looked_at])
    assert [record.event.id for record in events(journal_dir)] == ["m1"]
