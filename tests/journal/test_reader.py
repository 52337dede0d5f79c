"""Reading lanes: their order, damage, and a journal that grows during the read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal import Event, Journal, ReadError
from journal.format.frame import MAX_RECORD
from journal.format.record import FORMAT, Header, Record, encode_event, encode_header
from journal.format.scan import Damage, Found
from journal.process.boot import boot_id
from journal.segments.blocks import read_chunk
from journal.segments.follow import Follower
from journal.segments.listing import SegmentRef, list_segments
from journal.segments.reader import read_events, read_segment
from journal.segments.segment import open_segment, segment_name
from journal.segments.settled import change_check
from tests.support.journals import ids, segments

if TYPE_CHECKING:
    from pathlib import Path


def write_segment(
    lanes: Path,
    lane: str,
    number: int,
    events: list[tuple[int, int]],
    *,
    tail: bytes = b"",
    uuid: str | None = None,
) -> Path:
    """Write a segment of (sequence number, time) events, as another program would."""
    folder = lanes / lane
    folder.mkdir(parents=True, exist_ok=True)
    first = events[0][0] if events else 1
    header = Header(
        FORMAT, uuid or f"{lane}-{number}", f"lane-{lane}", int(lane), first, "h", boot_id(), 1, 1
    )
    lines = [encode_event(s, Event("s", f"{lane}.{s}", "x", t, t, {})) for s, t in events]
    path = folder / segment_name(number)
    path.write_bytes(encode_header(header) + b"".join(lines) + tail)
    return path


def _refuse(ref: SegmentRef, damage: Damage) -> None:
    pytest.fail(f"damage in {ref}: {damage}")


def test_events_are_read_in_order_across_lanes(tmp_path: Path) -> None:
    """Events are ordered by time, lane uuid and number, whatever lane is listed first."""
    write_segment(tmp_path, "2", 1, [(1, 10), (2, 30)])
    write_segment(tmp_path, "2", 2, [(3, 50)])
    write_segment(tmp_path, "1", 1, [(1, 20), (2, 30), (3, 60)])
    order = [at.record.event.id for at in read_events(tmp_path, _refuse)]
    assert order == ["2.1", "1.1", "1.2", "2.2", "2.3", "1.3"]


def test_segments_are_listed_by_lane_and_number(tmp_path: Path) -> None:
    """Lane 10 comes after lane 9; every segment but a lane's last is final."""
    for lane in ("10", "9"):
        for number in (1, 2):
            write_segment(tmp_path, lane, number, [(number, number)])
    (tmp_path / "9" / "lock").touch()
    (tmp_path / "9" / "3.jsonl").touch()
    (tmp_path / "9" / "000004.jsonl").symlink_to(tmp_path / "9" / "000001.jsonl")
    listed = [(ref.lane, ref.number, ref.final) for ref in list_segments(tmp_path)]
    assert listed == [("9", 1, True), ("9", 2, False), ("10", 1, True), ("10", 2, False)]


def test_missing_lanes_are_an_error_and_not_an_empty_journal(tmp_path: Path) -> None:
    """A folder of lanes that cannot be listed raises an error."""
    with pytest.raises(ReadError, match="cannot list the lanes in"):
        list_segments(tmp_path / "none")


def test_damage_is_reported_and_reading_continues(tmp_path: Path) -> None:
    """Noise between records, and a torn end of a final segment, are reported with their place."""
    path = write_segment(tmp_path, "1", 1, [(1, 10)], tail=b'noise\n{"cr')
    write_segment(tmp_path, "1", 2, [(2, 20)])
    reported: list[tuple[int, Damage]] = []
    found = list(read_events(tmp_path, lambda ref, damage: reported.append((ref.number, damage))))
    assert [at.record.seq for at in found] == [1, 2]
    size = path.stat().st_size
    assert reported == [
        (1, Damage(size - 10, 6, "no record: bad start")),
        (1, Damage(size - 4, 4, "unfinished record")),
    ]


