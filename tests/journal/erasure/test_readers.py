"""Readers that are in the middle of a segment when an eraser replaces it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import journal
from journal import Journal
from journal.erasure.eraser import erase
from journal.format.record import Erased, Record
from journal.format.scan import Damage, Found
from journal.fs.directory import open_directory
from journal.segments.follow import Follower
from journal.segments.listing import list_segments
from journal.segments.reader import SegmentWalk, read_segment
from journal.status import read_status
from journal.verify import verify
from projector.projection import Projection
from projector.upkeep.verify import verify as verify_projection
from tests.support.erasing import named
from tests.support.journals import segments

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 300
"""Bytes of a block in these tests: one or two events."""


def fill(path: Path, first: int, last: int) -> None:
    """Append messages m<first> to m<last>, of different lengths."""
    with Journal.open(path, fsync="never") as handle:
        for number in range(first, last + 1):
            handle.append_message("s", "user", "x" * (number * 7 % 50), id=f"m{number}")


def wipe(path: Path, *gone: int) -> None:
    """Erase the messages with these numbers."""
    decision = named(*(f"m{number}" for number in gone))
    assert erase(open_directory(path), decision, patience=0).lines == len(gone)


def numbers(items: list[Found | Damage]) -> list[int]:
    """Return the sequence numbers of items, also those of erased events."""
    found: list[int] = []
    for item in items:
        if isinstance(item, Found) and isinstance(item.record, Record):
            found.append(item.record.seq)
        elif isinstance(item, Found) and isinstance(item.record, Erased):
            found += range(item.record.seq, item.record.seq + item.record.count)
    return found


@pytest.mark.parametrize("gone", [(1, 2), (2, 3, 4, 5, 6, 7), (9,), tuple(range(1, 11))])
@pytest.mark.parametrize("read", [1, 3, 5])
def test_a_reader_continues_in_a_replaced_segment(
    journal_dir: Path, gone: tuple[int, ...], read: int
) -> None:
    """It reads each number once, whether events before, at or after its offset were erased."""
    fill(journal_dir, 1, 10)
    (ref,) = list_segments(journal_dir / "lanes")
    reading = read_segment(ref, limit=_BLOCK)
    items: list[Found | Damage] = []
    while not numbers(items) or numbers(items)[-1] < read:
        items.append(next(reading))
    wipe(journal_dir, *gone)
    items += reading
    assert numbers(items) == list(range(1, 11))


def test_a_reader_continues_after_two_replacements(journal_dir: Path) -> None:
    """The file system may give the third file the inode of the first."""
    fill(journal_dir, 1, 10)
    (ref,) = list_segments(journal_dir / "lanes")
    reading = read_segment(ref, limit=_BLOCK)
    items = [next(reading) for _ in range(4)]
    wipe(journal_dir, 1)
    wipe(journal_dir, 2)
    items += reading
    assert numbers(items) == list(range(1, 11))


@pytest.mark.parametrize("stop", range(1, 9))
def test_damage_is_read_once(tmp_path: Path, stop: int) -> None:
    """Damage that was read is not read again, and later damage is."""
    path = tmp_path / "journal"
    fill(path, 1, 8)
    (segment,) = segments(path)
    lines = segment.read_bytes().split(b"\n")
    lines[4] = lines[4][:30] + b"?" * 300
    lines[6] = b"noise"
    segment.write_bytes(b"\n".join(lines))
    (ref,) = list_segments(path / "lanes")
    reading = read_segment(ref, limit=_BLOCK)
    items = [next(reading) for _ in range(stop)]
    wipe(path, 1, 7)
    items += reading
    assert numbers(items) == [1, 2, 3, 5, 7, 8]
    assert sum(isinstance(item, Damage) for item in items) == 2


def test_a_follower_gets_each_event_once(journal_dir: Path) -> None:
    """After its lane's active segment is replaced, the follower continues in the next one."""
    fill(journal_dir, 1, 5)
    follower = Follower(journal_dir / "lanes", lambda _ref, _damage: pytest.fail("no damage"))
    got = [at.record.event.id for at in follower.read()]
    wipe(journal_dir, 1, 2, 4)
    got += [at.record.event.id for at in follower.poll()]
    fill(journal_dir, 6, 9)
    got += [at.record.event.id for at in follower.poll()]
    assert got == [f"m{number}" for number in range(1, 10)]
    assert follower.poll() == []


def test_a_follower_continues_in_a_segment_that_it_read_in_part(journal_dir: Path) -> None:
    """Events that were appended after its last poll are read from the new file."""
    fill(journal_dir, 1, 5)
    follower = Follower(journal_dir / "lanes", lambda _ref, _damage: pytest.fail("no damage"))
    got = [at.record.event.id for at in follower.read()]
    fill(journal_dir, 6, 9)
    wipe(journal_dir, 2, 3, 7)
    got += [at.record.event.id for at in follower.poll()]
    assert got == ["m1", "m2", "m3", "m4", "m5", "m6", "m8", "m9"]


