"""Lines that are no strict JSON, timestamps in every form, and how lines are read."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.importers.files import decode as decoding
from journal.importers.files.decode import BadLine, decode, too_deep
from journal.importers.files.lines import Prefix, read_lines
from journal.importers.parsing.events import key
from journal.importers.parsing.source_time import micros

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
@pytest.mark.slow
def test_strict_json_is_read_unchanged(value: object) -> None:
    """Values that JSON can represent are unchanged, and no repair is reported."""
    assert decode(json.dumps(value, ensure_ascii=False).encode()) == (value, ())


@pytest.mark.parametrize(
    ("raw", "value", "repair"),
    [
        (rb'{"a":"x\ud800y"}', {"a": "x\ufffdy"}, decoding.SURROGATE),
        (rb'{"\udfff":[1]}', {"\ufffd": [1]}, decoding.SURROGATE),
        (b'{"a":"\xff\xfe"}', {"a": "\ufffd\ufffd"}, decoding.BYTES),
        (b"[NaN,-Infinity]", ["NaN", "-Infinity"], decoding.NUMBER),
        (b"[1e999]", ["1e999"], decoding.NUMBER),
        (b"[18446744073709551616]", ["18446744073709551616"], decoding.NUMBER),
        (b'{"n":-9223372036854775809}', {"n": "-9223372036854775809"}, decoding.NUMBER),
    ],
)
def test_values_that_json_cannot_represent_are_repaired_and_counted(
    raw: bytes, value: object, repair: str
) -> None:
    """A line is imported although a character or number in it is no valid JSON."""
    assert decode(raw) == (value, (repair,))


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, -(2**63), 10**18])
def test_integers_of_64_bits_stay_exact(number: int) -> None:
    """No integer of the journal's range is converted to a float."""
    assert decode(b'{"n": %d}' % number) == ({"n": number}, ())


def test_a_byte_order_mark_is_skipped() -> None:
    """The first line of a file that an editor saved with a mark is read."""
    assert decode(b'\xef\xbb\xbf{"a":1}') == ({"a": 1}, ())


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a":', "not JSON"),
        (b"\0\0\0\0", "NUL bytes"),
        (b"[" * 5000 + b"]" * 5000, "nested too deeply"),
        (b"[" * 300 + b"]" * 300, "nested too deeply"),
        (b'{"a":' * 250 + b"NaN" + b"}" * 250, "nested too deeply"),
    ],
)
def test_an_unreadable_line_has_a_reason(raw: bytes, reason: str) -> None:
    """The reason names the kind of damage without the line's text, so that it can be counted."""
    with pytest.raises(BadLine, match=f"^{reason}$"):
        decode(raw)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_without_an_error(raw: bytes) -> None:
    """Any bytes of a line give a value or a `BadLine`."""
    try:
        value, _ = decode(raw)
    except BadLine:
        return
    json.dumps(value, allow_nan=False).encode()
    assert not too_deep(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-06-14T11:03:30Z", 1749899010_000000),
        ("2025-06-14T11:03:30.123Z", 1749899010_123000),
        ("2025-06-14T13:03:30.123456+02:00", 1749899010_123456),
        ("2025-06-14T11:03:30", 1749899010_000000),
        (1749899010, 1749899010_000000),
        (1749899010.5, 1749899010_500000),
        (1749899010123, 1749899010_123000),
        (1749899010123456, 1749899010_123456),
        (1749899010123456789, 1749899010_123456),
        ("yesterday", None),
        ("1969-12-31T23:59:59Z", None),
        (True, None),
        (None, None),
        (float("nan"), None),
        (-5, None),
        ([], None),
    ],
)
def test_times_of_every_form_become_microseconds(value: object, expected: int | None) -> None:
    """The unit is detected from the size; an invalid time gives None."""
    assert micros(value) == expected


def test_lines_end_at_newlines_only_and_have_offsets() -> None:
    r"""`\r\n` is one ending; other separators are part of the text; the last line may be open."""
    stream = io.BytesIO('a\r\n\nb\u2028c\x0b\r"\nopen'.encode())
    lines = [(line.number, line.raw, line.end, line.finished) for line in read_lines(stream)]
    assert lines == [
        (1, b"a", 3, True),
        (2, b"", 4, True),
        (3, 'b\u2028c\x0b\r"'.encode(), 13, True),
        (4, b"open", 17, False),
    ]


@given(st.lists(st.binary(max_size=30).filter(lambda raw: b"\n" not in raw)), st.integers(1, 12))
def test_a_line_over_the_limit_is_skipped(texts: list[bytes], limit: int) -> None:
    """Lines beside an overlong one are read, and the checksum covers every complete line."""
    whole = b"".join(text + b"\n" for text in texts)
    prefix, plain = Prefix(), Prefix()
    plain.add(whole)
    stream = io.BytesIO(whole + b"unfinished")
    lines = list(read_lines(stream, limit=limit, prefix=prefix))
    assert [line.raw for line in lines[:-1]] == [
        text.rstrip(b"\r\n") if len(text) <= limit else None for text in texts
    ]
    assert not lines[-1].finished
    assert prefix.digest() == plain.digest()


def test_keys_that_are_too_long_stay_different() -> None:
    """Two long ids that differ only in their ends become two different keys."""
    one, two = key("x" * 5000 + "1"), key("x" * 5000 + "2")
    assert one != two
    assert max(len(one), len(two)) <= 1024
    assert key("short") == "short"