def test_an_unfinished_last_line_is_left_to_its_writer(tmp_path: Path) -> None:
    """The end of a lane's last segment is no damage, because a writer may be completing it."""
    path = write_segment(tmp_path, "1", 1, [(1, 10)], tail=b'{"crc":"')
    (ref,) = list_segments(tmp_path)
    items = list(read_segment(ref))
    assert all(isinstance(item, Found) for item in items)
    with open_segment(path) as file:
        assert read_chunk(file, 0, final=False).end == path.stat().st_size - 8


def test_events_under_a_damaged_header_keep_their_lane(tmp_path: Path) -> None:
    """Events under a damaged header belong to the lane of the segment before theirs."""
    write_segment(tmp_path, "1", 1, [(1, 10)])
    path = write_segment(tmp_path, "1", 2, [(2, 20)])
    path.write_bytes(b"X" + path.read_bytes()[1:])
    found = read_events(tmp_path, lambda *_: None)
    assert [(at.lane, at.record.seq) for at in found] == [("lane-1", 1), ("lane-1", 2)]


def test_endless_bytes_without_a_newline_are_skipped(tmp_path: Path) -> None:
    """The records after forty megabytes of NULs are read."""
    path = write_segment(tmp_path, "1", 1, [(1, 10)])
    head = path.stat().st_size
    rest = b"\n" + encode_event(2, Event("s", "behind", "x", 20, 20, {}))
    with path.open("ab") as file:
        file.truncate(head + 2 * MAX_RECORD + 1_000_000)
        file.write(rest)
    (ref,) = list_segments(tmp_path)
    items = list(read_segment(ref))
    assert isinstance(items[-1], Found)
    assert isinstance(items[-1].record, Record)
    assert items[-1].record.event.id == "behind"
    damaged = sum(item.length for item in items if isinstance(item, Damage))
    assert damaged == path.stat().st_size - head - len(rest) + 1


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """The error for a segment that was deleted during the read names its path."""
    path = write_segment(tmp_path, "1", 1, [(1, 10)])
    (ref,) = list_segments(tmp_path)
    path.unlink()
    with pytest.raises(ReadError, match=f"cannot open {path}"):
        list(read_segment(ref))


