"""Erasure in segments that are damaged, older or newer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal.erasure.eraser import erase
from journal.format.record import Erased, Record
from journal.format.scan import Found, scan
from journal.fs.directory import open_directory
from journal.lanes.lane import try_lease
from journal.verify import verify
from journal.writer import Journal
from tests.support.erasing import BY, named
from tests.support.journals import segments
from tests.support.projections import facts, header, line, message, write_segment

if TYPE_CHECKING:
    from pathlib import Path


def _journal(path: Path, number: int = 2) -> Path:
    """Make a journal of a version, without lanes."""
    Journal.open(path).close()
    mark = path / "journal.json"
    mark.write_bytes(mark.read_bytes().replace(b'"format":2', b'"format":%d' % number))
    return path


def _runs(segment: Path) -> list[tuple[int, int, str]]:
    found = (item.record for item in scan(segment.read_bytes(), 0) if isinstance(item, Found))
    return [(r.seq, r.count, r.by) for r in found if isinstance(r, Erased)]


def _lines(count: int) -> list[bytes]:
    return [line(fact) for fact in facts(*(message(f"m{n}", "hello") for n in range(1, count + 1)))]


def _order(folder: Path) -> int:
    """Return the highest order that a lessee of a lane finds."""
    lane = try_lease(folder)
    assert lane is not None
    try:
        return lane.continuation().order
    finally:
        lane.release()


def test_damage_stays_and_is_reported(tmp_path: Path) -> None:
    """Bytes that are no record cannot be checked: they are kept and reported."""
    path = _journal(tmp_path / "journal")
    one, two, three = _lines(3)
    segment = write_segment(path / "lanes", "1", 1, header("L1") + one + b"?" + two + three)
    report = erase(open_directory(path), named("m1", "m3"), patience=0)
    (damage,) = report.damaged
    assert (damage.lane_folder, damage.segment, damage.length) == ("1", 1, 1)
    assert b"?" + two in segment.read_bytes()
    assert _runs(segment) == [(1, 1, BY), (3, 1, BY)]


def test_damage_can_be_erased(tmp_path: Path) -> None:
    """The numbers of lost records stay used, also after the last record."""
    path = _journal(tmp_path / "journal")
    lines = _lines(6)
    content = [*lines[:2], b"secret noise\n", lines[3], lines[4], b"secret\n"]
    segment = write_segment(path / "lanes", "1", 1, header("L1") + b"".join(content))
    following = _order(segment.parent)
    report = erase(open_directory(path), named("m1"), erases_damage=True, patience=0)
    assert b"secret" not in segment.read_bytes()
    assert report.lines == 1
    assert _runs(segment) == [(1, 1, BY), (3, 1, "damaged"), (6, 1, "damaged")]
    assert not verify(path / "lanes").problems
    assert _order(segment.parent) >= following


def test_a_torn_line_at_the_end_stays(tmp_path: Path) -> None:
    """A torn last line, which a lane without a lessee may have, is copied by a rewrite."""
    path = _journal(tmp_path / "journal")
    one, two = _lines(2)
    segment = write_segment(path / "lanes", "1", 1, header("L1") + one + two + b'{"crc":"12')
    erase(open_directory(path), named("m1"), patience=0)
    assert segment.read_bytes().endswith(two + b'{"crc":"12')


@pytest.mark.parametrize(
    ("lane", "seq", "is_left"),
    [("L1", 2, False), ("L1", 1, False), ("L1", 3, True), ("L9", 2, True)],
)
def test_an_unfinished_line_whose_number_is_of_another_event_is_left_out(
    tmp_path: Path, lane: str, seq: int, *, is_left: bool
) -> None:
    """Its append was refused, since the lane continues with its number or one before it."""
    path = _journal(tmp_path / "journal")
    one, two, three = _lines(3)
    torn = write_segment(path / "lanes", "1", 1, header("L1") + one + two[:-9])
    rest = [line for number, line in ((1, one), (2, two), (3, three)) if number >= seq]
    write_segment(path / "lanes", "1", 2, header(lane, 2, seq=seq) + b"".join(rest))
    report = erase(open_directory(path), named("other"), patience=0)
    assert torn.read_bytes().endswith(two[:-9]) is is_left
    assert bool(report.damaged) is is_left
    assert report.bytes == (0 if is_left else len(two) - 9)


def test_an_unfinished_line_without_a_lessee_is_checked(tmp_path: Path) -> None:
    """A whole record in it is erased; of other bytes the report says that they may be forgotten."""
    path = _journal(tmp_path / "journal")
    one, two = _lines(2)
    whole = write_segment(path / "lanes", "1", 1, header("L1") + one + two[:-1])
    torn = write_segment(path / "lanes", "2", 1, header("L2", folder=2) + one + two[:-9])
    report = erase(open_directory(path), named("m2"), patience=0)
    assert _runs(whole) == [(2, 1, BY)]
    assert [(it.lane_folder, it.length) for it in report.damaged] == [("2", len(two) - 9)]
    report = erase(open_directory(path), named("m2"), erases_damage=True, patience=0)
    assert report.damaged == ()
    assert torn.read_bytes().endswith(one)
    assert [problem.kind for problem in verify(path / "lanes").problems] == ["newline"]


def test_an_unfinished_line_of_a_lessee_is_named(tmp_path: Path) -> None:
    """Its write may never return: the line stays, and nothing waits for it."""
    path = _journal(tmp_path / "journal")
    with Journal.open(path) as handle:
        handle.append_message("s", "user", "hello", id="m1")
        (segment,) = segments(path)
        with segment.open("ab") as file:
            file.write(b'{"crc":"12')
        report = erase(open_directory(path), named("other"), patience=0)
        assert [(it.length, it.reason) for it in report.damaged] == [(10, "an unfinished line")]
        assert (report.pending, report.segments) == ((), 0)


def test_a_record_without_its_newline_stays_without_it(tmp_path: Path) -> None:
    """A run in place of a record without a newline has none: the bytes after it have no number."""
    path = _journal(tmp_path / "journal")
    one, two = _lines(2)
    segment = write_segment(path / "lanes", "1", 1, header("L1") + one + two[:-1] + b"noise\n")
    erase(open_directory(path), named("m2"), patience=0)
    assert _runs(segment) == [(2, 1, BY)]
    assert segment.read_bytes().endswith(b"}noise\n")


def test_in_a_journal_of_version_1_each_event_has_a_run(tmp_path: Path) -> None:
    """A writer of version 1 counts a line that it does not know as one number."""
    path = _journal(tmp_path / "journal", 1)
    content = header("L1", format=1, folder=0) + b"".join(_lines(4))
    segment = write_segment(path / "lanes", "1", 1, content)
    erase(open_directory(path), named("m2", "m3", "m4"), patience=0)
    assert _runs(segment) == [(2, 1, BY), (3, 1, BY), (4, 1, BY)]
    assert b'"format":1' in segment.read_bytes()
    with Journal.open(path) as handle:
        assert handle.append_message("s", "user", "later").lane != "L1"
    assert not verify(path / "lanes").problems


def test_a_segment_of_a_newer_version_is_named(tmp_path: Path) -> None:
    """Records of a newer version are not interpreted, so the segment is reported, not erased."""
    path = _journal(tmp_path / "journal")
    content = header("L1", format=3) + b"noise\n" + b"".join(_lines(2))
    segment = write_segment(path / "lanes", "1", 1, content)
    report = erase(open_directory(path), named("m1"), erases_damage=True, patience=0)
    assert report.newer == (("1", 1),)
    assert segment.read_bytes() == content


def test_a_segment_in_a_restored_folder_is_rewritten(tmp_path: Path) -> None:
    """A folder of another machine has no number; it is locked and rewritten as any other."""
    path = _journal(tmp_path / "journal")
    content = header("L1", folder=0) + b"".join(_lines(3))
    segment = write_segment(path / "lanes", "laptop-1", 1, content)
    erase(open_directory(path), named("m2"), patience=0)
    assert _runs(segment) == [(2, 1, BY)]
    left = [item.record for item in scan(segment.read_bytes(), 0) if isinstance(item, Found)]
    assert [r.event.id for r in left if isinstance(r, Record)] == ["m1", "m3"]
    assert len(segments(path)) == 1
