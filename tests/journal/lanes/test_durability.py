"""What each level promises if the disk fails or is full, or the program is interrupted."""

from __future__ import annotations

import _thread
import contextlib
import errno
import os
import random
import resource
import sys
import threading
import time
from contextlib import contextmanager
from linecache import getline
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from journal import AppendError, Journal, SyncError
from journal.lanes import lane
from journal.segments import segment
from journal.segments.reader import read_events
from journal.verify import DEATH, verify
from tests.support.disks.faulty import FaultyDisk, faulty_disk, once
from tests.support.journals import (
    close_segments,
    events,
    headers,
    ids,
    open_segments,
    patch_write,
    segments,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from journal.lanes.group_commit import Fsync
    from tests.conftest import ExpectedProblems


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FaultyDisk:
    """A disk whose syncs can be made to fail."""
    return faulty_disk(monkeypatch)


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Limit the size of files of this process; only briefly, because its output is a file, too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _tear(monkeypatch: pytest.MonkeyPatch, landing: Callable[[bytes], int]) -> None:
    """Let each write store only this number of bytes, and then report a full disk."""
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


@contextmanager
def suppress_refusals() -> Iterator[list[AppendError]]:
    """Yield a list that gets the error of an append that the disk refuses."""
    refused: list[AppendError] = []
    try:
        yield refused
    except AppendError as error:
        refused.append(error)


def _event(id: str) -> dict[str, Any]:
    return {"session": "s", "id": id, "type": "x", "data": {}}


def test_always_syncs_before_append_returns(journal_dir: Path, disk: FaultyDisk) -> None:
    """With fsync="always" every append that returned was synced."""
    with Journal.open(journal_dir, fsync="always") as journal:
        for count in range(1, 4):
            journal.append_message("s", "user", "hello")
            assert disk.syncs == count


def test_never_syncs_nothing(journal_dir: Path, disk: FaultyDisk) -> None:
    """With fsync="never" neither append nor close waits for the disk."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s", "user", "hello")
    assert disk.syncs == 0


def test_interval_syncs_soon_by_itself(journal_dir: Path, disk: FaultyDisk) -> None:
    """With fsync="interval" a sync follows in the background, without another append."""
    synced = threading.Event()
    disk.in_sync = synced.set
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello")
        assert synced.wait(5)


@pytest.mark.slow
def test_interval_waits_from_the_start_of_a_slow_sync(
    journal_dir: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interval begins with the slow sync, so an append is durable after at most two syncs."""
    monkeypatch.setattr("journal.lanes.background.GATHER", 1.0)
    began: list[float] = []

    def slow() -> None:
        began.append(time.monotonic())
        if len(began) == 1:
            journal.append_message("s", "user", "while the first sync runs")
            time.sleep(1.0)

    disk.in_sync = slow
    with Journal.open(journal_dir, fsync="interval") as journal:
        journal.append_message("s", "user", "hello")
        end = time.monotonic() + 20
        while len(began) < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert began[1] - began[0] < 1.8


@pytest.mark.slow
def test_the_first_append_of_a_new_lane_waits_for_no_disk_and_no_thread(
    journal_dir: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At `interval` the names of the lane and its segment are synced later, as are their bytes.

    The append does not wait for the thread that syncs: on a busy machine its start takes as long as
    a sync.
    """
    Journal.open(journal_dir).close()
    before = len(disk.folders)

    def refuse(*_: object) -> bool:
        raise AssertionError("the append waits for another thread")

    synced = threading.Event()
    disk.in_sync = synced.set
    monkeypatch.setattr("journal.lanes.background.GATHER", 0.5)
    with Journal.open(journal_dir) as one, Journal.open(journal_dir) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Event, "wait", refuse)
            patch.setattr(threading.Condition, "wait", refuse)
            journal.append_message("s", "user", "hello")
        assert (disk.syncs, disk.folders[before:]) == (0, [])
        assert synced.wait(20)
        journal.sync()
        lanes = journal_dir / "lanes"
        assert {journal_dir, lanes, lanes / "2"} <= set(disk.folders[before:])
        assert one.path == journal_dir


def test_interval_syncs_on_close(journal_dir: Path, disk: FaultyDisk) -> None:
    """`close` syncs the events of the last 200 ms."""
    journal = Journal.open(journal_dir)
    journal.append_message("s", "user", "hello")
    journal.close()
    assert disk.syncs >= 1


def test_append_syncs_itself_if_no_thread_can_be_started(
    journal_dir: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If no thread can be started, the append syncs the events itself, and raises no error."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with Journal.open(journal_dir) as journal, monkeypatch.context() as patch:
        patch.setattr(_thread, "start_new_thread", refuse)
        journal.append_message("s", "user", "one", id="1")
        journal.append_message("s", "user", "two", id="2")
        assert disk.syncs == 2
    assert ids(journal_dir) == ["1", "2"]


def test_threads_share_a_sync(journal_dir: Path, disk: FaultyDisk) -> None:
    """Threads that wait for the disk at the same time wait for one sync together."""
    count = 8
    written = threading.Semaphore(0)
    syncing = threading.Event()

    def gather() -> None:
        if not syncing.is_set():
            syncing.set()
            for _ in range(count):
                written.acquire()

    disk.in_sync = gather
    disk.in_write = written.release
    with Journal.open(journal_dir, fsync="always") as journal:
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
    assert disk.syncs in (2, 3)  # the last one may have been in its write when the second began


def test_folders_are_synced_before_the_first_durable_append_returns(
    journal_dir: Path, disk: FaultyDisk
) -> None:
    """Every new folder, and the one above the journal, is synced before append returns."""
    deep = journal_dir / "a" / "b"
    with Journal.open(deep, fsync="always") as journal:
        journal.append_message("s", "user", "hello")
        synced = set(disk.folders)
    above = [deep / "lanes" / "1", deep / "lanes", deep, deep.parent, journal_dir]
    assert {*above, journal_dir.parent} <= synced


def test_failed_sync_is_written_again_to_a_fresh_segment(
    journal_dir: Path, disk: FaultyDisk
) -> None:
    """The events go unchanged to a new segment; nothing more is written to the old one."""
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
    journal_dir: Path, disk: FaultyDisk, expect_problems: ExpectedProblems
) -> None:
    """If the disk always fails, the caller gets an error that names the events."""
    with Journal.open(journal_dir, fsync="always") as journal:
        disk.refusals = 2
        with pytest.raises(SyncError, match="'m1'") as caught:
            journal.append_message("s", "user", "hello", id="m1")
    assert caught.value.ids == ("m1",)
    assert not expect_problems.kinds


def test_sync_after_a_failure_writes_the_events_again(journal_dir: Path, disk: FaultyDisk) -> None:
    """When the disk works again, sync() writes the lost events to a new segment and syncs it."""
    with Journal.open(journal_dir, fsync="always") as journal:
        disk.refusals = 2
        with pytest.raises(SyncError):
            journal.append_message("s", "user", "hello", id="m1")
        count, syncs = len(segments(journal_dir)), disk.syncs
        journal.sync()
        assert disk.syncs == syncs + 1
        assert len(segments(journal_dir)) == count + 1
        assert b'"m1"' in segments(journal_dir)[-1].read_bytes()


def test_append_after_a_failure_writes_the_lost_events_too(
    journal_dir: Path, disk: FaultyDisk
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


def test_every_waiting_thread_gets_the_error_of_a_sync(journal_dir: Path, disk: FaultyDisk) -> None:
    """No thread returns from a sync that did not cover its event."""
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


def test_an_error_of_the_background_sync_is_raised_by_the_next_append(
    journal_dir: Path, disk: FaultyDisk
) -> None:
    """An error of the background sync is raised by the next call, which writes nothing."""
    disk.refusals = 2
    appended = ["m0"]
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello", id="m0")

        def append_until_refused() -> None:
            for number in range(1, 500):
                time.sleep(0.01)
                journal.append_message("s", "user", "hello", id=f"m{number}")
                appended.append(f"m{number}")

        with pytest.raises(SyncError, match="'m0'"):
            append_until_refused()
        journal.append_message("s", "user", "hello", id="last")
    assert set(ids(journal_dir)) == {*appended, "last"}


def test_events_that_are_not_kept_cannot_be_written_again(
    journal_dir: Path, disk: FaultyDisk
) -> None:
    """With fsync="never" no events are kept in memory, so a failed sync() stays failed."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s", "user", "hello", id="m1")
        disk.refusals = 1
        with pytest.raises(SyncError, match="append it again"):
            journal.sync()
        with pytest.raises(SyncError, match="append it again"):
            journal.sync()
        journal.append_message("s", "user", "hello", id="m1")
        journal.sync()


def test_a_roll_during_a_sync_is_no_failure(
    journal_dir: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync that overlaps with a roll writes nothing twice."""
    monkeypatch.setattr("journal.lanes.writer.ROLL_SIZE", 2000)
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s", "user", "hello")

        def roll() -> None:
            while len(segments(journal_dir)) < 2:
                journal.append_message("s", "user", "hello")

        once(disk, "in_sync", roll)
        journal.sync()
        journal.sync()
    seqs = [record.seq for record in events(journal_dir)]
    assert seqs == list(range(1, len(seqs) + 1))


def test_full_disk_leaves_no_torn_line_and_the_next_append_rolls(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written of an append that fails is removed, and nothing is written behind it."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one", id="1")
        before = segments(journal_dir)[0].read_bytes()
        with monkeypatch.context() as patch:
            _tear(patch, lambda _: 20)
            with pytest.raises(AppendError, match=r"No space left.*'2'") as caught:
                journal.append_message("s", "user", "two", id="2")
        assert caught.value.ids == ("2",)
        assert verify(journal_dir / "lanes").problems == ()
        journal.append_message("s", "user", "two", id="2")
    assert segments(journal_dir)[0].read_bytes() == before
    assert ids(journal_dir) == ["1", "2"]
    assert [record.seq for record in events(journal_dir)] == [1, 2]


def test_file_size_limit_is_an_error_like_a_full_disk(journal_dir: Path) -> None:
    """If the operating system limits the size of files, the lane rolls."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one", id="1")
        with small_files(segments(journal_dir)[0].stat().st_size + 10):
            with pytest.raises(AppendError):
                journal.append_message("s", "user", "two", id="2")
            journal.append_message("s", "user", "two", id="2")
    assert ids(journal_dir) == ["1", "2"]


def test_whole_lines_of_a_failed_write_keep_their_numbers(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that were written before the disk was full are events; their numbers stay used."""
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


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("begun", [False, True], ids=["first", "second"])
def test_a_write_that_fails_at_any_byte_leaves_a_good_lane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int, *, begun: bool
) -> None:
    """`verify` finds nothing then, after the handle is closed, and after the next append."""
    landed = 0
    while True:
        path = tmp_path / str(landed)
        fails = False
        with Journal.open(path, fsync="never") as journal:
            if begun:
                journal.append_message("s", "user", "one", id="1")
            with monkeypatch.context() as patch:
                _tear(patch, lambda data: min(landed, len(data)))  # noqa: B023 - called in this round
                with suppress_refusals() as refused:
                    journal.append_many([_event(str(n)) for n in range(2, 2 + batch)])
                fails = bool(refused)
            assert verify(path / "lanes").problems == ()
        assert verify(path / "lanes").problems == ()
        with Journal.open(path, fsync="never") as journal:
            journal.append_many([_event(str(n)) for n in range(2, 2 + batch)])
        assert verify(path / "lanes").problems == ()
        assert set(ids(path)) == {*map(str, range(2, 2 + batch)), *(["1"] if begun else [])}
        if not fails:
            break
        landed += 13
    assert landed > 80 * batch


def test_failed_writes_do_not_accumulate_files(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that retries on a full disk uses one file and one descriptor."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one", id="1")
        with monkeypatch.context() as patch:
            _tear(patch, lambda _: 0)
            for _ in range(20):
                with pytest.raises(AppendError):
                    journal.append_message("s", "user", "two", id="2")
        assert open_segments() <= 2
        assert len(segments(journal_dir)) == 1
        journal.append_message("s", "user", "two", id="2")
    assert ids(journal_dir) == ["1", "2"]


@pytest.mark.parametrize(("fsync", "most"), [("never", 33), ("always", 1)])
@pytest.mark.slow
def test_long_runs_keep_few_files_open(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch, fsync: Fsync, most: int
) -> None:
    """A program that fills many segments keeps few files open, synced or not."""
    monkeypatch.setattr("journal.lanes.writer.ROLL_SIZE", 1)
    with Journal.open(journal_dir, fsync=fsync) as journal:
        for _ in range(50):
            journal.append_message("s", "user", "hello")
        assert open_segments() <= most
        journal.sync()
        assert open_segments() == 1
    assert open_segments() == 0


def test_a_segment_that_rolls_while_it_is_synced_stays_open_for_the_sync(
    journal_dir: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A roll does not close the descriptor of a segment that is being synced."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s", "user", "one")

        def roll() -> None:
            before = open_segments()
            journal.append_message("s", "user", "two")
            assert open_segments() == before + 1

        once(disk, "in_sync", roll)
        monkeypatch.setattr("journal.lanes.writer.ROLL_SIZE", 1)
        journal.sync()
        journal.sync()
        assert open_segments() == 1


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_an_interrupted_append_leaves_a_valid_lane(
    journal_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """Ctrl-C during an append loses at most that event, and the handle stays usable."""
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


def test_an_interrupted_sync_is_repeated(journal_dir: Path, disk: FaultyDisk) -> None:
    """After Ctrl-C during a sync, the next sync covers the same events."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s", "user", "hello")
        once(disk, "in_sync", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            journal.sync()
        journal.sync()
    assert disk.syncs == 2


def test_events_that_were_partly_written_again_keep_their_numbers(
    journal_dir: Path,
    disk: FaultyDisk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If writing the events again failed half-way, the next lessee assigns no number twice."""
    with monkeypatch.context() as patch:

        def fill_up() -> None:
            _tear(patch, lambda data: data.index(b"\n", data.index(b"\n") + 1) + 20)

        journal = Journal.open(journal_dir, fsync="always")
        journal.append_message("s", "user", "hello", id="first")
        disk.refusals = 1
        once(disk, "in_sync", fill_up)
        with pytest.raises(SyncError, match="No space left"):
            journal.append_many(
                [{"session": "s", "id": str(n), "type": "x", "data": {}} for n in range(5)]
            )
        journal.after_fork_in_child()  # releases the lane as a process that dies here would
    assert headers(journal_dir)[1].seq == 2
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello", id="next")
    assert {(record.seq, record.event.id) for record in events(journal_dir)} == {
        (1, "first"),
        *((n + 2, str(n)) for n in range(5)),
        (7, "next"),
    }


def _fault(chance: random.Random) -> BaseException:
    """Return a full disk's error, or interrupt the thread in which Python handles signals."""
    is_main = threading.current_thread() is threading.main_thread()
    full = OSError(errno.ENOSPC, "full")
    return KeyboardInterrupt() if is_main and chance.random() < 0.5 else full


@pytest.mark.slow
@pytest.mark.parametrize("fsync", ["never", "interval", "always"])
@pytest.mark.parametrize("seed", range(8))
def test_any_sequence_of_faults_loses_nothing_acknowledged(
    journal_dir: Path,
    disk: FaultyDisk,
    monkeypatch: pytest.MonkeyPatch,
    expect_problems: ExpectedProblems,
    fsync: Fsync,
    seed: int,
) -> None:
    """After any sequence of errors, torn writes and deaths, acknowledged events are stored.

    No number is assigned to two events, and only the last line of a segment is damaged.
    """
    chance = random.Random(seed)  # noqa: S311 - a run that can be repeated, no secret
    real = os.write

    def write(fd: int, data: bytes | memoryview) -> int:
        if chance.random() > 0.15:
            return real(fd, data)
        if chance.random() < 0.7:
            real(fd, data[: chance.randrange(len(data) + 1)])
        raise _fault(chance)

    def refuse() -> None:
        if chance.random() < 0.2:
            raise OSError(errno.EIO, "Input/output error")

    acknowledged: set[str] = set()
    with monkeypatch.context() as patch:
        patch.setattr("journal.lanes.writer.ROLL_SIZE", 2000)
        patch.setattr("journal.lanes.lane.ROLL_SIZE", 2000)
        disk.in_sync = refuse
        patch_write(patch, write)
        journal = Journal.open(journal_dir, fsync=fsync)
        for n in range(60):
            batch = [_event(f"{n}-{k}") for k in range(chance.randint(1, 4))]
            try:
                journal.append_many(batch)
            except (AppendError, SyncError, KeyboardInterrupt):
                pass
            else:
                acknowledged.update(event["id"] for event in batch)
            if chance.random() < 0.1:
                journal.after_fork_in_child()  # releases the lane as a process that dies would
                journal = Journal.open(journal_dir, fsync=fsync)
    with contextlib.suppress(SyncError):
        journal.close()
    assert open_segments() == 0
    assert acknowledged <= set(ids(journal_dir))
    numbers = {(record.seq, record.event.id) for record in events(journal_dir)}
    assert len({seq for seq, _ in numbers}) == len(numbers)
    expect_problems(*DEATH & {p.kind for p in verify(journal_dir / "lanes").problems})


class _AtStep:
    """Raises Ctrl-C at the n-th line that runs in the modules of lanes and segments."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, frame: FrameType, event: str, _argument: object) -> Any:  # noqa: ANN401 - itself
        file = frame.f_code.co_filename
        if not file.startswith(_TRACED):
            return None
        # Python handles no signal between the body of a `with` and its end, nor between an error
        # and the first line of its handler
        line = getline(file, frame.f_lineno).lstrip()
        if event == "line" and not line.startswith(("with ", "except ", "unsynced.lost = ")):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self


_TRACED = (f"{Path(lane.__file__).parent}{os.sep}", f"{Path(segment.__file__).parent}{os.sep}")


@contextmanager
def _interrupted_at(step: int) -> Iterator[_AtStep]:
    """Raise Ctrl-C at the n-th step within the block, if it has that many."""
    tracer, before = _AtStep(step), sys.gettrace()
    sys.settrace(tracer)
    try:
        yield tracer
    except KeyboardInterrupt:
        assert tracer.left <= 0
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("what", ["append", "sync", "roll", "refused sync"])
@pytest.mark.slow
def test_an_interrupt_at_any_step_loses_nothing(
    journal_dir: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """After Ctrl-C between any two lines, the next sync covers every acknowledged event.

    The events are stored, and the syncs cover every segment that has one. At most the one segment
    that was being opened or closed at the Ctrl-C stays open after the handle is closed.
    """
    monkeypatch.setattr("journal.lanes.background.GATHER", 1000.0)
    if what == "roll":
        monkeypatch.setattr("journal.lanes.writer.ROLL_SIZE", 1)
    for step in range(1, 1000):
        path = journal_dir / str(step)
        with Journal.open(path, fsync="interval" if what == "refused sync" else "never") as journal:
            journal.append_message("s", "user", "one", id="1")
            acknowledged = {"1"}
            disk.refusals = int(what == "refused sync")
            with _interrupted_at(step) as tracer:
                if what in ("append", "roll"):
                    journal.append_message("s", "user", "two", id="2")
                    acknowledged.add("2")
                else:
                    journal.sync()
            disk.refusals = 0
            journal.append_message("s", "user", "three", id="3")
            journal.sync()
            assert acknowledged | {"3"} <= _durable(path, disk), f"step {step}"
        # else it counts as an open segment of the tests that follow
        assert close_segments() <= 1, f"step {step}"
        if tracer.left > 0:
            return
    raise AssertionError("it has more steps than were looked at")


def _durable(path: Path, disk: FaultyDisk) -> set[str]:
    """Return the ids of the records in the synced bytes."""
    found = read_events(path / "lanes", lambda *_: None)
    return {at.record.event.id for at in found if at.end <= disk.durable_bytes(at.ref.path)}


def _interrupt() -> None:
    raise KeyboardInterrupt
