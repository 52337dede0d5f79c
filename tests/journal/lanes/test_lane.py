"""Lanes: one process at a time, as few as possible, and free when their process has died."""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from journal import Journal, LeaseError, Position
from journal.fs.directory import open_directory
from journal.lanes.lane import find_continuation
from journal.process import clock
from projector import ABSENT, Projection, SessionStore
from projector.upkeep.salvage import salvage
from tests.support.journals import FORK_OF_A_THREADED_PROCESS, headers, ids, lane_names
from tests.support.projections import facts, header, message, write_lane, write_segment

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Start = Callable[..., subprocess.Popen[str]]

_HOLDER = """
import sys
from journal import Journal
journal = Journal.open(sys.argv[1])
journal.append_message("s", "user", "hello", id=sys.argv[2])
print(journal._lane.path.name, flush=True)
sys.stdin.readline()
"""


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def _lane(journal: Journal) -> str:
    assert journal._lane is not None
    return journal._lane.path.name


def test_every_process_gets_its_own_lane(journal_dir: Path, start: Start) -> None:
    """Processes that write at the same time have different lanes, numbered from 1."""
    holders = [start(_HOLDER, journal_dir, n) for n in range(8)]
    lanes = sorted(_line(holder) for holder in holders)
    for holder in holders:
        holder.communicate("\n", timeout=60)
    assert lanes == [str(n) for n in range(1, 9)]
    assert lane_names(journal_dir) == lanes
    assert len({header.lane for header in headers(journal_dir)}) == 8


def test_a_killed_process_frees_its_lane(journal_dir: Path, start: Start) -> None:
    """After SIGKILL, the next process leases the same lane and continues it."""
    first = start(_HOLDER, journal_dir, "1")
    assert _line(first) == "1"
    _kill(first)
    second = start(_HOLDER, journal_dir, "2")
    assert _line(second) == "1"
    second.communicate("\n", timeout=60)
    assert ids(journal_dir) == ["1", "2"]
    assert len(headers(journal_dir)) == 1


def test_the_lowest_free_lane_is_leased(journal_dir: Path) -> None:
    """A lane that is released is the next one to be leased."""
    held = [Journal.open(journal_dir) for _ in range(3)]
    held[1].close()
    with Journal.open(journal_dir) as journal:
        assert _lane(journal) == "2"
    for journal in held:
        journal.close()


def test_many_short_runs_leave_one_lane(journal_dir: Path) -> None:
    """A hook that appends one event per process leaves one lane and one segment."""
    for n in range(200):
        with Journal.open(journal_dir, fsync="never") as journal:
            journal.append_message("s", "user", "hello", id=str(n))
    assert lane_names(journal_dir) == ["1"]
    assert len(headers(journal_dir)) == 1
    assert len(ids(journal_dir)) == 200


def test_two_handles_of_a_process_have_two_lanes(journal_dir: Path) -> None:
    """A lease belongs to the handle, not to the process."""
    with Journal.open(journal_dir) as one, Journal.open(journal_dir) as two:
        assert _lane(one) != _lane(two)


def test_a_child_program_does_not_keep_the_lease(journal_dir: Path, start: Start) -> None:
    """A lane is free when its process is dead, although a program that it started still runs."""
    source = """
import subprocess, sys
from journal import Journal
journal = Journal.open(sys.argv[1])
child = subprocess.Popen(["sleep", "60"], close_fds=False)
print(child.pid, flush=True)
sys.stdin.readline()
"""
    holder = start(source, journal_dir)
    child = int(_line(holder))
    _kill(holder)
    try:
        with Journal.open(journal_dir) as journal:
            assert _lane(journal) == "1"
    finally:
        os.kill(child, signal.SIGKILL)


@FORK_OF_A_THREADED_PROCESS
def test_a_forked_child_does_not_free_the_lane_by_ending(journal_dir: Path) -> None:
    """A child that inherited the handle and ends does not end its parent's lease."""
    with Journal.open(journal_dir) as journal:
        if (pid := os.fork()) == 0:
            journal.close()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        with Journal.open(journal_dir) as other:
            assert _lane(other) == "2"


def test_a_forked_child_does_not_keep_the_lane(journal_dir: Path, start: Start) -> None:
    """A parent's lane is free when the parent is dead, although its forked child still runs."""
    source = """
import os, sys
from journal import Journal
journal = Journal.open(sys.argv[1])
ready, reporting = os.pipe()
if os.fork() == 0:
    os.write(reporting, b"x")
    sys.stdin.readline()
    os._exit(0)
os.read(ready, 1)
print("ready", flush=True)
sys.stdin.readline()
"""
    parent = start(source, journal_dir)
    assert _line(parent) == "ready"
    parent.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, parent.pid, os.WEXITED | os.WNOWAIT)
    with Journal.open(journal_dir) as journal:
        assert _lane(journal) == "1"


def test_the_lock_file_stays(journal_dir: Path) -> None:
    """The lock file stays when the lane is free: two processes could each lock a new one."""
    Journal.open(journal_dir).close()
    lock = journal_dir / "lanes/1/lock"
    inode = lock.stat().st_ino
    Journal.open(journal_dir).close()
    assert lock.stat().st_ino == inode