def test_a_merged_reader_continues_in_replaced_segments(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`journal.read` yields events in order while segments are replaced."""
    for module in ("reader", "blocks"):
        monkeypatch.setattr(f"journal.segments.{module}.BLOCK", _BLOCK)
    monkeypatch.setattr("journal.segments.reader._LEAST", _BLOCK)
    with Journal.open(journal_dir) as one, Journal.open(journal_dir) as two:
        for number in range(20):
            handle = one if number % 2 else two
            handle.append_message("s", "user", "x" * (number % 7), id=f"m{number}")
    reading = journal.read(journal_dir)
    got = [next(reading).event.id for _ in range(6)]
    wipe(journal_dir, 0, 1, 3, 12, 15)
    got += [entry.event.id for entry in reading]
    left = [f"m{number}" for number in range(20) if number not in (12, 15)]
    # events that were in its memory when they were erased are yielded, too
    assert [id for id in got if id not in ("m12", "m15")] == left


def test_verify_finds_no_problem_while_segments_are_replaced(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment that is replaced during `verify` causes no gap and no repeated number."""
    monkeypatch.setattr("journal.segments.blocks.BLOCK", _BLOCK)
    monkeypatch.setattr("journal.segments.reader.read_segment.__defaults__", (None, _BLOCK))
    monkeypatch.setattr("journal.segments.reader.SegmentWalk.read.__defaults__", (_BLOCK,))
    fill(journal_dir, 1, 30)
    from journal.verify.checks import LaneCheck  # noqa: PLC0415

    real, calls = LaneCheck.record, []

    def record(self: LaneCheck, *args: object, **more: object) -> None:
        real(self, *args, **more)  # type: ignore[arg-type]
        calls.append(1)
        if len(calls) == 10:
            wipe(journal_dir, *range(3, 20))

    monkeypatch.setattr(LaneCheck, "record", record)
    report = verify(journal_dir / "lanes")
    assert not report.problems
    assert len(calls) > 10
    assert report.segments == 1


def test_the_projection_reads_a_replaced_segment_again(tmp_path: Path) -> None:
    """`projector verify` reports no fault, and no lost event."""
    path = tmp_path / "journal"
    fill(path, 1, 6)
    with Projection.open(path) as projection:
        assert len(projection.messages("s")) == 6
    wipe(path, 2, 3)
    fill(path, 7, 8)
    with Projection.open(path) as projection:
        assert [m.id for m in projection.messages("s")][-2:] == ["m7", "m8"]
        assert projection.status().reread == 0
    assert verify_projection(open_directory(path)) == []


def test_the_ends_of_lanes_are_those_of_the_records(journal_dir: Path) -> None:
    """An edit has a higher order than the last run of a lane, and status counts its events."""
    fill(journal_dir, 1, 4)
    with Journal.open(journal_dir) as handle:
        before = handle.ends()
    wipe(journal_dir, 3, 4)
    with Journal.open(journal_dir) as handle:
        assert handle.ends() == before
    assert read_status(open_directory(journal_dir)).segments == 1


def test_a_follower_reads_another_file_in_the_place_of_one_from_its_beginning(
    tmp_path: Path,
) -> None:
    """Such as a restored one: its header is where it belongs, and no damage is reported."""
    for name, ids in (("journal", (1, 9)), ("other", (1, 3))):
        fill(tmp_path / name, *ids)
    follower = Follower(tmp_path / "journal/lanes", lambda *found: pytest.fail(f"damage: {found}"))
    first = [at.record.event.id for at in follower.read()]
    (segment,), (other,) = segments(tmp_path / "journal"), segments(tmp_path / "other")
    os.replace(other, segment)  # noqa: PTH105 - as an eraser does
    again = [at.record.event.id for at in follower.poll()]
    assert first == [f"m{number}" for number in range(1, 10)]
    assert again == ["m1", "m2", "m3"]


@pytest.mark.parametrize("gone", [(1,), (1, 2, 3)])
def test_a_walk_knows_where_records_are_in_a_replaced_file(
    journal_dir: Path, gone: tuple[int, ...]
) -> None:
    """The offsets of a record are those in the file that it was read from."""
    fill(journal_dir, 1, 10)
    (ref,) = list_segments(journal_dir / "lanes")
    walk = SegmentWalk(ref, lambda _ref, _damage: pytest.fail("no damage"))
    reading = walk.read(limit=_BLOCK)
    while walk.end < ref.size // 2:
        next(reading)
    wipe(journal_dir, *gone)
    content = ref.path.read_bytes()
    found = [(walk.start, walk.end, record) for record in reading]
    assert found
    for start, end, record in found:
        assert content[start:end].count(b"\n") == 1
        assert f'"seq":{record.seq},'.encode() in content[start:end]
