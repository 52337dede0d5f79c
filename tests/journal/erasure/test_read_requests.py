"""How requests are found in the lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal import Journal
from journal.erasure import requests
from journal.erasure.requests import RequestScan, read_requests
from journal.errors import ReadError
from journal.format.event import Event
from journal.format.event_types import MESSAGE_APPENDED
from journal.format.frame import MAX_RECORD
from journal.format.keyed_hash import Key
from journal.format.record import FORMAT, Header, Record, encode_event, encode_header
from journal.format.redacted import Redacted
from journal.fs.directory import open_directory
from journal.fs.key_file import add_keys, own_key
from journal.segments import find
from journal.segments.find import find_events
from journal.segments.listing import list_segments
from journal.segments.reader import SegmentWalk, pass_over
from journal.status import read_status
from projector import Projection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef

TYPE = b"erasure.requested"


@pytest.fixture
def journal(tmp_path: Path) -> Directory:
    """Return a journal with a key and without lanes."""
    directory = open_directory(tmp_path / "journal")
    own_key(directory.path)
    return directory


def line(seq: int, id: str, session: str = "@forget") -> bytes:
    """Return the record of a request."""
    data = {"key": "0a1b2c3d", "sessions": ["0" * 32]}
    return encode_event(seq, Event(session, id, "erasure.requested", seq, seq, data))


def other(seq: int, content: str = "hello") -> bytes:
    """Return the record of a message."""
    data = {"role": "user", "content": content}
    return encode_event(seq, Event("s", f"m{seq}", "message.appended", seq, seq, data))


def header(version: int = FORMAT, segment: int = 1) -> bytes:
    """Return the header of a segment."""
    return encode_header(
        Header(version, str(UUID(int=segment)), str(UUID(int=2)), 1, 1, "h", "", 1, 1)
    )


def put(journal: Directory, number: int, *parts: bytes) -> None:
    """Write a segment."""
    folder = journal.lanes / "1"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / f"{number:06d}.jsonl").write_bytes(b"".join(parts))


def found(journal: Directory) -> list[str]:
    """Return the ids of the requests that are found."""
    return [request.id for request in read_requests(journal).requests]


def test_requests_are_found_in_all_lanes(journal_dir: Path) -> None:
    """A request is found in every lane and segment; a message that quotes one is no request."""
    key = own_key(open_directory(journal_dir).path)
    data = {"key": key.id, "sessions": [key.hash("session", "s")]}
    with Journal.open(journal_dir) as one, Journal.open(journal_dir) as two:
        one.append_message("s", "user", "what is erasure.requested?", id="m1")
        for n, writer in enumerate((one, two)):
            writer.append(session="@forget", id=f"r{n}", type="erasure.requested", data=data)
    what = read_requests(open_directory(journal_dir))
    assert [request.id for request in what.requests] == ["r0", "r1"]
    assert what.unknown_keys == ()
    assert what.apply(Event("s", "x", "message.appended", 1, 1, {}), "", 0) == (None, "r0")


def test_without_a_key_no_segment_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that uses neither redaction nor forgetting costs one check for a file."""
    journal = open_directory(tmp_path / "journal")
    put(journal, 1, header(), line(1, "r1"))
    monkeypatch.setattr(requests, "list_segments", None)
    assert not RequestScan(journal).read_understood()


def test_a_journal_that_lost_its_keys_has_its_requests(tmp_path: Path) -> None:
    """A copy without the file `key` must not say that nothing was forgotten: its key is named."""
    journal = open_directory(tmp_path / "journal")
    put(journal, 1, header(), line(1, "r1"))
    assert found(journal) == ["r1"]
    assert read_requests(journal).unknown_keys == ("0a1b2c3d",)
    assert read_status(journal).unknown_keys == ("0a1b2c3d",)


@pytest.mark.parametrize("version", [1, 2])
def test_requests_are_found_in_both_formats(journal: Directory, version: int) -> None:
    """A request in a segment of version 1 is found, too."""
    put(journal, 1, header(version), other(1), line(2, "r1"))
    assert found(journal) == ["r1"]


def test_records_of_a_newer_format_are_not_read(journal: Directory) -> None:
    """This version does not know their meaning."""
    put(journal, 1, header(FORMAT + 1), line(1, "r1"))
    put(journal, 2, header(), line(2, "r2"))
    assert found(journal) == ["r2"]


def test_a_request_in_damaged_bytes_is_found(journal: Directory) -> None:
    """A lost newline, a torn record before it or a damaged header does not hide a request."""
    torn = other(1)[:40]
    put(
        journal, 1, header()[:-9], b"\n", torn, line(2, "r1"), b"\0" * 99, line(3, "r2")[:-1], b"\0"
    )
    put(journal, 2, header(), line(4, "r3")[:-2], b"\n", other(5))
    assert found(journal) == ["r1", "r2"]


def test_a_request_in_a_line_that_is_too_long_is_found(journal: Directory) -> None:
    """More than 16 MiB without a newline are searched, too."""
    put(journal, 1, header(), b"x" * (MAX_RECORD + 7), line(1, "r1"), other(2), line(3, "r2"))
    assert found(journal) == ["r1", "r2"]


def test_an_unfinished_request_counts_when_its_segment_is_final(journal: Directory) -> None:
    """The last line of a growing segment may still be continued, so it is not read before."""
    put(journal, 1, header(), line(1, "r1"), line(2, "r2")[:-1])
    assert found(journal) == ["r1"]
    put(journal, 2, header())
    assert found(journal) == ["r1", "r2"]


