"""`verify` finds every problem with its place, and reports nothing else."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal import Journal, ReadError
from journal.format.record import FORMAT, Header, encode_header
from journal.format.sequence import Sequence
from journal.verify import Problem, Report, verify
from journal.verify.checks import TORN
from tests.journal.test_reader import write_segment

if TYPE_CHECKING:
    from pathlib import Path

THREE = [(1, 10), (2, 20), (3, 30)]


def _kinds(report: Report) -> list[str]:
    return [problem.kind for problem in report.problems]


def test_a_sound_journal_has_no_problems(tmp_path: Path) -> None:
    """Its counts are those of what was written, and it reports no problem."""
    one = write_segment(tmp_path, "1", 1, THREE)
    two = write_segment(tmp_path, "1", 2, [(4, 40)])
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "lock").touch()
    size = one.stat().st_size + two.stat().st_size
    assert verify(tmp_path) == Report(lanes=2, segments=2, events=4, bytes=size, problems=())


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    """A record with a changed byte is damage at its offset, and its number is missing."""
    path = write_segment(tmp_path, "1", 1, THREE)
    content = path.read_bytes()
    start = content.index(b'{"crc"', content.index(b'"1.1"'))
    end = content.index(b"\n", start) + 1
    path.write_bytes(content.replace(b'"1.2"', b'"1.X"'))
    damage, gap = verify(tmp_path).problems
    assert (damage.kind, damage.lane, damage.segment) == ("damage", "1", 1)
    assert (damage.offset, damage.length) == (start, end - start)
    assert damage.reason.startswith("checksum mismatch")
    assert (gap.kind, gap.offset) == ("gap", end)
    assert gap.reason == "1 missing: sequence number 2 is nowhere in the lane"


def test_a_lost_line_is_found(tmp_path: Path) -> None:
    """A deleted line is a gap, and the problem names the missing numbers."""
    write_segment(tmp_path, "1", 1, [(1, 10), (5, 50)])
    (gap,) = verify(tmp_path).problems
    assert gap.reason == "3 missing: sequence number 2 to 4 are nowhere in the lane"


@pytest.mark.parametrize("other", ["a later segment of the lane behind", "a newer format"])
def test_missing_numbers_before_the_first_header_are_found(tmp_path: Path, other: str) -> None:
    """Missing numbers before the first header are reported, whatever segments follow."""
    path = write_segment(tmp_path, "1", 1, [(3, 30), (4, 40)])
    path.write_bytes(path.read_bytes().partition(b"\n")[2])
    write_segment(tmp_path, "1", 2, THREE)
    if other == "a newer format":
        odd = Header(FORMAT + 1, "1-3", "", 0, 1, "h", "", 1, 1)
        (tmp_path / "1" / "000003.jsonl").write_bytes(encode_header(odd))
    else:
        write_segment(tmp_path, "1", 3, [(4, 40)])
    (gap,) = (problem for problem in verify(tmp_path).problems if problem.kind == "gap")
    assert (gap.segment, gap.reason) == (
        1,
        "2 missing: sequence number 1 to 2 are nowhere in the lane",
    )


def test_a_lost_segment_is_found(tmp_path: Path) -> None:
    """A deleted segment is a gap, also the first one."""
    write_segment(tmp_path, "1", 2, [(4, 40)])
    write_segment(tmp_path, "1", 4, [(9, 90)])
    reasons = [problem.reason for problem in verify(tmp_path).problems]
    assert [reason.split(":")[0] for reason in reasons] == ["3 missing", "4 missing"]


def test_a_torn_tail_is_explained(tmp_path: Path) -> None:
    """The report says that an unfinished last record was never acknowledged."""
    path = write_segment(tmp_path, "1", 1, THREE, tail=b'{"crc":"0')
    write_segment(tmp_path, "2", 1, THREE, tail=b'{"crc":"0')
    write_segment(tmp_path, "2", 2, [(4, 40)])
    size = path.stat().st_size
    report = verify(tmp_path)
    assert report.problems == (
        Problem("torn", "1", 1, size - 9, 9, TORN),
        Problem("torn", "2", 1, size - 9, 9, TORN),
    )


def test_a_tail_of_noise_is_no_torn_record(tmp_path: Path) -> None:
    """Only the beginning of a record is called torn; other bytes at the end are damage."""
    path = write_segment(tmp_path, "1", 1, THREE, tail=b"\0" * 100)
    (problem,) = verify(tmp_path).problems
    assert (problem.kind, problem.offset, problem.length) == (
        "damage",
        path.stat().st_size - 100,
        100,
    )


def test_a_whole_last_record_without_its_newline_is_an_event(tmp_path: Path) -> None:
    """A record that lacks only its newline counts as an event, and the newline is reported."""
    path = write_segment(tmp_path, "1", 1, THREE)
    path.write_bytes(path.read_bytes()[:-1])
    report = verify(tmp_path)
    assert _kinds(report) == ["newline"]
    assert report.events == 3
    assert report.bytes == path.stat().st_size


def test_a_lost_newline_is_found(tmp_path: Path) -> None:
    """A record without its newline is intact, but reported."""
    path = write_segment(tmp_path, "1", 1, THREE)
    content = path.read_bytes()
    path.write_bytes(content.replace(b'\n{"crc"', b'{"crc"', 1))
    report = verify(tmp_path)
    assert _kinds(report) == ["newline"]
    assert report.events == 3


def test_an_empty_segment_is_found(tmp_path: Path) -> None:
    """A segment without a byte is reported differently from a damaged one."""
    write_segment(tmp_path, "1", 1, THREE)
    (tmp_path / "1" / "000002.jsonl").touch()
    write_segment(tmp_path, "1", 3, [(4, 40)])
    (problem,) = verify(tmp_path).problems
    assert (problem.kind, problem.segment) == ("empty", 2)


def test_a_missing_header_is_found(tmp_path: Path) -> None:
    """A segment that begins with an event is reported as without a header."""
    path = write_segment(tmp_path, "1", 1, THREE)
    path.write_bytes(path.read_bytes().partition(b"\n")[2])
    assert _kinds(verify(tmp_path)) == ["header"]


def test_a_header_in_the_middle_is_found(tmp_path: Path) -> None:
    """Two segments in one file are reported."""
    path = write_segment(tmp_path, "1", 1, THREE)
    path.write_bytes(path.read_bytes() * 2)
    assert "header" in _kinds(verify(tmp_path))


def test_a_segment_of_another_lane_is_found(tmp_path: Path) -> None:
    """A segment that was moved here from another lane is reported, and so are missing numbers."""
    write_segment(tmp_path, "1", 1, THREE)
    write_segment(tmp_path, "1", 2, [(4, 40)])
    write_segment(tmp_path, "2", 3, [(5, 50)])
    (tmp_path / "2" / "000003.jsonl").rename(tmp_path / "1" / "000003.jsonl")
    (problem,) = verify(tmp_path).problems
    assert (problem.kind, problem.segment) == ("gap", 3)
    assert problem.reason.startswith("4 missing")


def test_a_header_with_the_wrong_number_is_found(tmp_path: Path) -> None:
    """A header whose number is not that of its segment's first record is reported."""
    path = write_segment(tmp_path, "1", 1, THREE)
    header = encode_header(Header(FORMAT, "u", "lane-1", 1, 2, "h", "b", 1, 1))
    path.write_bytes(header + path.read_bytes().partition(b"\n")[2])
    assert _kinds(verify(tmp_path)) == ["header"]


