"""What is promised when the disk refuses, fills up, or the program is interrupted."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import resource
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from journal import AppendError, Journal, SyncError
from journal.verify import DEATH, verify
from tests.support.journals import (
    events,
    headers,
    ids,
    is_segment,
    open_segments,
    patch_write,
    segments,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.lanes.group_commit import Fsync
    from tests.conftest import ExpectedProblems


class Disk:
    """Stands in for fdatasync(2): counts calls, and refuses when told to."""

    def __init__(self) -> None:
        self.syncs = 0
        self.refusals = 0
        self.during: Callable[[], None] = lambda: None

    def fdatasync(self, fd: int) -> None:
        """Sync, or refuse while refusals are left."""
        assert is_segment(fd)
        self.syncs += 1
        self.during()
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.EIO, "Input/output error")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk that can be told to refuse."""
    disk = Disk()
    monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
    return disk


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Let no file of this process grow over so many bytes: not for long, its output is one too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _tear(monkeypatch: pytest.MonkeyPatch, landing: Callable[[bytes], int]) -> None:
    """Let only the first bytes of every write reach the file before the disk is full."""
    real = os.write
    full = False

    def write(fd: int, data: bytes | memoryview) -> int:
        nonlocal full
        landed = 0 if full else landing(bytes(data))
        full = landed > 0
        if not landed:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[:landed])

    patch_write(monkeypatch, write)


def _event(id: str) -> dict[str, Any]:
    return {"session": "s", "id": id, "type": "x", "data": {}}


def test_always_syncs_before_append_returns(journal_dir: Path, disk: Disk) -> None:
    """With fsync="always" every append that returned was synced."""
    with Journal.open(journal_dir, fsync="always") as journal:
        for count in range(1, 4):
            journal.append_message("s", "user", "hello")
            assert disk.syncs == count


def test_never_syncs_nothing(journal_dir: Path, disk: Disk) -> None:
    """With fsync="never" neither append nor close waits for the disk."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s", "user", "hello")
    assert disk.syncs == 0


def test_interval_syncs_soon_by_itself(journal_dir: Path, disk: Disk) -> None:
    """With fsync="interval" a sync follows in the background, without another append."""
    synced = threading.Event()
    disk.during = synced.set
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello")
        assert synced.wait(5)


def test_interval_counts_the_gathering_from_the_begin_of_a_slow_sync(
    journal_dir: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was appended while a slow sync ran is not gathered for anew: two syncs are the bound."""
    monkeypatch.setattr("journal.lanes.group_commit._GATHER", 1.0)
    began: list[float] = []

    def slow() -> None:
        began.append(time.monotonic())
        if len(began) == 1:
            journal.append_message("s", "user", "while the first sync runs")
            time.sleep(1.0)

    disk.during = slow
    with Journal.open(journal_dir, fsync="interval") as journal:
        journal.append_message("s", "user", "hello")
        end = time.monotonic() + 20
        while len(began) < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert began[1] - began[0] < 1.8


def test_interval_syncs_on_close(journal_dir: Path, disk: Disk) -> None:
    """Closing does not leave the last 200 ms to luck."""
    journal = Journal.open(journal_dir)
    journal.append_message("s", "user", "hello")
    journal.close()
    assert disk.syncs >= 1


