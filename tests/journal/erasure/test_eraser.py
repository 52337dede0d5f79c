"""Erasure: forgotten events are removed from segments, and all others keep their places."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

import pytest

import journal
from journal import Journal
from journal.erasure.eraser import erase
from journal.erasure.lock import erasing
from journal.erasure.pending import Pending
from journal.errors import EraseError, EraserBusy
from journal.format.record import Erased, Record
from journal.format.scan import Found, scan
from journal.fs import disk
from journal.fs.directory import open_directory
from journal.fs.disk import Disk
from journal.fs.files import draft_of
from journal.lanes.recovery import LOOK_EVERY
from journal.lanes.roll_request import ROLL
from journal.segments.segment import is_segment_draft
from journal.status import read_status
from journal.verify import verify
from tests.support.erasing import BY, named
from tests.support.journals import headers, ids, segments

if TYPE_CHECKING:
    from pathlib import Path

    from journal.erasure.eraser import Report
    from journal.erasure.rewrite import Decision


def fill(path: Path, *numbers: int, text: str = "hello") -> None:
    """Append messages m<number> with one handle."""
    with Journal.open(path, fsync="never") as handle:
        for number in numbers:
            handle.append_message("s", "user", f"{text} {number}", id=f"m{number}")


def run(path: Path, decision: Decision, *, patience: float = 0.0) -> Report:
    """Erase in an existing journal."""
    return erase(open_directory(path, create=False), decision, patience=patience)


def items(segment: Path) -> list[Record | Erased]:
    """Return the records and runs of a segment."""
    found = (item.record for item in scan(segment.read_bytes(), 0) if isinstance(item, Found))
    return [record for record in found if isinstance(record, Record | Erased)]


@pytest.fixture
def rolling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make segments that are full after a few events."""
    for module in ("writer", "lane"):
        monkeypatch.setattr(f"journal.lanes.{module}.ROLL_SIZE", 700)


def test_an_erased_event_is_replaced_by_a_run(journal_dir: Path) -> None:
    """Its line is replaced by one that names the request; all other lines stay unchanged."""
    fill(journal_dir, 1, 2, 3)
    (segment,) = segments(journal_dir)
    before = segment.read_bytes().split(b"\n")
    report = run(journal_dir, named("m2"))
    after = segment.read_bytes().split(b"\n")
    assert (report.lines, report.segments, report.bytes) == (1, 1, len(before[2]) + 1)
    assert [after[1], after[3]] == [before[1], before[3]]
    order = items(segment)[1]
    assert isinstance(order, Erased)
    assert (order.seq, order.count, order.by) == (2, 1, BY)
    assert b"hello 2" not in segment.read_bytes()
    assert ids(journal_dir) == ["m1", "m3"]


def test_neighbouring_events_are_one_run(journal_dir: Path) -> None:
    """A run has the number of its events and the highest of their orders."""
    fill(journal_dir, 1, 2, 3, 4)
    (segment,) = segments(journal_dir)
    third = items(segment)[2]
    assert isinstance(third, Record)
    run(journal_dir, named("m2"))
    run(journal_dir, named("m3"))
    assert items(segment)[1] == Erased(2, 2, third.event.order, BY)


def test_a_rewritten_segment_names_its_ancestors(journal_dir: Path) -> None:
    """It has its own uuid, the uuids of all ancestors, the old header's values and no inode."""
    fill(journal_dir, 1, 2, 3)
    (old,) = headers(journal_dir)
    run(journal_dir, named("m1"))
    (second,) = headers(journal_dir)
    run(journal_dir, named("m2"))
    (third,) = headers(journal_dir)
    assert second.supersedes == (old.segment,)
    assert third.supersedes == (second.segment, old.segment)
    assert len({old.segment, second.segment, third.segment}) == 3
    assert (third.inode, third.lane, third.seq, third.pid) == (0, old.lane, old.seq, old.pid)


def test_a_reduced_event_keeps_its_place(journal_dir: Path) -> None:
    """An event that is partly forgotten keeps number, id, type, session, time and order."""
    with Journal.open(journal_dir) as handle:
        handle.append_message("s", "user", "hi", id="m1", extra={"secret": "token"})
    (segment,) = segments(journal_dir)
    (before,) = items(segment)
    report = run(journal_dir, named(reduced=("m1",)))
    (after,) = items(segment)
    assert isinstance(before, Record)
    assert isinstance(after, Record)
    assert after.event.data == {"role": "user", "content": "hi"}
    assert after._replace(event=before.event) == before
    assert (after.event.time, after.event.order) == (before.event.time, before.event.order)
    assert report.lines == 1
    assert b"token" not in segment.read_bytes()


