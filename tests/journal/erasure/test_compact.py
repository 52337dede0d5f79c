"""Compaction: small segments become one, and every record stays where it was."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import journal
from journal import EraserBusy, EventError, Journal, compact, read
from journal.erasure.eraser import erase
from journal.erasure.files import joining
from journal.erasure.lock import erasing
from journal.fs.directory import open_directory
from journal.fs.files import draft_of
from journal.segments.follow import Follower
from journal.segments.reader import pass_over
from journal.verify import verify
from tests.support.erasing import named
from tests.support.journals import headers, ids, segments
from tests.support.projections import facts, header, line, message, write_segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.segments.listing import SegmentRef


@contextmanager
def rolling(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Segments are full after two or three messages."""
    with monkeypatch.context() as patch:
        for module in ("writer", "lane"):
            patch.setattr(f"journal.lanes.{module}.ROLL_SIZE", 400)
        yield


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal of 20 messages in small segments of one lane."""
    path = tmp_path / "journal"
    with rolling(monkeypatch), Journal.open(path, fsync="never") as handle:
        for number in range(20):
            handle.append_message("s", "user", f"hello {number}", id=f"m{number}")
    assert len(segments(path)) > 5
    return path


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of joined segments are removed at once."""
    monkeypatch.setattr(joining, "GRACE", 0.0)


def positions(path: Path) -> list[tuple[str, str, int]]:
    """Return the id and the position of every event."""
    return [(e.event.id, e.position.lane, e.position.seq) for e in read(path)]


@pytest.mark.usefixtures("no_grace")
def test_final_segments_become_one(small: Path) -> None:
    """All lines but the headers stay byte for byte, and so do their positions."""
    before, files = positions(small), segments(small)
    lines = [each for file in files[:-1] for each in file.read_bytes().splitlines()[1:]]
    found = compact(small)
    assert (found.joined, found.segments) == (len(files) - 1, 1)
    assert (found.removed, found.waiting) == (len(files) - 2, 0)
    assert segments(small) == [files[0], files[-1]]
    assert files[0].read_bytes().splitlines()[1:] == lines
    assert positions(small) == before
    assert not verify(small / "lanes").problems


@pytest.mark.usefixtures("no_grace")
def test_the_joined_segment_names_all_that_it_supersedes(small: Path) -> None:
    """It has a uuid of its own, no inode, and the other values of the first header."""
    old = headers(small)
    compact(small)
    new = headers(small)[0]
    assert set(new.supersedes) == {each.segment for each in old[:-1]}
    assert new.segment not in {each.segment for each in old}
    assert (new.lane, new.seq, new.folder, new.pid) == (old[0].lane, 1, old[0].folder, old[0].pid)
    assert new.inode == 0


@pytest.mark.usefixtures("no_grace")
def test_a_second_run_changes_nothing(small: Path) -> None:
    """What is joined is not joined again."""
    compact(small)
    before = {file: file.stat().st_ino for file in segments(small)}
    found = compact(small)
    assert (found.joined, found.segments, found.removed, found.waiting) == (0, 0, 0, 0)
    assert {file: file.stat().st_ino for file in segments(small)} == before


