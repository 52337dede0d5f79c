"""docs/format.md is true: keyed hashes, marks, and when two events are the same."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal import Event, Redacted
from journal.format.event import is_same
from journal.format.keyed_hash import Key, Of
from journal.format.record import Record, decode, encode_event
from journal.format.redacted import mark
from tests.support.redaction.document import DOC, block, program, rows, same_event

KEY = Key(b"k" * 32)
HASHES = rows("| kind | the hashed JSON | keyed hash |")
SAME = rows("| content | other content | the same event |")

_text = st.text(st.characters(exclude_categories=["Cs"]))
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
)


def test_every_kind_of_hash_has_an_example() -> None:
    """The examples have each kind of hash that the document and this program know."""
    kinds = [kind for kind, _ in rows("| kind | the hashed JSON |")]
    assert kinds == list(get_args(Of))
    assert list(dict.fromkeys(kind for kind, *_ in HASHES)) == kinds


@pytest.mark.parametrize(("kind", "text", "expected"), HASHES)
def test_the_keyed_hashes_are_those_of_the_document(kind: Of, text: str, expected: str) -> None:
    """The document's program and this one compute the hashes of the examples from their text."""
    value = json.loads(text)
    assert program("hashes")["keyed_hash"](KEY.secret, kind, value) == expected
    assert KEY.hash(kind, value) == expected


@given(_values)
def test_the_hash_of_any_value_is_that_of_the_document(value: object) -> None:
    """Strings, numbers and nested values have the hashes that the document's program computes."""
    expected = program("hashes")["keyed_hash"](KEY.secret, "original", ["x", {"a": value}])
    assert KEY.hash("original", ["x", {"a": value}]) == expected


def test_the_id_of_the_key_is_that_of_the_document() -> None:
    """The id of the key is computed from the key as the document says."""
    assert f"whose id is `{KEY.id}`" in DOC
    assert program("hashes")["key_id"](KEY.secret) == KEY.id


def test_the_redacted_record_of_the_document_is_valid() -> None:
    """Its checksum is right, this program writes the same bytes, and its hashes are right."""
    line = block("redacted").encode()
    record = decode(line[:-1])
    assert isinstance(record, Record)
    assert encode_event(record.seq, record.event) == line
    redacted, data = record.event.redacted, record.event.data
    secret = mark("password", KEY.hash("secret", "hunter2")[:6])
    assert secret in data["content"]
    clear = {**data, "content": data["content"].replace(secret, "hunter2")}
    original = KEY.hash("original", [record.event.type, clear])
    assert redacted == Redacted(KEY.id, original, "journal 1", {"password": 1})


@pytest.mark.parametrize(("content", "other", "expected"), SAME)
def test_which_events_are_the_same_is_as_in_the_document(
    content: str, other: str, expected: str
) -> None:
    """The document's program and this one decide the examples as the document's table does."""
    redacted = Redacted(KEY.id, "1" * 32, "journal 1", {"password": 1})
    one = _event(content, redacted)
    others = _event(other, None), _event(other, replace(redacted, key="00000000"))
    found = {decide(one, each) for decide, each in product((is_same, same_event), others)}
    assert found == {expected == "yes"}


def _event(content: str, redacted: Redacted | None) -> Event:
    return Event("s", "m1", "message.appended", 1, 1, {"content": content}, redacted)


_pieces = st.sampled_from(["a", "b", mark("x", "000000"), mark("y", "00000a")])
_masked = st.lists(_pieces, max_size=4).map("".join)
_more = st.lists(_masked | st.sampled_from([1, 1.0, True, None, 0.0, -0.0]), max_size=2)
_redacted = st.builds(
    Redacted, st.sampled_from("kl"), st.sampled_from(["", "o", "p"]), st.just("r"), st.just({})
)
_events = st.builds(
    Event,
    st.just("s"),
    st.just("m"),
    st.sampled_from(["x", "x", "y"]),
    st.just(1),
    st.just(1),
    st.fixed_dictionaries({"text": _masked}, optional={"more": _more}),
    st.none() | _redacted,
)


@given(_events, _events)
def test_any_two_events_are_the_same_if_the_document_says_so(one: Event, other: Event) -> None:
    """This program and the document's decide alike, whichever event is named first."""
    assert is_same(one, other) is is_same(other, one) is same_event(one, other)