def test_a_segment_that_cannot_be_read_is_named(journal: Directory) -> None:
    """A segment that cannot be opened raises an error, because it may contain a request."""
    put(journal, 1, header())
    path = journal.lanes / "1" / "000001.jsonl"
    path.chmod(0o666)
    with pytest.raises(ReadError, match=r"000001\.jsonl"):
        read_requests(journal)


def names_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which the name of each searched segment is added from now on."""
    names: list[str] = []
    search = find_events

    def noted(ref: SegmentRef, text: bytes, offset: int) -> tuple[list[Event], int]:
        names.append(f"{ref.path.name} from {offset}")
        return search(ref, text, offset)

    monkeypatch.setattr(requests, "find_events", noted)
    return names


def test_a_second_search_reads_only_new_bytes(
    journal: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that arrives during an import is found, and only new bytes are read."""
    put(journal, 1, header(), line(1, "r1"))
    put(journal, 2, header(), other(2))
    scan = RequestScan(journal)
    first = scan.read()
    names = names_read(monkeypatch)
    assert scan.read() is first
    put(journal, 2, header(), other(2), line(3, "r2"))
    assert [request.id for request in scan.read().requests] == ["r1", "r2"]
    assert names == [f"000002.jsonl from {len(header() + other(2))}"]


def test_the_next_process_searches_no_final_segment_without_requests_again(
    journal: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint lists segments without requests; a segment that changed is searched again."""
    for number, content in enumerate([other(1), line(2, "r2"), other(3), other(4)], 1):
        put(journal, number, header(), content)
    first = RequestScan(journal)
    first.read()
    first.save()
    names = names_read(monkeypatch)
    assert [request.id for request in RequestScan(journal).read().requests] == ["r2"]
    assert names == ["000002.jsonl from 0"]
    put(journal, 3, header(), line(3, "r3"))
    assert [request.id for request in RequestScan(journal).read().requests] == ["r2", "r3"]


def test_the_next_process_searches_only_new_bytes_of_a_growing_segment(
    journal: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment of the same inode that begins otherwise is another one: it is searched whole."""
    put(journal, 1, header(), other(1))
    monkeypatch.setattr(requests, "_WORTH", 0)
    first = RequestScan(journal)
    first.read()
    first.save()
    size = len(header() + other(1))
    names = names_read(monkeypatch)
    put(journal, 1, header(), other(1), line(2, "r2"))
    assert [request.id for request in RequestScan(journal).read().requests] == ["r2"]
    put(journal, 1, header(segment=3), line(1, "r1"), other(2))
    assert [request.id for request in RequestScan(journal).read().requests] == ["r1"]
    assert names == [f"000001.jsonl from {size}", "000001.jsonl from 0"]


@pytest.mark.parametrize("hint", [b"", b"[]", b'{"version":1,"empty":[]}', b'{"version":2}'])
def test_a_damaged_hint_is_ignored(journal: Directory, hint: bytes) -> None:
    """With a damaged hint, every segment is searched."""
    put(journal, 1, header(), line(1, "r1"))
    (journal.path / "imports").mkdir(mode=0o700)
    (journal.path / "imports/requests").write_bytes(hint)
    assert [request.id for request in RequestScan(journal).read().requests] == ["r1"]


def test_the_status_names_the_keys_that_requests_need(journal: Directory) -> None:
    """Without the key of another journal, what its request forgets is shown."""
    put(journal, 1, header(), line(1, "r1"))
    assert read_status(journal).unknown_keys == ("0a1b2c3d",)


def test_the_status_names_the_keys_of_redacted_events(tmp_path: Path) -> None:
    """Also where the journal has no key at all; a key that is added is not named any more."""
    path = tmp_path / "other"
    other = Key(b"o" * 32)
    redacted = Redacted(other.id, "1" * 32, "rules", {"jwt": 1})
    with Journal.open(path) as journal:
        data = {"role": "user", "content": "x", "extra": {"redacted": 1}}
        journal.append(session="s", type=MESSAGE_APPENDED, data=data, redacted=redacted)
    directory = open_directory(path)
    assert read_status(directory).unknown_keys == (other.id,)
    with Projection.open(path) as projection:
        projection.sessions()
        assert projection.status().unknown_keys == (other.id,)
        add_keys(path, [other])
        assert projection.status().unknown_keys == ()
    assert read_status(directory).unknown_keys == ()


_PARTS = st.lists(
    st.one_of(
        st.integers(1, 9).map(lambda n: line(n, f"r{n}")),
        st.integers(1, 9).map(lambda n: line(n, f"r{n}", "s")),
        st.integers(1, 9).map(lambda n: other(n, "erasure.requested" * (n % 3))),
        st.sampled_from([b"\n", b"\0" * 20, line(3, "r3")[:-1], line(3, "r3")[:70], header()]),
    ),
    max_size=12,
)


@given(parts=_PARTS, block=st.integers(1, 600), is_final=st.booleans())
@pytest.mark.slow
def test_the_search_finds_what_the_reader_finds(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], block: int, *, is_final: bool
) -> None:
    """No request is missed, for any bytes and for any size of the blocks that are read."""
    journal = open_directory(tmp_path_factory.mktemp("found") / "journal")
    put(journal, 1, header(), *parts)
    if is_final:
        put(journal, 2, header())
    ref = list_segments(journal.lanes)[0]

    def decoded() -> Iterator[Event]:
        for record in SegmentWalk(ref, pass_over).read():
            if isinstance(record, Record) and record.event.type == TYPE.decode():
                yield record.event

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(find, "BLOCK", block)
        events, _ = find_events(ref, TYPE)
        there = [event for event in events if event.type == TYPE.decode()]
    assert there == list(decoded())
