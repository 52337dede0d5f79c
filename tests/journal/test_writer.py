"""The handle: what append accepts and returns, threads, forks, and every way to close it."""

from __future__ import annotations

import gc
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from journal import ClosedError, EventError, Journal, NotAJournalError, Position
from journal.process import clock
from journal.segments.reader import read_events
from tests.support.disks.faulty import faulty_disk, once
from tests.support.journals import (
    FORK_OF_A_THREADED_PROCESS,
    events,
    ids,
    lane_names,
    open_segments,
    patch_write,
    segments,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path


def test_a_message_is_in_the_file_when_append_returns(journal_dir: Path) -> None:
    """The complete record is in the file before the handle is closed."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "hello", id="m1", source="cli")
        (record,) = events(journal_dir)
    assert record.event.type == "message.appended"
    assert (record.event.session, record.event.id) == ("s1", "m1")
    assert record.event.data == {"role": "user", "content": "hello", "source": "cli"}


def test_positions_name_their_records(journal_dir: Path) -> None:
    """A position is lane and number of the record, for `append` and for `append_many`."""
    with Journal.open(journal_dir) as journal:
        positions = [journal.append(session="s", type="x", data={"n": 0})]
        positions += journal.append_many(
            [{"session": "s", "type": "x", "data": {"n": n}} for n in range(1, 5)]
        )
        assert journal.append_many([]) == []
    found = read_events(journal_dir / "lanes", lambda *_: None)
    assert [Position(at.lane, at.record.seq) for at in found] == positions
    assert [Position.parse(str(position)) for position in positions] == positions


def test_without_an_id_an_event_gets_a_new_one(journal_dir: Path) -> None:
    """The writer makes ids that are UUIDs of version 7, which sort by time."""
    with Journal.open(journal_dir) as journal:
        for _ in range(3):
            journal.append_message("s", "user", "hello")
    made = ids(journal_dir)
    assert len(set(made)) == 3
    assert {id[14] for id in made} == {"7"}


def test_many_are_one_write(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`append_many` is one write, for any number of events."""
    real, writes = os.write, 0

    def write(fd: int, data: bytes | memoryview) -> int:
        nonlocal writes
        writes += 1
        return real(fd, data)

    patch_write(monkeypatch, write)
    with Journal.open(journal_dir) as journal:
        journal.append_many({"session": "s", "type": "x", "data": {}} for _ in range(1000))
    assert writes == 1
    assert len(ids(journal_dir)) == 1000


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"session": "s", "type": "x", "data": {"a": float("nan")}}, "data.a is nan"),
        ({"session": "s", "type": "x"}, "event 1: 'data' is missing"),
        ({"session": "", "type": "x", "data": {}}, "event 1: session must be a string"),
        ({"session": "s", "type": "x", "data": {}, "time": 1}, "event 1: 'time' is no key"),
        ("x", "event 1: not a mapping with session, type and data, but a str of 1"),
        (None, "event 1: not a mapping"),
    ],
)
def test_one_bad_event_of_many_writes_nothing(
    journal_dir: Path,
    bad: Any,  # noqa: ANN401 - any mistake
    message: str,
) -> None:
    """All events are checked before the first is written."""
    good = {"session": "s", "id": "good", "type": "x", "data": {}}
    with Journal.open(journal_dir) as journal:
        with pytest.raises(EventError, match=message):
            journal.append_many([good, bad])
        assert segments(journal_dir) == []
        journal.append_many([good])
    assert [record.seq for record in events(journal_dir)] == [1]