def test_a_segment_without_forgotten_events_is_not_rewritten(journal_dir: Path) -> None:
    """A segment without forgotten events keeps its file."""
    fill(journal_dir, 1, 2)
    before = segments(journal_dir)[0].stat()
    report = run(journal_dir, named("other"))
    assert segments(journal_dir)[0].stat().st_ino == before.st_ino
    assert (report.lines, report.segments, report.pending) == (0, 0, ())


@pytest.mark.parametrize("gone", [(1, 2, 3), (3,), (2, 3), (1,)])
def test_no_number_is_assigned_twice(journal_dir: Path, gone: tuple[int, ...]) -> None:
    """A writer begins a new lane after a rewritten segment, whatever was erased of it."""
    fill(journal_dir, 1, 2, 3)
    (old,) = headers(journal_dir)
    run(journal_dir, named(*(f"m{number}" for number in gone)))
    with Journal.open(journal_dir) as handle:
        position = handle.append_message("s", "user", "later", id="m4")
    first, second = headers(journal_dir)
    assert len(segments(journal_dir)) == 2
    assert first.lane == old.lane != second.lane == position.lane
    assert position.seq == 1
    assert not verify(journal_dir / "lanes").problems
    # and another process continues in that lane
    fill(journal_dir, 5)
    assert len(segments(journal_dir)) == 2
    assert ids(journal_dir)[-2:] == ["m4", "m5"]


@pytest.mark.usefixtures("rolling")
def test_final_segments_are_replaced_while_their_lane_is_leased(journal_dir: Path) -> None:
    """The lessee continues in its active segment, and syncs the replaced segments."""
    with Journal.open(journal_dir, fsync="always") as handle:
        for number in range(20):
            handle.append_message("s", "user", f"hello {number}", id=f"m{number}")
        report = run(journal_dir, named("m1", "m7"))
        assert (report.lines, report.pending) == (2, ())
        handle.append_message("s", "user", "later", id="m20")
    assert ids(journal_dir) == [f"m{n}" for n in range(21) if n not in (1, 7)]
    assert len({header.lane for header in headers(journal_dir)}) == 1


@pytest.mark.usefixtures("rolling")
@pytest.mark.parametrize("fsync", ["never", "interval"])
def test_a_replaced_segment_counts_as_synced(journal_dir: Path, fsync: str) -> None:
    """Events that were not synced are durable in the new file: no error, no second copy."""
    with Journal.open(journal_dir, fsync=fsync) as handle:  # type: ignore[arg-type]
        events = [
            {"session": "s", "id": f"m{n}", "type": "message.appended", "data": {"role": "user"}}
            for n in range(12)
        ]
        for event in events:
            handle.append(**event)  # type: ignore[arg-type]
        assert run(journal_dir, named("m1")).segments == 1
        handle.sync()
    assert ids(journal_dir) == [f"m{n}" for n in range(12) if n != 1]
    assert sum(isinstance(i, Record) for s in segments(journal_dir) for i in items(s)) == 11


def test_a_lessee_rolls_on_request(journal_dir: Path) -> None:
    """Events of its active segment are pending, and are erased after its next append."""
    with Journal.open(journal_dir) as handle:
        handle.append_message("s", "user", "secret", id="m1")
        report = run(journal_dir, named("m1"))
        lane = segments(journal_dir)[0].parent
        uuid = headers(journal_dir)[0].lane
        assert report.pending == (Pending("1", uuid, 1, os.getpid(), os.uname().nodename),)
        assert (report.lines, (lane / ROLL).exists()) == (0, True)
        assert not verify(journal_dir / "lanes").problems
        time.sleep(LOOK_EVERY * 1.1)
        handle.append_message("s", "user", "later", id="m2")
        assert not (lane / ROLL).exists()
        assert len(segments(journal_dir)) == 2
        report = run(journal_dir, named("m1"))
        assert (report.lines, report.pending) == (1, ())
        position = handle.append_message("s", "user", "more", id="m3")
        assert position.seq == 3
    assert ids(journal_dir) == ["m2", "m3"]
    assert not any(b"secret" in segment.read_bytes() for segment in segments(journal_dir))


