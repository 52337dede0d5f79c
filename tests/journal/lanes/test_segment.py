"""Segments: their names, and how a writer continues a lane."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.segments.reader import read_events
from journal.segments.segment import (
    LAST_NUMBER,
    read_tail,
    segment_name,
    segment_number,
    segment_numbers,
)
from tests.support.journals import events, headers, ids, segments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import ExpectedProblems


def _append(path: Path, *ids: str) -> None:
    with Journal.open(path) as journal:
        for id in ids:
            journal.append_message("s", "user", "hello", id=id)


def _seqs(path: Path) -> list[int]:
    return [record.seq for record in events(path)]


@pytest.mark.parametrize("number", [1, 999_999, 1_000_000, LAST_NUMBER])
def test_a_name_gives_its_number(number: int) -> None:
    """Names have six digits or more, and are parsed to the number again."""
    assert segment_number(segment_name(number)) == number


@pytest.mark.parametrize(
    "name",
    [
        "1.jsonl",
        "0000001.jsonl",
        "000001.json",
        "000001.jsonl.tmp",
        "lock",
        "००००१.jsonl",
        "1000000000000.jsonl",
        f"{'9' * 23}.jsonl",
    ],
)
def test_other_names_are_no_names_of_segments(name: str) -> None:
    """A number has one name: of two files with one number, one would be ignored."""
    assert segment_number(name) is None


def test_a_whole_segment_is_continued(journal_dir: Path) -> None:
    """The next lessee continues the segment that its predecessor left complete."""
    _append(journal_dir, "1", "2")
    _append(journal_dir, "3")
    assert len(segments(journal_dir)) == 1
    assert _seqs(journal_dir) == [1, 2, 3]


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        (lambda content: content[:-1], {"newline"}),
        (lambda content: content[:-10] + b"\0" * 10, {"torn"}),
        (lambda content: content + b'{"crc":"\0', {"torn"}),
        (lambda content: content + b"\0" * 4096, {"damage"}),
        (lambda content: content + b"noise\n", {"damage"}),
        (lambda content: b"X" + content[1:], {"damage", "header"}),
    ],
    ids=["newline", "half", "start", "nuls", "noise", "header"],
)
def test_a_segment_with_a_bad_end_or_header_is_not_continued(
    journal_dir: Path,
    expect_problems: ExpectedProblems,
    damage: Callable[[bytes], bytes],
    kinds: set[str],
) -> None:
    """Nothing is written after a torn line, or under an unreadable header."""
    _append(journal_dir, "1", "2")
    path = segments(journal_dir)[0]
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    _append(journal_dir, "3")
    assert path.read_bytes() == damaged
    assert len(segments(journal_dir)) == 2
    assert ids(journal_dir)[-1] == "3"
    expect_problems(*kinds)  # type: ignore[arg-type] # the kinds that are spelled above
    if damaged.endswith(b"noise\n"):
        expect_problems("gap")  # the noise ended with a newline, so it may have been a record


def test_damage_in_the_middle_does_not_reset_numbers(
    journal_dir: Path, expect_problems: ExpectedProblems
) -> None:
    """The number of a damaged record stays used, so that its loss can be reported."""
    _append(journal_dir, "1", "2", "3")
    path = segments(journal_dir)[0]
    path.write_bytes(path.read_bytes().replace(b'"id":"2"', b'"id":"X"'))
    _append(journal_dir, "4")
    assert _seqs(journal_dir) == [1, 3, 4]
    expect_problems("damage", "gap")


def test_bytes_behind_a_complete_record_use_no_number(
    journal_dir: Path, expect_problems: ExpectedProblems
) -> None:
    """Changed line ends lose no record, and no number is reported as missing."""
    _append(journal_dir, "1", "2")
    path = segments(journal_dir)[0]
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    _append(journal_dir, "3")
    assert _seqs(journal_dir) == [1, 2, 3]
    expect_problems("damage", "newline")


def test_a_destroyed_last_record_keeps_its_number(
    journal_dir: Path, expect_problems: ExpectedProblems
) -> None:
    """The number of an acknowledged last line that was damaged is missing, and is not reused."""
    _append(journal_dir, "1", "2")
    path = segments(journal_dir)[0]
    path.write_bytes(path.read_bytes().replace(b'"id":"2"', b'"id":"X"'))
    _append(journal_dir, "3")
    assert _seqs(journal_dir) == [1, 3]
    expect_problems("damage", "gap")


@pytest.mark.parametrize("stale", [slice(2, 3), slice(2, 5)], ids=["one", "several"])
@pytest.mark.parametrize("length", [5, 40_000], ids=["short", "long"])
def test_an_older_record_at_the_end_frees_no_number(
    journal_dir: Path, expect_problems: ExpectedProblems, stale: slice, length: int
) -> None:
    """Older lines that occur again at the end do not free the numbers of later ones."""
    with Journal.open(journal_dir) as journal:
        for number in range(1, 9):
            journal.append_message("s", "user", "x" * length, id=str(number))
    path = segments(journal_dir)[0]
    lines = path.read_bytes().splitlines(keepends=True)
    written = b"".join(lines + lines[stale])
    path.write_bytes(written)
    _append(journal_dir, "9")
    assert path.read_bytes() == written
    assert _seqs(journal_dir)[-1] == 9
    expect_problems("sequence")


def test_an_older_record_behind_a_damaged_one_frees_no_number(
    journal_dir: Path, expect_problems: ExpectedProblems
) -> None:
    """The number of the damaged line stays used, whatever follows it."""
    _append(journal_dir, "1", "2", "3")
    path = segments(journal_dir)[0]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:-10] + b"\n" + lines[1])
    _append(journal_dir, "4")
    assert _seqs(journal_dir)[-1] == 4
    expect_problems("damage", "gap", "sequence")


def test_an_empty_segment_is_removed(journal_dir: Path) -> None:
    """A killed writer may leave the empty segment that it had just created."""
    _append(journal_dir, "1")
    (journal_dir / "lanes/1/000002.jsonl").touch()
    _append(journal_dir, "2")
    assert _seqs(journal_dir) == [1, 2]
    assert len({header.lane for header in headers(journal_dir)}) == 1


def test_an_empty_segment_behind_a_record_without_its_newline_stays(
    journal_dir: Path, expect_problems: ExpectedProblems
) -> None:
    """Such a record, which a power loss may leave, is an event only in a final segment."""
    _append(journal_dir, "1", "2")
    path = segments(journal_dir)[0]
    path.write_bytes(path.read_bytes()[:-1])
    (journal_dir / "lanes/1/000002.jsonl").touch()
    before = ids(journal_dir)
    Journal.open(journal_dir).close()
    assert ids(journal_dir) == before == ["1", "2"]
    expect_problems("newline", "empty")


@pytest.mark.parametrize(
    "left",
    [b"{", b'{"crc":"12', b'{"crc":"01234567","seq":3,"id":"' + b"x" * 300_000],
    ids=["byte", "start", "long"],
)
def test_an_unfinished_line_is_removed_by_the_next_lessee(journal_dir: Path, left: bytes) -> None:
    """Its writer was killed or refused since the machine was started: it was not acknowledged."""
    _append(journal_dir, "1", "2")
    path = segments(journal_dir)[0]
    whole = path.read_bytes()
    path.write_bytes(whole + left)
    _append(journal_dir, "3")
    assert path.read_bytes().startswith(whole + b'{"crc":"')
    assert _seqs(journal_dir) == [1, 2, 3]


def test_an_unfinished_line_of_before_a_restart_of_the_machine_stays(
    journal_dir: Path, expect_problems: ExpectedProblems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been acknowledged before the power failed, and shows that something is lost."""
    _append(journal_dir, "1", "2")
    path = segments(journal_dir)[0]
    torn = path.read_bytes()[:-10]
    path.write_bytes(torn)
    for module in ("journal.lanes.torn", "journal.lanes.lane"):
        monkeypatch.setattr(f"{module}.boot_id", lambda: "another")
    _append(journal_dir, "3")
    assert path.read_bytes() == torn
    assert ids(journal_dir) == ["1", "3"]
    expect_problems("torn")