def test_a_refused_event_leaves_no_gap(journal_dir: Path) -> None:
    """An event that is refused uses no sequence number."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one")
        with pytest.raises(EventError, match="content has a lone surrogate"):
            journal.append_message("s", "user", "\ud800")
        with pytest.raises(EventError, match="no field 'colour'"):
            journal.append_message("s", "user", "two", colour="red")  # type: ignore[call-arg] # the mistake at hand
        journal.append_message("s", "user", "three")
    assert [record.seq for record in events(journal_dir)] == [1, 2]


def test_fields_that_are_none_are_absent(journal_dir: Path) -> None:
    """A field that is None has no value, and is not stored."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "tool", None, tool_name=None, timestamp="2026-01-31T12:00:00Z")
    (record,) = events(journal_dir)
    assert record.event.data == {"role": "tool", "timestamp": 1_769_860_800_000_000}


def test_times_grow_even_if_the_clock_does_not(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times in a lane grow with every event, also if the wall clock stops or is set back."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello")
        monkeypatch.setattr("time.time_ns", lambda: 10**18)
        journal.append_many([{"session": "s", "type": "x", "data": {}}] * 3)
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello")
    orders = [record.event.order for record in events(journal_dir)]
    assert orders == sorted(set(orders))


def test_orders_are_higher_than_all_that_were_read(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new event has a higher order than all events that its process has read."""
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000 * 10**9)
    now = 1_700_000_000 * 10**6
    question = now + 12 * 365 * 86_400 * 10**6
    clock.of(journal_dir).observe(question)
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "answer")
    (record,) = events(journal_dir)
    assert (record.event.time, record.event.order) == (now, question + 1)


def test_threads_share_a_handle(journal_dir: Path) -> None:
    """Events that many threads append are all stored, once, and numbered without a gap."""
    with Journal.open(journal_dir, fsync="never") as journal:

        def append(name: int) -> None:
            for n in range(200):
                journal.append_message("s", "user", "hello", id=f"{name}-{n}")

        threads = [threading.Thread(target=append, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(ids(journal_dir)) == sorted(f"{t}-{n}" for t in range(8) for n in range(200))
    assert [record.seq for record in events(journal_dir)] == list(range(1, 1601))
    assert lane_names(journal_dir) == ["1"]


@FORK_OF_A_THREADED_PROCESS
def test_a_forked_child_writes_to_a_lane_of_its_own(journal_dir: Path) -> None:
    """Parent and child use the same handle, and never write to one segment."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "before", id="before")
        if (pid := os.fork()) == 0:
            journal.append_message("s", "user", "child", id="child")
            journal.close()
            os._exit(0)
        journal.append_message("s", "user", "parent", id="parent")
        assert os.waitpid(pid, 0)[1] == 0
        journal.append_message("s", "user", "after", id="after")
    assert sorted(ids(journal_dir)) == ["after", "before", "child", "parent"]
    assert lane_names(journal_dir) == ["1", "2"]


@FORK_OF_A_THREADED_PROCESS
def test_a_fork_during_an_append_does_not_hang_the_child(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child forked while another thread is in the middle of a write can append."""
    disk = faulty_disk(monkeypatch)
    writing, forked = threading.Event(), threading.Event()

    def wait() -> None:
        writing.set()
        assert forked.wait(20)

    with Journal.open(journal_dir) as journal:
        once(disk, "in_write", wait)
        thread = threading.Thread(target=journal.append_message, args=("s", "user", "parent"))
        thread.start()
        assert writing.wait(20)
        if (pid := os.fork()) == 0:
            journal.append_message("s", "user", "child", id="child")
            os._exit(0)
        try:
            assert os.waitpid(pid, 0)[1] == 0
        finally:
            forked.set()
            thread.join()
    assert len(ids(journal_dir)) == 2
    assert "child" in ids(journal_dir)


def test_close_may_be_called_twice_and_by_another_thread(journal_dir: Path) -> None:
    """close() may be called by any thread, any number of times."""
    before = open_segments()
    journal = Journal.open(journal_dir)
    journal.append_message("s", "user", "hello")
    threads = [threading.Thread(target=journal.close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert open_segments() == before


def test_a_closed_handle_raises(journal_dir: Path) -> None:
    """Every method of a closed handle raises an error that names the journal."""
    journal = Journal.open(journal_dir)
    journal.close()
    assert "closed" in repr(journal)
    for use in (lambda: journal.append_message("s", "user", "hello"), journal.sync):
        with pytest.raises(ClosedError, match=str(journal_dir)):
            use()


def test_closing_under_busy_threads_loses_nothing_acknowledged(journal_dir: Path) -> None:
    """When a handle is closed while threads append, each append returns or raises ClosedError."""
    before = open_segments()
    journal = Journal.open(journal_dir, fsync="always")
    acknowledged: list[str] = []
    some = threading.Event()

    def append(name: int) -> None:
        for n in range(1000):
            try:
                journal.append_message("s", "user", "hello", id=f"{name}-{n}")
            except ClosedError:
                return
            acknowledged.append(f"{name}-{n}")
            some.set()

    threads = [threading.Thread(target=append, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    assert some.wait(5)
    journal.close()
    for thread in threads:
        thread.join()
    assert set(acknowledged) <= set(ids(journal_dir))
    assert open_segments() == before


@pytest.mark.parametrize("fsync", ["never", "interval", "always"])
@pytest.mark.slow
def test_dropped_handles_release_files_threads_and_lanes(
    journal_dir: Path,
    fsync: Any,  # noqa: ANN401 - one of the three levels
) -> None:
    """Handles that are dropped without close do not leak files, threads or lanes."""
    threads = len(os.listdir("/proc/self/task"))
    descriptors = len(os.listdir("/proc/self/fd"))
    for n in range(30):
        Journal.open(journal_dir, fsync=fsync).append_message("s", "user", "hello", id=str(n))
    gc.collect()
    end = time.monotonic() + 20
    while len(os.listdir("/proc/self/task")) > threads:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert len(ids(journal_dir)) == 30
    assert len(lane_names(journal_dir)) < 30


def test_an_interpreter_that_ends_without_close_syncs(
    journal_dir: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """A program that never closes its handle ends without a message, and its events are synced."""
    source = """
import os, sys
from journal import Journal
real = os.fdatasync
def fdatasync(fd):
    real(fd)
    os.write(1, b"synced\\n")
os.fdatasync = fdatasync
journal = Journal.open(sys.argv[1])
journal.append_message("s", "user", "hello", id="m1")
"""
    output, errors = start(source, journal_dir).communicate(timeout=60)
    assert (output, errors) == ("synced\n", "")
    assert ids(journal_dir) == ["m1"]


def test_a_handle_that_cannot_sync_does_not_block_the_others(
    journal_dir: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """At exit every handle is closed, although closing one of them fails."""
    source = """
import os, sys
from journal import Journal
real = os.fdatasync
def fdatasync(fd):
    if "/lanes/2/" in os.readlink(f"/proc/self/fd/{fd}"):
        raise OSError(5, "Input/output error")
    real(fd)
    os.write(1, b"synced\\n")
os.fdatasync = fdatasync
handles = [Journal.open(sys.argv[1]) for _ in range(3)]
for handle in handles:
    handle.append_message("s", "user", "hello")
"""
    output, errors = start(source, journal_dir).communicate(timeout=60)
    assert output == "synced\n" * 2
    assert "SyncError" in errors


def test_an_unknown_level_is_refused_before_anything_is_made(journal_dir: Path) -> None:
    """A misspelled level raises an error; the weakest level is not used instead."""
    with pytest.raises(ValueError, match="fsync must be one of never, interval, always"):
        Journal.open(journal_dir, fsync="sometimes")  # type: ignore[arg-type] # the mistake at hand
    assert not journal_dir.exists()


def test_a_failed_open_leaves_nothing_behind(journal_dir: Path) -> None:
    """After a failed open, nothing runs at exit for it, and the folder is not changed."""
    journal_dir.mkdir()
    (journal_dir / "other").touch()
    with pytest.raises(NotAJournalError):
        Journal.open(journal_dir)
    gc.collect()
    assert os.listdir(journal_dir) == ["other"]