def test_without_a_thread_to_spare_append_syncs_itself(
    journal_dir: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no thread can be started the append does the work, and is no error."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError(f"can't start new thread {thread.name}")

    with Journal.open(journal_dir) as journal, monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        journal.append_message("s", "user", "one", id="1")
        journal.append_message("s", "user", "two", id="2")
        assert disk.syncs == 2
    assert ids(journal_dir) == ["1", "2"]


def test_threads_share_a_sync(journal_dir: Path, disk: Disk) -> None:
    """Threads that wait for the disk at the same time wait for one sync together."""
    count = 8
    appended = threading.Semaphore(0)
    syncing = threading.Event()

    def gather() -> None:
        if not syncing.is_set():
            syncing.set()
            for _ in range(count - 1):
                appended.acquire()

    disk.during = gather
    with Journal.open(journal_dir, fsync="always") as journal:
        lane = journal._leased()
        real = lane._make_durable

        def make_durable(mark: int) -> None:
            if syncing.is_set():
                appended.release()
            real(mark)

        lane._make_durable = make_durable  # type: ignore[method-assign] # tells of an append
        leader = threading.Thread(target=journal.append_message, args=("s", "user", "0"))
        leader.start()
        assert syncing.wait(5)
        threads = [
            threading.Thread(target=journal.append_message, args=("s", "user", str(n)))
            for n in range(1, count)
        ]
        for thread in threads:
            thread.start()
        for thread in [leader, *threads]:
            thread.join()
    assert len(ids(journal_dir)) == count
    assert disk.syncs == 2


def test_folders_are_synced_before_the_first_durable_answer(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every new folder, and the one above the journal, is synced before append returns."""
    synced: set[str] = set()
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.add(str(Path(f"/proc/self/fd/{fd}").readlink()))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    deep = journal_dir / "a" / "b"
    with Journal.open(deep, fsync="always") as journal:
        journal.append_message("s", "user", "hello")
    above = [deep / "lanes" / "1", deep / "lanes", deep, deep.parent, journal_dir]
    assert {*map(str, above), str(journal_dir.parent)} <= synced


def test_failed_sync_is_written_again_to_a_fresh_segment(journal_dir: Path, disk: Disk) -> None:
    """After a failed sync the events go verbatim to a fresh segment; the old one is left alone."""
    with Journal.open(journal_dir, fsync="always") as journal:
        journal.append_message("s", "user", "one", id="1")
        disk.refusals = 1
        journal.append_message("s", "user", "two", id="2")
        before = segments(journal_dir)[0].read_bytes()
        journal.append_message("s", "user", "three", id="3")
    old, fresh = segments(journal_dir)
    assert old.read_bytes() == before
    assert old.read_bytes().splitlines()[-1] == fresh.read_bytes().splitlines()[1]
    assert headers(journal_dir)[1].seq == 2
    assert sorted(set(ids(journal_dir))) == ["1", "2", "3"]


def test_failing_sync_names_the_events(
    journal_dir: Path, disk: Disk, expect_problems: ExpectedProblems
) -> None:
    """A disk that refuses for ever gives the caller an error that names its events."""
    with Journal.open(journal_dir, fsync="always") as journal:
        disk.refusals = 2
        with pytest.raises(SyncError, match="'m1'") as caught:
            journal.append_message("s", "user", "hello", id="m1")
    assert caught.value.ids == ("m1",)
    assert not expect_problems.kinds


def test_sync_after_a_failure_writes_again_and_does_not_just_say_yes(
    journal_dir: Path, disk: Disk
) -> None:
    """Once the disk is mended, sync() puts the lost events into a segment it did sync."""
    with Journal.open(journal_dir, fsync="always") as journal:
        disk.refusals = 2
        with pytest.raises(SyncError):
            journal.append_message("s", "user", "hello", id="m1")
        count, syncs = len(segments(journal_dir)), disk.syncs
        journal.sync()
        assert disk.syncs == syncs + 1
        assert len(segments(journal_dir)) == count + 1
        assert b'"m1"' in segments(journal_dir)[-1].read_bytes()


def test_append_after_a_failure_carries_the_lost_events_along(
    journal_dir: Path, disk: Disk
) -> None:
    """The next durable append makes what an earlier sync lost durable as well."""
    with Journal.open(journal_dir, fsync="always") as journal:
        disk.refusals = 2
        with pytest.raises(SyncError):
            journal.append_message("s", "user", "hello", id="m1")
        journal.append_message("s", "user", "hello", id="m2")
    last = segments(journal_dir)[-1].read_bytes()
    assert b'"m1"' in last
    assert b'"m2"' in last


def test_every_waiting_thread_is_told_of_a_refusal(journal_dir: Path, disk: Disk) -> None:
    """No thread is told that its event is durable by a sync that did not cover it."""
    failures: list[tuple[str, ...]] = []
    disk.refusals = 10**6
    with Journal.open(journal_dir, fsync="always") as journal:

        def append(id: str) -> None:
            try:
                journal.append_message("s", "user", "hello", id=id)
            except SyncError as error:
                failures.append(error.ids)

        threads = [threading.Thread(target=append, args=(str(n),)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        disk.refusals = 0
    assert len(failures) == 8


def test_background_refusal_is_told_to_the_next_append(journal_dir: Path, disk: Disk) -> None:
    """An error of the background sync is raised by the next call, which writes nothing."""
    noted = threading.Event()
    disk.refusals = 2
    with Journal.open(journal_dir) as journal:
        lane = journal._leased()
        real = lane._sync_quietly

        def sync_quietly() -> bool:
            alive = real()
            noted.set()
            return alive

        lane._sync_quietly = sync_quietly  # type: ignore[method-assign] # tells when it is done
        journal.append_message("s", "user", "hello", id="m1")
        assert noted.wait(5)
        with pytest.raises(SyncError, match="'m1'"):
            journal.append_message("s", "user", "hello", id="m2")
        journal.append_message("s", "user", "hello", id="m3")
    assert set(ids(journal_dir)) == {"m1", "m3"}


def test_unkept_events_cannot_be_written_again_and_say_so(journal_dir: Path, disk: Disk) -> None:
    """With fsync="never" nothing is kept, so a failed sync() stays failed until it is redone."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s", "user", "hello", id="m1")
        disk.refusals = 1
        with pytest.raises(SyncError, match="append it again"):
            journal.sync()
        with pytest.raises(SyncError, match="append it again"):
            journal.sync()
        journal.append_message("s", "user", "hello", id="m1")
        journal.sync()


def test_segment_rolled_during_a_sync_is_not_taken_for_a_failure(
    journal_dir: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync that overlaps with a roll writes nothing twice."""
    monkeypatch.setattr("journal.lanes.writer.ROLL_SIZE", 2000)
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s", "user", "hello")

        def roll() -> None:
            disk.during = lambda: None
            while len(segments(journal_dir)) < 2:
                journal.append_message("s", "user", "hello")

        disk.during = roll
        journal.sync()
        journal.sync()
    seqs = [record.seq for record in events(journal_dir)]
    assert seqs == list(range(1, len(seqs) + 1))


def test_full_disk_leaves_a_torn_line_and_the_next_append_rolls(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch, expect_problems: ExpectedProblems
) -> None:
    """A write that fails half-way is not acknowledged; nothing is written behind the torn line."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one", id="1")
        with monkeypatch.context() as patch:
            _tear(patch, lambda _: 20)
            with pytest.raises(AppendError, match=r"No space left.*'2'") as caught:
                journal.append_message("s", "user", "two", id="2")
        assert caught.value.ids == ("2",)
        torn = segments(journal_dir)[0].read_bytes()
        journal.append_message("s", "user", "two", id="2")
    assert segments(journal_dir)[0].read_bytes() == torn
    assert ids(journal_dir) == ["1", "2"]
    assert [record.seq for record in events(journal_dir)] == [1, 2]
    expect_problems("torn")


def test_file_size_limit_is_an_error_like_a_full_disk(
    journal_dir: Path, expect_problems: ExpectedProblems
) -> None:
    """A limit of the operating system on the size of files makes the lane roll, not die."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one", id="1")
        with small_files(segments(journal_dir)[0].stat().st_size + 10):
            with pytest.raises(AppendError):
                journal.append_message("s", "user", "two", id="2")
            journal.append_message("s", "user", "two", id="2")
    assert ids(journal_dir) == ["1", "2"]
    expect_problems("torn")


def test_whole_lines_of_a_failed_write_keep_their_numbers(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch, expect_problems: ExpectedProblems
) -> None:
    """Lines that landed before the disk was full are events; no other event gets their number."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "zero", id="0")
        with monkeypatch.context() as patch:
            _tear(patch, lambda _: 400)
            batch = [{"session": "s", "id": str(n), "type": "x", "data": {}} for n in range(1, 10)]
            with pytest.raises(AppendError):
                journal.append_many(batch)
        journal.append_message("s", "user", "other", id="other")
    seqs = [record.seq for record in events(journal_dir)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) > 2
    expect_problems("torn")


def test_refused_writes_do_not_pile_up_files(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that tries again and again on a full disk uses one file and one descriptor."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one", id="1")
        with monkeypatch.context() as patch:
            _tear(patch, lambda _: 0)
            for _ in range(20):
                with pytest.raises(AppendError):
                    journal.append_message("s", "user", "two", id="2")
        assert open_segments() <= 2
        assert len(segments(journal_dir)) == 2
        journal.append_message("s", "user", "two", id="2")
    assert ids(journal_dir) == ["1", "2"]


@pytest.mark.parametrize(("fsync", "most"), [("never", 33), ("interval", 101), ("always", 1)])
def test_long_runs_keep_few_files_open(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch, fsync: Fsync, most: int
) -> None:
    """A program that fills hundreds of segments does not run out of files, synced or not."""
    monkeypatch.setattr("journal.lanes.writer.ROLL_SIZE", 1)
    with Journal.open(journal_dir, fsync=fsync) as journal:
        for _ in range(100):
            journal.append_message("s", "user", "hello")
        assert open_segments() <= most
        journal.sync()
        assert open_segments() == 1
    assert open_segments() == 0


def test_a_segment_that_rolls_while_it_is_synced_stays_open_for_the_sync(
    journal_dir: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rolling must not close a descriptor under a sync that is at work on it."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s", "user", "one")

        def roll() -> None:
            disk.during = lambda: None
            before = open_segments()
            journal.append_message("s", "user", "two")
            assert open_segments() == before + 1

        disk.during = roll
        monkeypatch.setattr("journal.lanes.writer.ROLL_SIZE", 1)
        journal.sync()
        journal.sync()
        assert open_segments() == 1


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_interrupted_append_leaves_a_sound_lane(
    journal_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    expect_problems: ExpectedProblems,
    moment: str,
) -> None:
    """Ctrl-C in the midst of an append costs at most that event: the handle stays usable."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one", id="1")
        real = os.write

        def write(fd: int, data: bytes | memoryview) -> int:
            if moment != "before":
                real(fd, data[:30] if moment == "during" else data)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch_write(patch, write)
            with pytest.raises(KeyboardInterrupt):
                journal.append_message("s", "user", "two", id="2")
        journal.append_message("s", "user", "three", id="3")
    assert ids(journal_dir) == (["1", "2", "3"] if moment == "after" else ["1", "3"])
    if moment == "during":
        expect_problems("torn")


def test_interrupted_sync_is_done_again(journal_dir: Path, disk: Disk) -> None:
    """Ctrl-C in the midst of a sync does not make the next one forget what it was to sync."""

    def interrupt() -> None:
        disk.during = lambda: None
        raise KeyboardInterrupt

    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s", "user", "hello")
        disk.during = interrupt
        with pytest.raises(KeyboardInterrupt):
            journal.sync()
        journal.sync()
    assert disk.syncs == 2


def test_half_rescued_events_keep_their_numbers(
    journal_dir: Path,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
    expect_problems: ExpectedProblems,
) -> None:
    """Even where writing again failed half-way, the next lessee takes no number twice."""
    with monkeypatch.context() as patch:

        def fill_up() -> None:
            disk.during = lambda: None
            _tear(patch, lambda data: data.index(b"\n", data.index(b"\n") + 1) + 20)

        journal = Journal.open(journal_dir, fsync="always")
        journal.append_message("s", "user", "hello", id="first")
        disk.refusals, disk.during = 1, fill_up
        with pytest.raises(SyncError, match="No space left"):
            journal.append_many(
                [{"session": "s", "id": str(n), "type": "x", "data": {}} for n in range(5)]
            )
        journal.after_fork_in_child()  # lets go of the lane as a process that dies here would
    assert headers(journal_dir)[1].seq == 2
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello", id="next")
    assert {(record.seq, record.event.id) for record in events(journal_dir)} == {
        (1, "first"),
        *((n + 2, str(n)) for n in range(5)),
        (7, "next"),
    }
    expect_problems("torn")


@pytest.mark.parametrize("fsync", ["never", "interval", "always"])
@pytest.mark.parametrize("seed", range(8))
def test_any_run_of_faults_loses_nothing_acknowledged(
    journal_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    expect_problems: ExpectedProblems,
    fsync: Fsync,
    seed: int,
) -> None:
    """Whatever refuses, tears or dies, in whatever order: what append returned is there.

    No number is given to two events, and no line is damaged but the last of a segment.
    """
    chance = random.Random(seed)  # noqa: S311 - a run that can be repeated, no secret
    real = os.write

    def write(fd: int, data: bytes | memoryview) -> int:
        if chance.random() > 0.15:
            return real(fd, data)
        if chance.random() < 0.7:
            real(fd, data[: chance.randrange(len(data) + 1)])
        raise chance.choice([OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])

    def fdatasync(fd: int) -> None:
        if chance.random() < 0.2:
            raise OSError(errno.EIO, f"descriptor {fd} refuses")

    acknowledged: set[str] = set()
    with monkeypatch.context() as patch:
        patch.setattr("journal.lanes.writer.ROLL_SIZE", 2000)
        patch.setattr("journal.lanes.lane.ROLL_SIZE", 2000)
        patch.setattr(os, "fdatasync", fdatasync)
        patch_write(patch, write)
        journal = Journal.open(journal_dir, fsync=fsync)
        for n in range(150):
            batch = [_event(f"{n}-{k}") for k in range(chance.randint(1, 4))]
            try:
                journal.append_many(batch)
            except (AppendError, SyncError, KeyboardInterrupt):
                pass
            else:
                acknowledged.update(event["id"] for event in batch)
            if chance.random() < 0.1:
                journal.after_fork_in_child()  # lets go of the lane as a process that dies would
                journal = Journal.open(journal_dir, fsync=fsync)
    with contextlib.suppress(SyncError):
        journal.close()
    assert open_segments() == 0
    assert acknowledged <= set(ids(journal_dir))
    numbers = {(record.seq, record.event.id) for record in events(journal_dir)}
    assert len({seq for seq, _ in numbers}) == len(numbers)
    expect_problems(*DEATH & {p.kind for p in verify(journal_dir / "lanes").problems})


def test_an_interrupt_between_two_steps_of_a_sync_forgets_nothing(
    journal_dir: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C behind the hand-over and in front of the sync: the next sync covers it too."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s", "user", "one", id="1")
        lane = journal._lane
        assert lane is not None
        with monkeypatch.context() as patch:
            patch.setattr(lane, "_sync_taken", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                journal.sync()
        journal.append_message("s", "user", "two", id="2")
        assert disk.syncs == 0
        journal.sync()
        assert disk.syncs == 1
        journal.sync()
        assert disk.syncs == 1
    assert ids(journal_dir) == ["1", "2"]


def _interrupt(_taken: object) -> None:
    raise KeyboardInterrupt