def test_a_newer_format_is_found(tmp_path: Path) -> None:
    """A segment of a newer format is reported, and its known parts are read."""
    path = write_segment(tmp_path, "1", 1, THREE)
    header = encode_header(Header(FORMAT + 1, "u", "lane-1", 1, 1, "h", "b", 1, 1))
    path.write_bytes(header + path.read_bytes().partition(b"\n")[2])
    report = verify(tmp_path)
    assert _kinds(report) == ["version"]
    assert report.events == 3


def test_records_written_again_are_no_problem(tmp_path: Path) -> None:
    """After a failed sync, a new segment begins with records that are also before it."""
    write_segment(tmp_path, "1", 1, THREE)
    write_segment(tmp_path, "1", 2, [(2, 20), (3, 30), (4, 40)])
    report = verify(tmp_path)
    assert report.problems == ()
    assert report.events == 4


def test_records_written_again_replace_lost_ones(tmp_path: Path) -> None:
    """A number that a later segment has is not missing."""
    write_segment(tmp_path, "1", 1, [(1, 10), (3, 30)])
    write_segment(tmp_path, "1", 2, [(2, 20), (3, 30), (4, 40)])
    assert verify(tmp_path).problems == ()


def test_two_events_with_one_number_are_found(tmp_path: Path) -> None:
    """A number with two events is reported: two writers had one lane."""
    write_segment(tmp_path, "1", 1, THREE)
    write_segment(tmp_path, "1", 2, [(3, 31), (4, 40)])
    report = verify(tmp_path)
    assert _kinds(report) == ["sequence"]
    assert "3 belongs to two different events" in report.problems[0].reason