def test_a_pending_segment_names_its_lessee(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer that created the segment may have ended long ago."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: 4242)
        fill(journal_dir, 1)
    assert headers(journal_dir)[0].pid == 4242
    with Journal.open(journal_dir) as handle:
        handle.append_message("s", "user", "secret", id="m2")
        (pending,) = run(journal_dir, named("m2")).pending
    assert (pending.segment, pending.pid) == (1, os.getpid())


def test_the_files_of_an_eraser_are_private(journal_dir: Path) -> None:
    """Segments, the lock and the file `roll` have mode 0600, whatever the umask is."""
    before = os.umask(0o777)
    try:
        fill(journal_dir, 1, 2)
        run(journal_dir, named("m1"))
        with Journal.open(journal_dir) as handle:
            handle.append_message("s", "user", "secret", id="m3")
            assert run(journal_dir, named("m3")).pending
    finally:
        os.umask(before)
    made = [journal_dir / "eraser", *segments(journal_dir), segments(journal_dir)[0].parent / ROLL]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}


def test_the_next_eraser_finishes_a_pending_erasure(journal_dir: Path) -> None:
    """When the lessee has ended, the eraser leases the lane and removes the roll request."""
    with Journal.open(journal_dir) as handle:
        handle.append_message("s", "user", "secret", id="m1")
        assert run(journal_dir, named("m1")).pending
    report = run(journal_dir, named("m1"))
    assert (report.lines, report.pending) == (1, ())
    assert not (segments(journal_dir)[0].parent / ROLL).exists()


def test_the_draft_of_a_killed_eraser_is_removed(journal_dir: Path) -> None:
    """`verify` reports no problem; the next eraser removes the draft, which may contain secrets."""
    fill(journal_dir, 1, 2)
    (segment,) = segments(journal_dir)
    draft = draft_of(segment)
    draft.write_bytes(segment.read_bytes())
    draft.chmod(0o600)
    assert not verify(journal_dir / "lanes").problems
    run(journal_dir, named("other"))
    assert sorted(os.listdir(segment.parent)) == ["000001.jsonl", "lock"]


class _Linking(Disk):
    """Changes the time of change of a segment while its replacement is written."""

    def __init__(self, times: int) -> None:
        self.left = times

    def create(self, path: Path) -> int:
        """Make a file; change the segment that it is to replace."""
        if self.left and is_segment_draft(path.name):
            self.left -= 1
            segments(path.parent.parent.parent)[0].chmod(0o600)
        return super().create(path)


def test_a_segment_that_is_touched_meanwhile_is_read_again(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that links the file changes it no more than that: it must not stay as it is."""
    fill(journal_dir, 1, 2)
    monkeypatch.setattr(disk, "in_use", _Linking(3))
    report = run(journal_dir, named("m1"))
    assert (report.lines, report.segments) == (1, 1)
    assert ids(journal_dir) == ["m2"]


@pytest.mark.slow
def test_a_segment_that_is_touched_for_ever_is_an_error(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is forgotten is still there, and the error says so."""
    fill(journal_dir, 1, 2)
    monkeypatch.setattr(disk, "in_use", _Linking(10_000))
    with pytest.raises(EraseError, match="changed again and again"):
        run(journal_dir, named("m1"))


def test_one_eraser_at_a_time(journal_dir: Path) -> None:
    """A second one waits for a bounded time, and then names the process that erases."""
    fill(journal_dir, 1)
    directory = open_directory(journal_dir)
    with erasing(directory.path, 1), pytest.raises(EraserBusy, match="another process erases"):
        erase(directory, named("m1"), timeout=0.05)
    assert run(journal_dir, named("m1")).lines == 1


def test_status_shows_the_last_event_that_was_not_erased(journal_dir: Path) -> None:
    """A run has no date, so status shows the date of the last event before it."""
    fill(journal_dir, 1, 2, 3)
    times = [entry.event.time for entry in journal.read(journal_dir)]
    run(journal_dir, named("m2", "m3"))
    assert read_status(open_directory(journal_dir)).last == times[0]
    run(journal_dir, named("m1"))
    assert read_status(open_directory(journal_dir)).last is None