def test_a_damaged_header_ends_the_lane(
    journal_dir: Path, expect_problems: ExpectedProblems
) -> None:
    """A writer that cannot read the lane's uuid begins a new lane, and no event is lost."""
    _append(journal_dir, "1")
    path = segments(journal_dir)[0]
    path.write_bytes(path.read_bytes() + b'{"crc":"12\0')
    _append(journal_dir, "2")
    lane = headers(journal_dir)[0].lane
    path = segments(journal_dir)[1]
    path.write_bytes(b"X" + path.read_bytes()[1:])
    _append(journal_dir, "3")
    assert headers(journal_dir)[-1].lane != lane
    assert ids(journal_dir) == ["1", "2", "3"]
    located = list(read_events(journal_dir / "lanes", lambda *_: None))
    assert [at.lane for at in located] == [lane, lane, headers(journal_dir)[-1].lane]
    expect_problems("torn", "damage", "header")


def test_a_lane_folder_of_noise_gets_a_new_lane(
    journal_dir: Path, expect_problems: ExpectedProblems
) -> None:
    """The next lessee of a lane folder whose only segment is noise can write."""
    _append(journal_dir, "1")
    segments(journal_dir)[0].write_bytes(b"\xff" * 5000)
    _append(journal_dir, "2")
    assert ids(journal_dir) == ["2"]
    expect_problems("header", "damage")


def test_a_full_segment_is_final(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane rolls at the size limit, within a process and between two lessees."""
    monkeypatch.setattr("journal.lanes.writer.ROLL_SIZE", 1000)
    monkeypatch.setattr("journal.lanes.lane.ROLL_SIZE", 1000)
    _append(journal_dir, *map(str, range(20)))
    _append(journal_dir, *map(str, range(20, 40)))
    sizes = [path.stat().st_size for path in segments(journal_dir)]
    assert len(sizes) > 4
    assert all(1000 <= size < 1400 for size in sizes[:-1])
    assert segment_numbers(journal_dir / "lanes/1") == list(range(1, len(sizes) + 1))
    assert _seqs(journal_dir) == list(range(1, 41))
    assert [header.seq for header in headers(journal_dir)] == sorted(
        {header.seq for header in headers(journal_dir)}
    )


def test_a_long_last_line_is_found(journal_dir: Path) -> None:
    """The last line is found from the end, also if it is longer than a block."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "x" * 3_000_000, id="1")
    tail = read_tail(segments(journal_dir)[0])
    assert tail is not None
    assert (tail.seq, tail.whole) == (2, True)


def test_order_grows_behind_a_damaged_tail(
    journal_dir: Path, expect_problems: ExpectedProblems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the wall clock is set back a little, the date goes back and the order grows."""
    _append(journal_dir, "1")
    now = time.time_ns()
    monkeypatch.setattr("time.time_ns", lambda: now - 60 * 10**9)
    path = segments(journal_dir)[0]
    path.write_bytes(path.read_bytes() + b'{"crc":"12\0')
    _append(journal_dir, "2")
    first, second = events(journal_dir)
    assert second.event.time < first.event.time
    assert second.event.order > first.event.order
    assert second.event.id == "2"
    expect_problems("torn")
