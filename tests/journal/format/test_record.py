"""Records: an encoded value is decoded unchanged, or refused with the name of its field."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal import Event, EventError
from journal.format.frame import MAX_RECORD, START, DamagedRecord
from journal.format.record import (
    FORMAT,
    Erased,
    Header,
    Record,
    decode,
    encode_erased,
    encode_event,
    encode_header,
)

HEADER = Header(
    FORMAT, "segment-uuid", "lane-uuid", 3, 7, "host", "boot", 42, 1_700_000_000_000_000
)

_text = st.text(st.characters(exclude_categories=["Cs"]))
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text
)
_json = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4)
)
_anything = st.recursive(
    _scalars
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.sets(st.integers(), max_size=2)
    | st.datetimes()
    | st.uuids(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(_text | st.integers() | st.text(), inner, max_size=3)
    ),
)


def _event(data: dict[str, Any], id: str = "m1") -> Event:
    return Event("s", id, "x", 1_700_000_000_000_000, 1_700_000_000_000_001, data)


@given(st.dictionaries(_text, _json, max_size=4), _text.filter(bool), st.integers(1, 2**40))
@pytest.mark.slow
def test_any_json_value_is_decoded_unchanged(data: dict[str, Any], id: str, seq: int) -> None:
    """Every JSON value is decoded with its type: 1 differs from 1.0 and from true."""
    record = decode(encode_event(seq, _event(data, id))[:-1])
    assert repr(record) == repr(Record(seq, _event(data, id)))


@given(_anything)
@pytest.mark.slow
def test_anything_else_is_refused_by_name(value: object) -> None:
    """A value that JSON would change is refused, and the message names the field."""
    refusal = None
    try:
        line = encode_event(1, _event({"field": value}))
    except EventError as error:
        refusal = str(error)
    if refusal is not None:
        assert "data.field" in refusal
        assert "nothing was written" in refusal
    else:
        record = decode(line[:-1])
        assert isinstance(record, Record)
        assert repr(record.event.data["field"]) == repr(value)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (math.nan, "data.a.b[1] is nan"),
        (math.inf, "data.a.b[1] is inf"),
        (2**64, "data.a.b[1] is 0x10000000000000000, an integer over 64 bits"),
        ("\ud800", "data.a.b[1] has a lone surrogate at character 0"),
        (b"x", "data.a.b[1] is bytes"),
        ((1,), "data.a.b[1] is a tuple"),
        ({1: 2}, "data.a.b[1] has the key 1, which is no string"),
        ({"\udfff": 2}, "a key of data.a.b[1] has a lone surrogate"),
    ],
)
def test_the_message_names_the_very_field(value: object, named: str) -> None:
    """The error has the path to the value in the event."""
    with pytest.raises(EventError) as caught:
        encode_event(1, _event({"a": {"b": [0, value]}}))
    assert named in str(caught.value)


def test_nesting_that_is_too_deep_is_refused() -> None:
    """A structure that is deeper than JSON parsers allow is an EventError, no RecursionError."""
    deep: list[Any] = []
    deep.append(deep)
    with pytest.raises(EventError, match="nested more than"):
        encode_event(1, _event({"field": deep}))


def test_lone_surrogate_in_the_id_is_refused() -> None:
    """A lone surrogate in a key is refused."""
    with pytest.raises(EventError, match="id has a lone surrogate"):
        encode_event(1, _event({}, "\udc80"))


def test_a_record_has_at_most_16_mib() -> None:
    """The limit applies to the whole line; one byte more is refused with advice."""
    empty = len(encode_event(1, _event({"text": ""})))
    assert len(encode_event(1, _event({"text": "x" * (MAX_RECORD - empty)}))) == MAX_RECORD
    with pytest.raises(EventError, match="16,777,217 bytes; the limit is 16,777,216: split it"):
        encode_event(1, _event({"text": "x" * (MAX_RECORD - empty + 1)}))


def test_the_bytes_of_a_record() -> None:
    """A record is one line of JSON; its checksum covers the bytes after it."""
    line = encode_event(3, _event({"text": "zwölf"}))
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    keys = ["crc", "seq", "id", "type", "session", "time", "order", "data"]
    assert list(json.loads(line)) == keys
    assert line[:8] == b'{"crc":"'
    assert line[16:18] == b'",'
    assert line[8:16] == b"%08x" % crc32(line[18:-1])


def test_a_header_is_decoded_unchanged() -> None:
    """A header is a record of its own kind, which its first key identifies."""
    line = encode_header(HEADER)
    assert line[18:].startswith(b'"format":2,')
    assert decode(line[:-1]) == HEADER
    joined = replace(HEADER, supersedes=("one", "two"))
    assert decode(encode_header(joined)[:-1]) == joined


def test_a_header_of_version_1_has_no_folder() -> None:
    """A header that version 0.1.0 wrote can be read; fields that it lacks have no value."""
    rest = b'"format":1,"segment":"s","lane":"l","seq":3,"host":"h","boot":"b","pid":1,"started":9}'
    assert decode(_signed(rest)) == Header(1, "s", "l", 0, 3, "h", "b", 1, 9)


@pytest.mark.parametrize("odd", [b'"2026"', b"9223372036854775807", b"-7", b"null", b"[]", b"true"])
def test_the_descriptive_fields_of_a_header_are_never_damage(odd: bytes) -> None:
    """An invalid start, process or host counts as absent."""
    rest = b'"format":2,"segment":"s","lane":"l","seq":3,"host":%b,"boot":%b,"pid":%b,"started":%b}'
    header = decode(_signed(rest % (odd, odd, odd, odd)))
    assert isinstance(header, Header)
    assert (header.segment, header.lane, header.seq) == ("s", "l", 3)
    assert (header.pid, header.started) == (0, 0)


@pytest.mark.parametrize(
    "seq", [b"-7", b"9007199254740992", b"9223372036854775807", b"1.0", b'"1"']
)
def test_a_header_with_an_impossible_number_is_damaged(seq: bytes) -> None:
    """No lane continues after a number that is negative, too large or no integer."""
    with pytest.raises(DamagedRecord, match="no segment, lane or seq"):
        decode(_signed(b'"format":2,"segment":"s","lane":"l","folder":1,"seq":%b}' % seq))


def test_an_order_that_equals_the_time_is_not_written() -> None:
    """The records of most events have no `order`, because it equals their time."""
    event = replace(_event({}), order=1_700_000_000_000_000)
    line = encode_event(1, event)
    assert b"order" not in line
    assert decode(line[:-1]) == Record(1, event)


def test_a_run_of_erased_events_is_decoded_unchanged() -> None:
    """One line replaces erased events, and is no event."""
    run = Erased(7, 3, 1_700_000_000_000_000, "tombstone")
    assert decode(encode_erased(run)[:-1]) == run
    for odd in (b'"seq":1,"erased":0,"order":1,"by":"x"}', b'"seq":1,"erased":1,"order":1}'):
        with pytest.raises(DamagedRecord, match="the run of erased events is not valid"):
            decode(_signed(odd))


@given(st.lists(st.sampled_from(["a", "crc", "b"]), max_size=6), _json)
def test_no_record_begins_within_a_record(path: list[str], value: Any) -> None:  # noqa: ANN401 - any JSON
    """Whatever records a message quotes, no other record begins within its line."""
    quoted: Any = {"crc": "00000000", "seq": 1, "value": value}
    for key in path:
        quoted = {key: quoted, "list": [{"crc": "", "x": quoted}], "text": '{"crc":"'}
    event = _event({"quoted": quoted})
    line = encode_event(1, event)
    assert line.find(START, 1) == -1
    assert decode(line[:-1]) == Record(1, event)


def _signed(rest: bytes) -> bytes:
    return b'{"crc":"%08x",%b' % (crc32(rest), rest)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "no record"),
        (b"\0" * 30, "NUL bytes"),
        (b'{"seq":1}', "bad start"),
        (b'{"crc":"0000000g","seq":1}', "checksum mismatch: says 0000000g"),
        (b'{"crc":"00000000","seq":1}', "checksum mismatch: says 00000000, bytes give"),
        (_signed(b'"seq":1'), "checksum holds but not JSON"),
        (_signed(b'"seq":1}'), "the record has no 'id'"),
        (
            _signed(b'"seq":"1","id":"a","type":"x","session":"s","time":1,"data":{}}'),
            "a field has the wrong type",
        ),
        (
            _signed(b'"seq":1,"id":"a","type":"x","session":"s","time":1,"data":[]}'),
            "a field has the wrong type",
        ),
        (
            _signed(b'"seq":true,"id":"a","type":"x","session":"s","time":1,"data":{}}'),
            "a field has the wrong type",
        ),
        (_signed(b'"format":"1"}'), "the header has no format version"),
        (_signed(b'"format":1}'), "the header has no segment, lane or seq"),
        (
            _signed(
                b'"format":1,"segment":1,"lane":"l","seq":1,"host":"","boot":"","pid":1,"started":1}'
            ),
            "the header has no segment, lane or seq",
        ),
    ],
)
def test_each_invalid_record_has_its_own_reason(line: bytes, reason: str) -> None:
    """Each reason why bytes are no record has its own text."""
    with pytest.raises(DamagedRecord, match=reason):
        decode(line)


@given(st.data())
def test_every_changed_byte_is_detected(data: st.DataObject) -> None:
    """A record with one changed byte, also in the checksum, is no record."""
    line = bytearray(encode_event(1, _event({"text": "hello"}))[:-1])
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedRecord):
        decode(bytes(line))


def test_a_newer_header_is_recognised() -> None:
    """Of a header of a newer format only the version is read: the rest may differ."""
    header = decode(_signed(b'"format":9,"anything":[]}'))
    assert isinstance(header, Header)
    assert header.format == 9


def test_unknown_keys_of_a_record_are_no_damage() -> None:
    """A newer version may add keys to a record; an older reader ignores them."""
    line = _signed(b'"seq":1,"id":"a","type":"x","session":"s","time":1,"data":{},"new":1}')
    assert decode(line) == Record(1, Event("s", "a", "x", 1, 1, {}))