@pytest.mark.parametrize("odd", [[(1, 10), (2, 20), (2, 20)], [(1, 10), (2, 10)]])
def test_numbers_and_times_must_grow(tmp_path: Path, odd: list[tuple[int, int]]) -> None:
    """Within a segment, a number or time that is not higher than the one before is reported."""
    write_segment(tmp_path, "1", 1, odd)
    assert _kinds(verify(tmp_path)) == ["sequence"]


def test_a_copied_segment_is_found(tmp_path: Path) -> None:
    """A lane that was copied within a journal is noted; its events count once."""
    write_segment(tmp_path, "1", 1, THREE)
    (tmp_path / "2").mkdir()
    content = (tmp_path / "1" / "000001.jsonl").read_bytes()
    (tmp_path / "2" / "000001.jsonl").write_bytes(content)
    report = verify(tmp_path)
    assert _kinds(report) == []
    assert [(note.kind, note.lane, note.segment) for note in report.notes] == [("copy", "2", 1)]


def test_foreign_files_are_found(tmp_path: Path) -> None:
    """Files, folders and links that are no part of a lane are reported: they are not read."""
    path = write_segment(tmp_path, "1", 1, THREE)
    (tmp_path / "notes.txt").touch()
    (tmp_path / "3").symlink_to(tmp_path / "1")
    (tmp_path / "1" / "000001.jsonl.bak").touch()
    (tmp_path / "1" / "1.jsonl").touch()
    (tmp_path / "1" / "000002.jsonl").symlink_to(path)
    (tmp_path / "1" / "000003.jsonl").mkdir()
    report = verify(tmp_path)
    assert set(_kinds(report)) == {"foreign"}
    assert len(report.problems) == 6
    assert report.segments == 1


def test_a_segment_that_cannot_be_read_does_not_end_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment that cannot be opened is one problem; the others are checked."""
    bad = write_segment(tmp_path, "1", 1, THREE)
    write_segment(tmp_path, "2", 1, [*THREE, (5, 50)])

    def refuse(path: Path) -> object:
        if path == bad:
            raise OSError(5, "Input/output error")
        return path.open("rb", buffering=0)

    monkeypatch.setattr("journal.segments.reader.open_segment", refuse)
    assert _kinds(verify(tmp_path)) == ["unreadable", "gap"]


def test_missing_lanes_are_an_error(tmp_path: Path) -> None:
    """A journal without its lanes raises an error."""
    with pytest.raises(ReadError, match="cannot list the lanes"):
        verify(tmp_path / "none")


def test_a_line_that_is_being_written_is_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that its writer completes during the check is read again, and is an event."""
    path = write_segment(tmp_path, "1", 1, THREE)
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    monkeypatch.setattr("time.sleep", lambda _: path.write_bytes(content))
    report = verify(tmp_path)
    assert report.problems == ()
    assert report.events == 3


@pytest.mark.slow
def test_a_busy_journal_is_sound(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`verify` finds no problem while writers append and roll."""
    monkeypatch.setattr("journal.lanes.writer.ROLL_SIZE", 20_000)
    stop = threading.Event()

    def write() -> None:
        with Journal.open(journal_dir, fsync="never") as journal:
            for _ in range(1_000):  # else they write for minutes on a fast disk
                if stop.is_set():
                    break
                journal.append_message("s", "user", "x" * random.randint(1, 3000))  # noqa: S311 - lengths, no secrets

    Journal.open(journal_dir).close()
    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    reports = [verify(journal_dir / "lanes") for _ in range(3)]
    while not reports[-1].events:  # the writers may not have run yet
        reports.append(verify(journal_dir / "lanes"))
    stop.set()
    for thread in threads:
        thread.join()
    assert not [problem for report in reports for problem in report.problems]


@given(st.lists(st.integers(1, 30), max_size=60))
def test_missing_numbers_are_those_that_were_not_seen(seqs: list[int]) -> None:
    """Missing numbers are those that never occur, in whatever order the others do."""
    sequence = Sequence()
    seen: set[int] = set()
    for seq in seqs:
        known = sequence.add(seq, seq * 10)
        assert (known == "again") == (seq in seen)
        seen.add(seq)
    missing = {n for first, last in sequence.missing() for n in range(first, last + 1)}
    assert missing == set(range(1, max(seen, default=0))) - seen


def test_a_number_with_another_time_is_another_event() -> None:
    """Number and time together tell a record that was written again from another event."""
    sequence = Sequence()
    assert sequence.add(2**62, 10) == "jump"
    assert sequence.add(2**62, 11) == "other"
    assert list(sequence.missing()) == [(1, 2**62 - 1)]