def test_another_user_gets_an_error_with_advice(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error for a lane that cannot be opened says that a journal belongs to one user."""
    Journal.open(journal_dir).close()
    real = os.open

    def refuse(path: str | Path, flags: int, mode: int = 0o777) -> int:
        if str(path).endswith("lock"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(LeaseError, match="belongs to one user"):
        Journal.open(journal_dir)


def test_bare_headers_do_not_hide_an_assigned_number(tmp_path: Path) -> None:
    """If two segments lost a record that was written to them again, its number stays used."""
    lane = tmp_path / "1"
    write_lane(tmp_path, "1", facts(*(message(str(n), "hello") for n in (1, 2, 3))))
    for number in (2, 4):
        inode = write_segment(tmp_path, "1", number, b"").stat().st_ino
        begun = header("L1", number, seq=3, inode=inode)
        write_segment(tmp_path, "1", number, begun + b'{"crc":"12')
    assert find_continuation(lane).seq == 4


def test_a_copied_lane_and_its_original_continue_as_two_lanes(journal_dir: Path) -> None:
    """A copied folder names its original, so the process that leases it begins a new lane."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "before", id="m0")
    shutil.copytree(journal_dir / "lanes/1", journal_dir / "lanes/2")
    with SessionStore.open(journal_dir) as one, SessionStore.open(journal_dir) as two:
        places = [
            store.journal.append_message("s", "user", "x", id=f"m{n}")
            for n, store in enumerate((one, two), 1)
        ]
        assert places[0].lane != places[1].lane
        for store in (one, two):
            for place in places:
                store.wait_for(place, timeout=5.0)
        assert sorted(m.id for m in one.messages("s")) == ["m0", "m1", "m2"]
        two.delete("s")
        assert not one.exists("s")


def test_a_moved_lane_folder_gets_a_new_lane(journal_dir: Path) -> None:
    """In a folder with another number, the next writer begins another lane."""
    with Journal.open(journal_dir) as journal:
        first = journal.append_message("s", "user", "x", id="m0")
    (journal_dir / "lanes/1").rename(journal_dir / "lanes/3")
    with (
        Journal.open(journal_dir) as one,
        Journal.open(journal_dir) as two,
        Journal.open(journal_dir) as three,
    ):
        lanes = {journal.append_message("s", "user", "x").lane for journal in (one, two, three)}
    assert len(lanes | {first.lane}) == 4
    assert lane_names(journal_dir) == ["1", "2", "3"]


def test_a_position_survives_the_move_of_its_lane(journal_dir: Path) -> None:
    """A position is lane and number, wherever the segment is."""
    with Journal.open(journal_dir) as journal:
        positions = [journal.append_message("s", "user", "x", id=f"m{n}") for n in range(3)]
    (journal_dir / "lanes/1").rename(journal_dir / "lanes/elsewhere")
    with Projection.open(journal_dir) as projection:
        for position in positions:
            projection.wait_for(position, timeout=5.0)
        assert not projection.has(Position(positions[-1].lane, 4))


@pytest.mark.slow
def test_a_lane_that_is_copied_back_from_a_backup_loses_nothing(
    journal_dir: Path, tmp_path: Path
) -> None:
    """No number is assigned twice, and no answer uses what was read of the replaced lane."""
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "old", id="m0")
    shutil.copytree(journal_dir / "lanes/1", tmp_path / "backup")
    with SessionStore.open(journal_dir) as store:
        for n in range(1, 20):
            store.append("s", "user", "lost", id=f"m{n}")
        store.clear("s")
        assert list(store.messages("s")) == []
    # both exist for a moment, so that the copy does not get the inode of the lost one
    shutil.copytree(tmp_path / "backup", journal_dir / "lanes/from-backup")
    shutil.rmtree(journal_dir / "lanes/1")
    (journal_dir / "lanes/from-backup").rename(journal_dir / "lanes/1")
    for n in range(3):
        with SessionStore.open(journal_dir) as store:
            assert store.keys.compare_and_set("k", n, expected=ABSENT) == (n == 0)
            assert store.keys.get("k") == 0
            store.append("s", "user", "new", id=f"n{n}")
            assert [m.id for m in store.messages("s")] == [f"n{k}" for k in range(n + 1)]
    assert len({header.lane for header in headers(journal_dir)}) == 2
    # only the projection has what was lost: salvage writes it back, or a rebuild drops it
    salvage(open_directory(journal_dir))


def test_usage_that_is_added_counts_after_a_total_of_a_clock_ahead(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Usage that is added after a total was set is added to it, whatever the clocks show."""
    with SessionStore.open(journal_dir) as meter:
        meter.append("s", "user", "x")
        real = clock.wall
        with SessionStore.open(journal_dir) as other, monkeypatch.context() as patch:
            patch.setattr(clock, "wall", lambda: real() + 86_400_000_000)
            other.set_usage("s", input_tokens=100)
        monkeypatch.setattr(clock, "_clocks", {})
        with SessionStore.open(journal_dir) as fresh:
            for n in range(5):
                fresh.add_usage("s", id=f"u{n}", input_tokens=7)
            assert fresh.session("s").usage["input_tokens"] == 135
