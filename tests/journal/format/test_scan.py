"""The scanner finds intact records, whatever happened to the bytes around them."""

from __future__ import annotations

import re
from typing import Any
from zlib import crc32

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal import Event
from journal.format.record import FORMAT, Header, decode, encode_event, encode_header
from journal.format.scan import UNFINISHED, Damage, Found, scan
from journal.segments.blocks import read_chunk
from journal.segments.segment import open_segment

HEADER = encode_header(Header(FORMAT, "s", "l", 1, 1, "h", "b", 1, 1))
LINES = [HEADER] + [
    encode_event(n, Event("s", f"m{n}", "x", 1000 + n, 1000 + n, {"text": "x" * (n * 7 % 40)}))
    for n in range(1, 12)
]
WHOLE = b"".join(LINES)

_cut = st.tuples(st.just("cut"), st.integers(0, len(WHOLE)), st.integers(1, 300))
_noise = st.binary(min_size=1, max_size=60) | st.sampled_from(
    [b"\n", b"\0" * 50, b'{"crc":"', LINES[3], LINES[4][:-1], LINES[5][20:], b"}\n"]
)
_insert = st.tuples(st.just("insert"), st.integers(0, len(WHOLE)), _noise)
_overwrite = st.tuples(st.just("overwrite"), st.integers(0, len(WHOLE)), _noise)
Mutation = tuple[str, int, int | bytes]


def _mutate(content: bytes, mutations: list[Mutation]) -> bytes:
    for how, at, what in mutations:
        if isinstance(what, int):
            content = content[:at] + content[at + what :]
        else:
            behind = at + len(what) if how == "overwrite" else at
            content = content[:at] + what + content[behind:]
    return content


def _assert_covers(content: bytes, items: list[Found | Damage], end: int) -> None:
    """Check that records and damage cover the bytes, each beginning where the last one ends."""
    at = 0
    for item in items:
        if isinstance(item, Damage):
            assert item.offset == at
            assert item.length > 0
            at += item.length
        else:
            line = content[at : item.end]
            assert line.endswith(b"\n") == item.closed
            assert decode(line.removesuffix(b"\n")) == item.record
            at = item.end
    assert at == end


def _is_a_record(record: bytes, content: bytes) -> bool:
    """Return whether a record is in the text, and not as an object within another one."""
    return any(
        content[at.start() - 1 : at.start()] not in {b":", b"[", b","}
        or content[at.end() : at.end() + 1] not in {b",", b"}", b"]"}
        for at in re.finditer(re.escape(record), content)
    )


@settings(max_examples=300)
@given(st.lists(_cut | _insert | _overwrite, max_size=4))
@pytest.mark.slow
def test_every_intact_record_is_found_and_every_byte_is_covered(mutations: list[Mutation]) -> None:
    """Every untouched record is found after any cuts, insertions and overwrites.

    Records and damage together cover the bytes exactly, without overlap.
    """
    content = _mutate(WHOLE, mutations)
    items = list(scan(content, 0))
    _assert_covers(content, items, len(content))
    found = {repr(item.record) for item in items if isinstance(item, Found)}
    for line in LINES:
        if _is_a_record(line[:-1], content):
            assert repr(decode(line[:-1])) in found


@settings(max_examples=100)
@given(
    mutations=st.lists(_cut | _insert | _overwrite, max_size=4),
    limit=st.integers(1, 500),
    final=st.booleans(),
)
@pytest.mark.slow
def test_blocks_of_any_size_give_the_same_result(
    tmp_path_factory: pytest.TempPathFactory, *, mutations: list[Mutation], limit: int, final: bool
) -> None:
    """Blocks give the same records as the whole file, except for an unfinished last line."""
    content = _mutate(WHOLE, mutations)
    path = tmp_path_factory.getbasetemp() / "000001.jsonl"
    path.write_bytes(content)
    items: list[Found | Damage] = []
    offset = 0
    with open_segment(path) as file:
        while (chunk := read_chunk(file, offset, final=final, limit=limit)).end > offset:
            items += chunk.items
            offset = chunk.end
    end = len(content) if final else content.rfind(b"\n") + 1
    assert offset == end
    assert items == list(scan(content[:end], 0))


def test_a_whole_file_is_all_records() -> None:
    """An undamaged file gives records only; each offset is that of a line's end."""
    items = list(scan(WHOLE, 1000))
    ends = [1000 + sum(map(len, LINES[: n + 1])) for n in range(len(LINES))]
    assert [item.end for item in items if isinstance(item, Found)] == ends