def test_a_follower_gets_new_events(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next poll returns new records, also of new segments and new lanes."""
    monkeypatch.setattr("journal.lanes.writer.ROLL_SIZE", 600)
    with Journal.open(journal_dir) as one:
        one.append_message("s", "user", "hello", id="0")
        follower = Follower(journal_dir / "lanes", _refuse)
        first = list(follower.read())
        assert [at.record.event.id for at in first] == ["0"]
        assert follower.poll() == []
        for n in range(1, 10):
            one.append_message("s", "user", "hello", id=str(n))
        with Journal.open(journal_dir) as two:
            two.append_message("s", "user", "hello", id="two")
            got = [at.record.event.id for at in follower.poll()]
    assert len(segments(journal_dir)) > 3
    assert got == [*map(str, range(1, 10)), "two"]
    assert follower.poll() == []


def test_a_follower_reports_a_torn_tail_when_it_is_final(tmp_path: Path) -> None:
    """An unfinished line is reported once, when the lane has a next segment."""
    reported: list[Damage] = []
    write_segment(tmp_path, "1", 1, [(1, 10)], tail=b'{"cr')
    follower = Follower(tmp_path, lambda _ref, damage: reported.append(damage))
    assert [at.record.seq for at in follower.poll()] == [1]
    assert reported == []
    write_segment(tmp_path, "1", 2, [(2, 20)])
    assert [at.record.seq for at in follower.poll()] == [2]
    follower.poll()
    assert [damage.length for damage in reported] == [4]


def test_a_follower_reports_damage_behind_the_last_record_once(tmp_path: Path) -> None:
    """Each poll continues after the damage, and not after the record before it."""
    reported: list[Damage] = []
    write_segment(tmp_path, "1", 1, [(1, 10)], tail=b"noise\n")
    follower = Follower(tmp_path, lambda _ref, damage: reported.append(damage))
    assert [at.record.seq for at in follower.poll()] == [1]
    assert follower.poll() == []
    assert [damage.length for damage in reported] == [6]


def test_a_header_in_the_middle_of_a_segment_names_no_lane(tmp_path: Path) -> None:
    """The header is damage, and the records after it stay in the lane of their segment."""
    reported: list[Damage] = []
    path = write_segment(tmp_path, "1", 1, [(1, 10)])
    other = write_segment(tmp_path, "2", 1, [(2, 20)])
    path.write_bytes(path.read_bytes() + other.read_bytes())
    other.unlink()
    found = list(read_events(tmp_path, lambda _ref, damage: reported.append(damage)))
    assert [(at.lane, at.record.seq) for at in found] == [("lane-1", 1), ("lane-1", 2)]
    assert [damage.reason for damage in reported] == ["a header in the middle of a segment"]


def test_records_written_again_are_read_once(tmp_path: Path) -> None:
    """A record that a writer wrote again after a failed sync is no second event."""
    write_segment(tmp_path, "1", 1, [(1, 10), (2, 20), (3, 30)])
    write_segment(tmp_path, "1", 2, [(2, 20), (3, 30), (4, 40)])
    follower = Follower(tmp_path, _refuse)
    found = list(follower.read())
    assert [at.record.seq for at in found] == [1, 2, 3, 4]


def test_reading_does_not_disturb_a_writer(journal_dir: Path) -> None:
    """Readers take no lock, so a journal can be read while it is written."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello", id="1")
        assert ids(journal_dir) == ["1"]
        journal.append_message("s", "user", "hello", id="2")
        assert ids(journal_dir) == ["1", "2"]


def _event_line(number: int) -> bytes:
    return encode_event(number, Event("s", f"n{number}", "x", number, number, {"n": number}))


@pytest.mark.slow
@pytest.mark.parametrize("filling", [b"x", b"\0", b'{"crc":"', b'{"crc":"00000000",'])
def test_records_among_too_many_bytes_without_a_newline_are_found(
    tmp_path: Path, filling: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records before, within and after an overlong stretch are found."""
    monkeypatch.setattr("journal.segments.blocks.MAX_RECORD", 128 * 1024)
    much = filling * (160 * 1024 // len(filling))
    lines = [_event_line(number) for number in range(1, 7)]
    content = lines[0] + lines[1][:-1] + much + lines[2][:-1] + lines[3][:-1] + much
    path = tmp_path / "000001.jsonl"
    path.write_bytes(content + lines[4][:-1] + b"\r" + lines[5])
    ref = SegmentRef(tmp_path, "1", 1, path.stat().st_size, final=True)
    items = list(read_segment(ref, limit=64 * 1024))
    records = [item.record for item in items if isinstance(item, Found)]
    assert [record.seq for record in records] == [1, 2, 3, 4, 5, 6]
    at = 0
    for item in items:
        if isinstance(item, Damage):
            assert item.offset == at
            at += item.length
        else:
            at = item.end
    assert at == ref.size


def test_a_change_check_notices_changed_active_segments(journal_dir: Path) -> None:
    """It notices an active segment that grew, was replaced or was deleted since the listing."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one", id="1")
        path = segments(journal_dir)[0]
        is_same = change_check(list_segments(journal_dir / "lanes"))
        assert is_same()
        journal.append_message("s", "user", "two", id="2")
        assert not is_same()
    is_same = change_check(list_segments(journal_dir / "lanes"))
    other = path.with_name("copy")
    other.write_bytes(path.read_bytes())
    other.replace(path)
    assert not is_same()
    is_same = change_check(list_segments(journal_dir / "lanes"))
    content = path.read_bytes()
    path.unlink()
    assert not is_same()
    path.write_bytes(content)