def test_joined_files_stay_for_readers_and_are_read_once(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until an hour has passed both files are there; each event is read once, and is verified."""
    before, files = positions(small), segments(small)
    found = compact(small)
    assert (found.removed, found.waiting) == (0, len(files) - 2)
    assert segments(small) == files
    assert positions(small) == before
    report = verify(small / "lanes")
    assert (report.events, report.problems) == (20, ())
    again = compact(small)
    assert (again.joined, again.removed, again.waiting) == (0, 0, len(files) - 2)
    monkeypatch.setattr(joining, "GRACE", 0.0)
    assert compact(small).removed == len(files) - 2
    assert positions(small) == before
    assert not verify(small / "lanes").problems


def test_a_dry_run_changes_nothing(small: Path) -> None:
    """It counts what would be joined."""
    before = {file: file.read_bytes() for file in segments(small)}
    found = compact(small, dry_run=True)
    assert {file: file.read_bytes() for file in segments(small)} == before
    assert (found.joined, found.segments, found.waiting) == (len(before) - 1, 1, len(before) - 2)
    done = compact(small)
    assert (done.joined, done.segments, done.bytes) == (found.joined, found.segments, found.bytes)


def test_only_old_segments_are_joined(small: Path) -> None:
    """The last event of a segment decides, by the clock of its writer."""
    times = [entry.event.time for entry in read(small)]
    assert compact(small, before=times[0], dry_run=True).joined == 0
    some = compact(small, before=times[10], dry_run=True).joined
    assert 1 < some < compact(small, dry_run=True).joined
    with pytest.raises(EventError, match="before"):
        compact(small, before="yesterday")


@pytest.mark.usefixtures("no_grace")
def test_runs_of_erased_events_are_joined_too(small: Path) -> None:
    """A segment of which all events are erased goes into the one before it."""
    erase(open_directory(small), named(*(f"m{number}" for number in range(2, 15))), patience=0)
    before = positions(small)
    assert compact(small).segments == 1
    assert positions(small) == before
    assert not verify(small / "lanes").problems


@pytest.mark.parametrize(
    ("broken", "joined"),
    [("nothing", 2), *((what, 0) for what in ("damage", "torn", "header", "gap", "lane", "order"))],
)
def test_what_does_not_fit_stays(tmp_path: Path, broken: str, joined: int) -> None:
    """A segment with damage, of another lane, or behind a gap keeps its file."""
    lanes = open_directory(tmp_path / "journal").lanes
    made = facts(*(message(f"m{n}", "hi", time=n * 10) for n in range(1, 9)))
    if broken == "order":
        made[2] = replace(made[2], event=replace(made[2].event, order=1))
    lines = [line(fact) for fact in made]
    head = header("L2" if broken == "lane" else "L1", 2, seq=3)
    if broken == "damage":
        lines[2] = lines[2].replace(b"hi", b"ho")
    elif broken == "torn":
        lines[3] = lines[3][:-7]
    elif broken == "header":
        head = b""
    elif broken == "gap":
        lines[2] = b""
    write_segment(lanes, "1", 1, header("L1", 1) + b"".join(lines[:2]))
    write_segment(lanes, "1", 2, head + b"".join(lines[2:4]))
    write_segment(lanes, "1", 3, header("L1", 3, seq=6) + b"".join(lines[5:6]))
    write_segment(lanes, "1", 4, header("L1", 4, seq=7) + b"".join(lines[6:]))
    before = [file.read_bytes() for file in segments(tmp_path / "journal")]
    assert compact(tmp_path / "journal").joined == joined
    after = [file.read_bytes() for file in segments(tmp_path / "journal")]
    assert (after == before) is (not joined)
    assert after[1:] == before[1:]


def test_large_segments_stay(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment that is not small keeps its file, and a joined one does not become too large."""
    sizes = [file.stat().st_size for file in segments(small)[:-1]]
    monkeypatch.setattr("journal.erasure.compact.SMALL", min(sizes))
    assert compact(small, dry_run=True).joined == 0
    monkeypatch.setattr("journal.erasure.compact.SMALL", max(sizes) + 1)
    monkeypatch.setattr(joining, "ROLL_SIZE", max(sizes) * 3)
    found = compact(small)
    assert found.segments >= len(sizes) // 3
    # the header names each segment that was joined
    assert max(file.stat().st_size for file in segments(small)) < max(sizes) * 3 + 3 * 40


def test_a_lessee_goes_on_and_syncs_what_was_joined(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unsynced bytes of joined segments are durable in the new one: no error, no second copy."""
    monkeypatch.setattr(joining, "GRACE", 0.0)
    with rolling(monkeypatch), Journal.open(journal_dir, fsync="never") as handle:
        for number in range(12):
            handle.append_message("s", "user", f"hello {number}", id=f"m{number}")
        assert compact(journal_dir).removed > 1
        handle.append_message("s", "user", "later", id="m12")
        handle.sync()
    assert ids(journal_dir) == [f"m{number}" for number in range(13)]
    assert len({each.lane for each in headers(journal_dir)}) == 1
    assert not verify(journal_dir / "lanes").problems


@pytest.mark.usefixtures("no_grace")
def test_a_writer_continues_behind_joined_segments(small: Path) -> None:
    """The next process goes on in the active segment, under the lane's uuid."""
    lane = headers(small)[-1].lane
    compact(small)
    with Journal.open(small) as handle:
        position = handle.append_message("s", "user", "later", id="m20")
    assert (position.lane, position.seq) == (lane, 21)


@pytest.mark.parametrize("grace", [0.0, 3600.0])
def test_a_follower_misses_nothing_and_reads_nothing_twice(
    small: Path, monkeypatch: pytest.MonkeyPatch, grace: float
) -> None:
    """It may have read some of the joined segments, in part or as a whole, or none of them."""
    monkeypatch.setattr(joining, "GRACE", grace)
    wanted = ids(small)
    lanes = open_directory(small).lanes
    fresh, halfway, done = (Follower(lanes, pass_over) for _ in range(3))
    rest = halfway.read()
    first = [next(rest) for _ in range(5)]
    everything = [at.record.event.id for at in done.read()]
    assert done.poll() == []
    compact(small)
    assert everything == wanted
    assert done.poll() == []
    assert [at.record.event.id for at in fresh.read()] == wanted
    assert fresh.poll() == []
    read_on = [at.record.event.id for at in (*first, *rest, *halfway.poll())]
    assert read_on == wanted


@pytest.mark.usefixtures("no_grace")
def test_a_reader_in_the_middle_goes_on_in_the_joined_segment(small: Path) -> None:
    """Also if the files that it has listed are removed before it comes to them."""
    wanted, entries = ids(small), read(small)
    first = [next(entries).event.id for _ in range(3)]
    compact(small)
    assert first + [entry.event.id for entry in entries] == wanted


def test_erasure_removes_a_joined_file_with_what_is_forgotten(small: Path) -> None:
    """What is forgotten is in no file, and the segment does not come back as one of its own."""
    compact(small)
    report = erase(open_directory(small), named("m4", "m5"), patience=0)
    assert report.lines
    assert not any(b"hello 4" in file.read_bytes() for file in segments(small))
    assert ids(small) == [f"m{number}" for number in range(20) if number not in (4, 5)]
    assert not verify(small / "lanes").problems


def test_a_file_is_kept_if_the_joined_segment_lacks_its_records(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment that supersedes another one, and was cut off since, proves nothing."""
    compact(small)
    files = segments(small)
    files[0].write_bytes(b"".join(files[0].read_bytes().splitlines(keepends=True)[:2]))
    monkeypatch.setattr(joining, "GRACE", 0.0)
    assert compact(small).waiting > 0
    assert segments(small) == files


def test_one_process_at_a_time(small: Path) -> None:
    """Another process that erases or compacts is an error that says so."""
    with erasing(small, 0.0), pytest.raises(EraserBusy, match="erases or compacts"):
        compact(small, timeout=0.0)


def test_drafts_of_a_killed_compaction_are_removed(small: Path) -> None:
    """What was not renamed is no segment."""
    draft = draft_of(segments(small)[0])
    draft.write_bytes(b"half a segment")
    compact(small)
    assert not draft.exists()


def test_a_segment_that_was_replaced_meanwhile_is_left(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not the one that was read is not joined: its records would be lost."""
    real = joining.examine

    def replaced(ref: SegmentRef) -> joining.Sound | None:
        found = real(ref)
        copy = ref.path.with_suffix(".copy")
        copy.write_bytes(ref.path.read_bytes())
        copy.replace(ref.path)
        return found

    monkeypatch.setattr("journal.erasure.compact.examine", replaced)
    before = ids(small)
    assert compact(small).joined == 0
    assert ids(small) == before


def test_there_must_be_a_journal(tmp_path: Path) -> None:
    """A folder without a journal stays as it is."""
    with pytest.raises(journal.NotAJournalError):
        compact(tmp_path / "none")
    assert not (tmp_path / "none").exists()
