"""docs/format.md is true: its example, its numbers, its reader and its writer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

from journal import Event, EventError, Journal, Position
from journal.format.bounds import DEPTH, KEY_LIMIT, LARGEST
from journal.format.event_types import _KNOWN, EVENT_TYPES, MESSAGE_FIELDS
from journal.format.frame import BODY, MAX_RECORD, START
from journal.format.record import FORMAT, Header, Record, decode, encode_header
from journal.format.record import encode_event as encode
from journal.segments.reader import read_events
from journal.segments.segment import ROLL_SIZE
from journal.verify import verify
from tests.support.journals import events, headers, ids
from tests.support.redaction.document import DOC, block
from tests.support.redaction.document import program as programs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import ExpectedProblems


@pytest.fixture
def program() -> dict[str, Any]:
    """The functions that the reader and the writer of the document define."""
    return programs("reader", "writer")


def test_the_example_of_the_document_is_valid() -> None:
    """Its checksums are right, it can be decoded, and this program writes the same bytes."""
    example = block("example").encode()
    lines = example.splitlines(keepends=True)
    records = [decode(line[:-1]) for line in lines]
    header, first, second = records
    assert isinstance(header, Header)
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert encode_header(header) == lines[0]
    assert encode(first.seq, first.event) == lines[1]
    assert encode(second.seq, second.event) == lines[2]
    assert first.event.data["content"] == 'Is 北京 spelled "Beijing"?\n'


def test_the_numbers_of_the_example_are_right() -> None:
    """Offsets, lengths, position and checksum in the prose are those of the example."""
    lines = block("example").encode().splitlines(keepends=True)
    ends = [sum(map(len, lines[: n + 1])) for n in range(3)]
    assert f"three lines and {ends[2]} bytes" in DOC
    assert f"bytes 0-{ends[0] - 1}, the first event bytes {ends[0]}-{ends[1] - 1}" in DOC
    assert f"the second bytes {ends[1]}-{ends[2] - 1}" in DOC
    header = decode(lines[0][:-1])
    assert isinstance(header, Header)
    assert f"`{Position(header.lane, 1)}`" in DOC
    checked = lines[2][BODY:-1]
    assert f"{len(checked)} of them; their CRC-32 is 0x{crc32(checked):08X}" in DOC


def test_the_limits_are_those_of_the_program() -> None:
    """Sizes, versions and the frame of a line are the constants of the code."""
    assert DOC.startswith(f"# The format of a journal, version {FORMAT}\n")
    assert f"fewer than {ROLL_SIZE:,} bytes" in DOC
    assert f"at most {MAX_RECORD:,} bytes" in DOC
    assert f"1 to {KEY_LIMIT:,} characters" in DOC
    assert f"at most {DEPTH} levels of nesting" in DOC
    assert f"more than {DEPTH} levels deep" in DOC
    assert LARGEST == 2**53 - 1
    assert "are at most 2^53 - 1" in DOC
    assert f"| 0-7 | `{START.decode()}` |" in DOC


def test_every_type_and_field_is_documented() -> None:
    """No event type and no field is missing in the tables."""
    for type in EVENT_TYPES:
        assert f"`{type}`:" in DOC
        for field in _KNOWN[type][0]:
            assert f"`{field}`" in DOC
    table = DOC.partition("`message.appended`:")[2].partition("`message.revised`")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(MESSAGE_FIELDS)
    for field in Header.__slots__:
        assert f"| `{field}` |" in DOC


def test_the_documents_reader_reads_what_this_program_writes(
    journal_dir: Path, program: dict[str, Any]
) -> None:
    """A reader made from the document alone finds every event."""
    with Journal.open(journal_dir) as one, Journal.open(journal_dir) as two:
        for n in range(5):
            one.append_message("s", "user", "北京", id=f"one{n}")
            two.append(session="s", id=f"two{n}", type="x", data={"n": [n, None, 1.5]})
    expected = [
        (at.lane, at.record.seq, at.record.event)
        for at in read_events(journal_dir / "lanes", lambda *_: None)
    ]
    read = [
        (
            lane,
            f["seq"],
            Event(
                f["session"], f["id"], f["type"], f["time"], f.get("order", f["time"]), f["data"]
            ),
        )
        for lane, f in program["read"](journal_dir)
    ]
    assert sorted(read, key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize("kind", ["arrays", "objects"])
def test_one_bound_of_nesting_holds_for_writers_and_readers(
    journal_dir: Path, program: dict[str, Any], kind: str, expect_problems: ExpectedProblems
) -> None:
    """A record of the maximum depth is written and read; one level more is refused by all."""

    def data(levels: int) -> dict[str, Any]:
        value: Any = 1
        for _ in range(levels - 2):  # the record's object and `data` are two levels
            value = [value] if kind == "arrays" else {"a": value}
        return {"value": value}

    with Journal.open(journal_dir) as journal:
        journal.append(session="s", id="deepest", type="x", data=data(DEPTH))
        with pytest.raises(EventError, match=f"nested more than {DEPTH} levels"):
            journal.append(session="s", id="deeper", type="x", data=data(DEPTH + 1))
    lines = []
    for seq, levels in enumerate((DEPTH, DEPTH + 1, 900, 5000), 1):
        begin, end = ("[", "]") if kind == "arrays" else ('{"a":', "}")
        nested = begin * (levels - 2) + "1" + end * (levels - 2)
        rest = (
            f'"seq":{seq},"id":"f{seq}","type":"x","session":"s","time":1,"data":{{"v":{nested}}}}}'
        )
        lines.append(b'{"crc":"%08x",%b\n' % (crc32(rest.encode()), rest.encode()))
    folder = journal_dir / "lanes" / "forged"
    folder.mkdir(mode=0o700)
    (folder / "000001.jsonl").write_bytes(b"".join(lines))
    assert sorted(ids(journal_dir)) == ["deepest", "f1"]
    assert sorted(fields["id"] for _, fields in program["read"](journal_dir)) == ["deepest", "f1"]
    expect_problems("damage", "header")


def test_this_program_reads_what_the_documents_writer_writes(
    journal_dir: Path, program: dict[str, Any]
) -> None:
    """A writer made from the document alone appends to valid lanes, and releases them."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello", id="1")
        program["append"](journal_dir, [("s", "2", "x", {"text": "zwölf"})])
    program["append"](journal_dir, [("s", "3", "x", {}), ("s", "4", "x", {})])
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello", id="5")
    assert ids(journal_dir) == ["1", "2", "3", "4", "5"]
    assert [record.seq for record in events(journal_dir)] == [1, 1, 1, 2, 1]
    assert len({header.segment for header in headers(journal_dir)}) == 4
    assert verify(journal_dir / "lanes").problems == ()
