"""The queue of the processes that wait for one lock."""

from __future__ import annotations

import logging
import os
import signal
import time
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from journal.fs import disk, queue, waiting
from journal.fs.bell import Bell, ring
from journal.fs.disk import Disk
from journal.fs.queue import SUFFIX, lock_in_turn, release
from journal.process.ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

_LONG = 20.0
"""Seconds after which a test fails."""


class Waiters:
    """Forked processes that wait for a lock, and say their number when they have it."""

    def __init__(self, lock: Path) -> None:
        self._lock = lock
        self._queue = lock.with_name(f"{lock.name}{SUFFIX}")
        self._said, self._says = os.pipe()
        self.pids: list[int] = []

    def start(self, seconds: float = 0.0) -> int:
        """Start one that holds the lock for some time; return its pid when it is in the queue."""
        before = self.tickets()
        number = len(self.pids)
        pid = os.fork()
        if not pid:
            fd = lock_in_turn(self._lock, _LONG)
            os.write(self._says, b"-" if fd is None else b"%d" % number)
            time.sleep(seconds)
            os._exit(0)
        self.pids.append(pid)
        until = time.monotonic() + _LONG
        while len(self.tickets()) <= len(before):
            assert time.monotonic() < until
            time.sleep(0.001)
        return pid

    def tickets(self) -> list[str]:
        """Return the names of the tickets."""
        return os.listdir(self._queue) if self._queue.exists() else []

    def said(self, count: int) -> str:
        """Return the numbers of the next processes that had the lock, in order."""
        return "".join(os.read(self._said, 1).decode() for _ in range(count))

    def close(self) -> None:
        """End them."""
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(self._said)
        os.close(self._says)


def test_a_queue_that_moves_is_waited_for(tmp_path: Path) -> None:
    """The limit of a wait is for one holder: many before it, each for a moment, are no reason."""
    waiters = Waiters(tmp_path / "lock")
    first = lock_in_turn(tmp_path / "lock", _LONG)
    assert first is not None
    try:
        for _ in range(4):
            waiters.start(0.2)
        release(tmp_path / "lock", first)
        assert waiters.said(1) == "0"
        began = time.monotonic()
        fd = lock_in_turn(tmp_path / "lock", 0.3)
        assert fd is not None
        assert time.monotonic() - began > 0.5
        waiters.start(_LONG)
        release(tmp_path / "lock", fd)
        assert waiters.said(4) == "1234"
        assert lock_in_turn(tmp_path / "lock", 0.05) is None
    finally:
        waiters.close()


def test_locks_are_read_only_where_no_turn_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read them stops all locks of the machine; each turn shows that it goes on."""
    path, read = tmp_path / "lock", []

    def noted(path: Path) -> int:
        read.append(path)
        return 7

    monkeypatch.setattr(waiting, "holder", noted)
    patience = waiting.Patience(path, 0.1)
    for _ in range(3):
        time.sleep(0.06)
        fd = lock_in_turn(path, 1.0)
        assert fd is not None
        release(path, fd)
        assert not patience.is_over()
    assert not read
    time.sleep(0.06)
    assert not patience.is_over()
    assert len(read) == 1


def test_each_of_many_waits_for_one_holder_as_long_as_it_has_said(tmp_path: Path) -> None:
    """That others begin to wait, or end, is no turn of the lock."""
    path = tmp_path / "lock"
    holder = lock_in_turn(path, 1.0)
    assert holder is not None
    waited: list[float] = []

    def wait() -> None:
        began = time.monotonic()
        assert lock_in_turn(path, 0.5) is None
        waited.append(time.monotonic() - began)

    threads = [Thread(target=wait) for _ in range(5)]
    for thread in threads:
        thread.start()
        time.sleep(0.15)
    for thread in threads:
        thread.join()
    release(path, holder)
    assert len(waited) == 5
    assert min(waited) >= 0.5
    assert max(waited) < 1.0


@pytest.mark.parametrize(("holders", "is_over"), [((7, 7), True), ((7, 8), False), ((0, 0), True)])
def test_a_wait_ends_if_one_process_has_the_lock_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holders: tuple[int, int], *, is_over: bool
) -> None:
    """The first in the queue waits for the holder, whose end the queue does not show."""
    found = iter(holders)
    monkeypatch.setattr(waiting, "holder", lambda _path: next(found))
    patience = waiting.Patience(tmp_path / "lock", 0.1)
    assert not patience.is_over()
    time.sleep(0.06)
    assert not patience.is_over()
    time.sleep(0.06)
    assert patience.is_over() == is_over


def test_who_looks_late_waits_no_longer(tmp_path: Path) -> None:
    """What it does while it waits may take longer than its timeout."""
    fd = lock_in_turn(tmp_path / "lock", 1.0)
    assert fd is not None
    patience = waiting.Patience(tmp_path / "lock", 0.05)
    time.sleep(0.06)
    assert patience.is_over()
    release(tmp_path / "lock", fd)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a process that is not suspended can be slow: none is passed by."""
    monkeypatch.setattr(queue, "_PATIENCE", _LONG)