def test_nuls_behind_a_record_are_the_only_damage() -> None:
    """In a file that a power loss padded with NULs, every record is found; the NULs are damage."""
    content = LINES[1] + LINES[2][:-1] + b"\0" * 10
    items = list(scan(content, 0))
    assert [type(item) for item in items] == [Found, Found, Damage]
    assert items[-1] == Damage(len(content) - 10, 10, UNFINISHED)


def test_nuls_behind_the_last_newline_are_explained() -> None:
    """ext4 may keep a file's size without its bytes; the reason of the damage says so."""
    content = LINES[1] + b"\0" * 10
    *_, last = scan(content, 0)
    reason = "NUL bytes up to the end, as a power loss leaves them in what was not synced"
    assert last == Damage(len(content) - 10, 10, reason)


@pytest.mark.parametrize("length", [1, 7, 8, 30])
def test_a_record_that_was_only_begun_is_unfinished_with_nuls_behind_it_too(length: int) -> None:
    """A torn record is unfinished, also if the power loss left NULs instead of the block's rest."""
    content = LINES[1] + LINES[2][:length] + b"\0" * 10
    *_, last = scan(content, 0)
    assert last == Damage(len(LINES[1]), length + 10, UNFINISHED)


def test_two_records_on_a_line_are_two_records() -> None:
    """Without the newline between them, both records are found."""
    items = list(scan(LINES[1][:-1] + LINES[2], 0))
    assert [item.record.seq for item in items if isinstance(item, Found)] == [1, 2]
    assert [item.closed for item in items if isinstance(item, Found)] == [False, True]


def test_a_write_within_another_damages_only_the_outer_one() -> None:
    """The record inside a torn one is found; the two halves of the torn one are damage."""
    items = list(scan(LINES[1][:40] + LINES[2] + LINES[1][40:], 0))
    assert [type(item) for item in items] == [Damage, Found, Damage]


@pytest.mark.parametrize("behind", [b"\r", b"\v", b"\0\0", b" ", b"}", b"x" * 50, LINES[3][9:-1]])
def test_bytes_behind_a_record_do_not_hide_it(behind: bytes) -> None:
    """A record ends where its checksum is right, whatever follows on the line."""
    content = b"".join(line[:-1] + behind + b"\n" for line in LINES)
    items = list(scan(content, 0))
    _assert_covers(content, items, len(content))
    records = [item.record for item in items if isinstance(item, Found)]
    assert records == [decode(line[:-1]) for line in LINES]


_INNER = orjson.loads(LINES[3])
_QUOTING = ({"a": _INNER, "b": 1}, {"a": _INNER}, {"a": [_INNER, _INNER]})


@pytest.mark.parametrize("data", _QUOTING)
def test_a_quoted_record_is_never_found(data: dict[str, Any]) -> None:
    """A message that quotes a record, cut or overwritten at any byte, contains no other record."""
    whole = encode_event(1, Event("s", "m", "x", 1000, 1000, data))
    record = decode(whole[:-1])
    for at in range(1, len(whole)):
        torn = whole[at:]
        for content in (whole[: at - 1], torn, bytes(at) + torn, whole[:at] + b"\n" + torn):
            found = [item.record for item in scan(content, 0) if isinstance(item, Found)]
            assert found in ([], [record])


@pytest.mark.parametrize("data", _QUOTING)
def test_an_object_within_a_record_of_version_1_is_no_record(data: dict[str, Any]) -> None:
    """Version 1 wrote quoted records unchanged; such an object is no record of the lane."""
    fields = {"seq": 1, "id": "m", "type": "x", "session": "s", "time": 1000, "data": data}
    rest = orjson.dumps(fields)[1:]
    whole = b'{"crc":"%08x",%b\n' % (crc32(rest), rest)
    assert LINES[3][:-1] in whole
    damaged = whole.replace(b'"id":"m"', b'"id":"n"')
    assert [type(item) for item in scan(damaged, 0)] == [Damage]


@pytest.mark.parametrize(
    "content",
    [
        b'{"crc":"' * 20_000,
        b'{"crc":"00000000",' * 10_000,
        b'{"crc":"00000000",' * 500 + b"}" * 20_000,
        b'{"crc":"00000000",}' * 10_000,
    ],
    ids=["starts", "frames", "frames and ends", "frames with ends"],
)
def test_hostile_starts_are_searched_quickly(content: bytes) -> None:
    """A line with thousands of beginnings and ends of records is reported as damage quickly."""
    content += b"\n"
    (damage,) = scan(content, 0)
    assert isinstance(damage, Damage)
    assert (damage.offset, damage.length) == (0, len(content))