@pytest.fixture
def waiters(tmp_path: Path) -> Iterator[Waiters]:
    """Processes that wait for the lock of a folder of their own."""
    found = Waiters(tmp_path / "lock")
    yield found
    found.close()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock."""
    fd = lock_in_turn(path, _LONG)
    assert fd is not None
    try:
        yield
    finally:
        os.close(fd)


def test_who_waits_longest_is_the_next(waiters: Waiters, tmp_path: Path) -> None:
    """They get the lock in the order in which they came, and leave no ticket behind."""
    with held(tmp_path / "lock"):
        for _ in range(6):
            waiters.start(0.003)
    assert waiters.said(6) == "012345"
    assert waiters.tickets() == []


def test_who_comes_later_does_not_overtake(waiters: Waiters, tmp_path: Path) -> None:
    """A process that finds the lock free while others wait comes after them."""
    with held(tmp_path / "lock"):
        waiters.start()
        os.kill(waiters.pids[0], signal.SIGSTOP)
    assert lock_in_turn(tmp_path / "lock", 0.0) is None
    os.kill(waiters.pids[0], signal.SIGCONT)
    assert waiters.said(1) == "0"


def test_a_killed_waiter_stops_nobody(waiters: Waiters, tmp_path: Path) -> None:
    """Its ticket is removed at once."""
    with held(tmp_path / "lock"):
        waiters.start()
        waiters.start()
        waiters.start()
        os.kill(waiters.pids[0], signal.SIGKILL)
        os.waitid(os.P_PID, waiters.pids[0], os.WEXITED | os.WNOWAIT)
    assert waiters.said(2) == "12"
    assert waiters.tickets() == []


def test_a_killed_holder_stops_nobody(waiters: Waiters, tmp_path: Path) -> None:
    """The kernel frees its lock, and the next process gets it."""
    with held(tmp_path / "lock"):
        waiters.start(_LONG)
        waiters.start()
    assert waiters.said(1) == "0"
    os.kill(waiters.pids[0], signal.SIGKILL)
    assert waiters.said(1) == "1"


def test_suspended_waiters_are_passed_by_and_come_first_when_they_go_on(
    waiters: Waiters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those behind wait for a moment; a waiter that goes on keeps the place of its arrival."""
    monkeypatch.setattr(queue, "_PATIENCE", 0.3)  # a busy machine is slow, too
    with held(tmp_path / "lock"):
        stopped = [waiters.start(), waiters.start()]
        waiters.start()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
    assert waiters.said(1) == "2"
    with held(tmp_path / "lock"):
        waiters.start()
        os.kill(stopped[1], signal.SIGCONT)
        until = time.monotonic() + _LONG
        while len(waiters.tickets()) < 2:  # its own again, and that of the last one
            assert time.monotonic() < until
            time.sleep(0.001)
    assert waiters.said(2) == "13"


def test_a_queue_that_cannot_be_used_makes_nobody_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without tickets the lock still excludes others; it is logged that the order is lost."""

    class Full(Disk):
        def make_folder(self, path: Path) -> None:
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(disk, "in_use", Full())
    with held(tmp_path / "lock"), caplog.at_level(logging.WARNING):
        assert lock_in_turn(tmp_path / "lock", 0.05) is None
    assert caplog.text.count("without a place in its queue") == 1
    with held(tmp_path / "lock"):
        pass


def test_what_is_no_ticket_stops_nobody(tmp_path: Path) -> None:
    """What another program left in the queue is removed, or passed by."""
    queue = tmp_path / f"lock{SUFFIX}"
    queue.mkdir(0o700)
    names = [f"{number:016}-{uuid7()}" for number in range(3)]
    (queue / names[0]).mkdir()
    (queue / names[1]).symlink_to("nowhere")
    (queue / names[2]).touch(0o600)
    (queue / "other").touch()
    with held(tmp_path / "lock"):
        assert sorted(os.listdir(queue)) == [names[0], "other"]
    with held(tmp_path / "lock"):
        pass


def test_who_releases_the_lock_wakes_the_next(
    tmp_path: Path, waiters: Waiters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that waits long between two tries has it at once, and so has the one behind it."""
    monkeypatch.setattr(queue, "_LONGEST", _LONG)
    monkeypatch.setattr(queue, "_LONGEST_WOKEN", _LONG)
    lock = tmp_path / "lock"
    fd = lock_in_turn(lock, 0)
    assert fd is not None
    for _ in range(3):
        waiters.start()
    time.sleep(0.05)  # all of them sleep
    began = time.monotonic()
    release(lock, fd)
    assert waiters.said(1) == "0"
    assert time.monotonic() - began < _LONG / 4


def test_who_waits_may_work_meanwhile(tmp_path: Path) -> None:
    """It gets the number of those that come before it."""
    lock = tmp_path / "lock"
    fd = lock_in_turn(lock, 0)
    assert fd is not None
    before: list[int] = []

    def work(count: int) -> None:
        before.append(count)
        if len(before) == 2:
            release(lock, fd)

    got = lock_in_turn(lock, _LONG, work)
    assert got is not None
    os.close(got)
    assert before == [0, 0]


def test_without_bells_waiters_look_now_and_then(
    tmp_path: Path, waiters: Waiters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on other systems."""

    def refuse(_: str) -> None:
        raise OSError

    monkeypatch.setattr(queue, "Bell", refuse)
    lock = tmp_path / "lock"
    fd = lock_in_turn(lock, 0)
    assert fd is not None
    waiters.start()
    os.close(fd)
    assert waiters.said(1) == "0"


def test_a_bell_wakes_and_is_gone_with_its_process() -> None:
    """A child has none, and to ring for no process does nothing."""
    name = uuid7()
    bell = Bell(name)
    ring(name)
    began = time.monotonic()
    bell.wait(_LONG)
    bell.wait(0.0)
    assert time.monotonic() - began < _LONG / 4
    reads, writes = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(writes, b"!")
        time.sleep(_LONG)
        os._exit(0)
    os.read(reads, 1)
    os.close(reads)
    os.close(writes)
    bell.close()
    again = Bell(name)  # the child has not kept the name
    again.close()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    ring(name)
