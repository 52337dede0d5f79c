"""Lock files that are removed while they are locked, and locks that a forked child inherits."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import portalocker
import pytest

from journal import Journal
from journal.arbiter import NAME, arbitrating
from journal.errors import ArbiterBusy, ArbiterLost
from journal.fs.directory import open_directory
from journal.fs.lock import lock, lock_folder
from projector import ProjectorBusy, SessionStore
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.run.build import building
from projector.run.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import apsw

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def _remove(path: Path) -> None:
    path.unlink()


def _replace(path: Path) -> None:
    other = path.with_name("other")
    other.touch(0o600)
    other.replace(path)


@pytest.mark.parametrize("take_away", [_remove, _replace])
def test_of_two_decisions_beside_a_removed_arbiter_one_succeeds(
    journal_dir: Path, take_away: Callable[[Path], None]
) -> None:
    """The process that locked the removed file gets an error, and writes no decision."""
    asked, go_on = threading.Event(), threading.Event()
    lost: list[BaseException] = []
    with SessionStore.open(journal_dir) as first, SessionStore.open(journal_dir) as second:
        first.keys.set("x", 0)
        first.keys.get("x")

        def question(_db: apsw.Connection) -> tuple[bool, list[dict[str, object]]]:
            asked.set()
            go_on.wait(20)
            data = {"key": "x", "value": "first"}
            return True, [{"session": "@keys", "type": "key.set", "data": data}]

        def decide() -> None:
            try:
                first.decide(question)
            except ArbiterLost as error:
                lost.append(error)

        thread = threading.Thread(target=decide)
        thread.start()
        asked.wait(20)
        take_away(journal_dir / NAME)
        assert second.keys.compare_and_set("x", "second", expected=0)
        go_on.set()
        thread.join()
        assert "nothing was decided" in str(lost[0])
        assert first.keys.get("x") == "second"
        assert first.keys.compare_and_set("x", "first", expected="second")


def test_the_next_holder_waits_for_an_append_under_a_removed_arbiter(journal_dir: Path) -> None:
    """An append that checked the file before its removal ends before another holder reads."""
    with (
        Journal.open(journal_dir),
        arbitrating(journal_dir, 1.0) as first,
        first.appending(),
    ):
        (journal_dir / NAME).unlink()
        with pytest.raises(ArbiterBusy, match="held the folder"), arbitrating(journal_dir, 0.05):
            pass
    with arbitrating(journal_dir, 1.0) as second, second.appending():
        pass


def test_a_child_closes_every_lock_that_it_inherits(tmp_path: Path) -> None:
    """A child that does not use a lock does not keep it when its parent releases it."""
    path = tmp_path / "lock"
    held = [lock(os.open(path, os.O_RDWR | os.O_CREAT, 0o600)), lock_folder(tmp_path)]
    reader, writer = os.pipe()
    alive, says = os.pipe()
    if (child := os.fork()) == 0:
        os.write(says, b".")
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    os.read(alive, 1)
    for fd in held:
        assert fd is not None
        os.close(fd)
    again = [lock(os.open(path, os.O_RDWR)), lock_folder(tmp_path)]
    for fd in (writer, reader, alive, says):
        os.close(fd)
    assert os.waitpid(child, 0)[1] == 0
    for fd in again:
        assert fd is not None
        os.close(fd)


def test_a_child_closes_no_file_that_got_the_number_of_a_lock(tmp_path: Path) -> None:
    """A descriptor that was a lock's, and is another file's now, stays open in a child."""
    fd = lock(os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT, 0o600))
    assert fd is not None
    os.close(fd)
    with (tmp_path / "other").open("wb", buffering=0) as other:
        if other.fileno() != fd:
            os.dup2(other.fileno(), fd)
        if (child := os.fork()) == 0:
            os.write(fd, b"child")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        if other.fileno() != fd:
            os.close(fd)
    assert (tmp_path / "other").read_bytes() == b"child"


def test_a_forked_child_does_not_hold_its_parents_lock(tmp_path: Path) -> None:
    """A lock that the parent holds must be acquired again in the child."""
    one = ProcessLock(tmp_path / "lock")
    assert one.acquire()
    if (child := os.fork()) == 0:
        os._exit(0 if one.is_locked() and not one.acquire() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert one.is_held()
    one.release()


@pytest.mark.parametrize("take_away", [_remove, _replace])
def test_a_holder_whose_lock_file_was_removed_locks_it_again(
    tmp_path: Path, take_away: Callable[[Path], None]
) -> None:
    """A removed lock file is detected, and locked again unless another process was faster."""
    first, second = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
    assert first.acquire()
    take_away(tmp_path / "lock")
    assert not first.is_held()
    with pytest.raises(ProjectorBusy, match="removed or replaced"):
        first.check()
    assert second.acquire()
    assert not first.acquire()
    second.release()
    assert first.acquire()
    first.release()


def test_a_lock_that_cannot_be_unlocked_is_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is closed instead: another process can lock it, and so can the same one again."""

    def fail(_fd: int) -> None:
        raise portalocker.exceptions.LockException("Input/output error")

    one, other = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
    assert one.acquire()
    with monkeypatch.context() as patch:
        patch.setattr(portalocker, "unlock", fail)
        one.unlock()
    assert other.acquire()
    other.release()
    assert one.acquire()
    one.release()


def test_a_build_without_its_lock_file_publishes_nothing(journal_dir: Path) -> None:
    """A build whose lock file is removed ends, because a second build could run beside it."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello")
    directory = open_directory(journal_dir)
    kept = generations(journal_dir)

    def remove(_progress: object) -> None:
        kept.build_lock.unlink(missing_ok=True)

    with (
        pytest.raises(ProjectorBusy, match="removed or replaced"),
        building(directory, remove),
    ):
        pytest.fail("the build went on")
    with building(directory) as number:
        kept.publish(number)


@pytest.mark.slow
def test_a_projector_takes_its_lock_again_when_the_file_is_removed(journal_dir: Path) -> None:
    """A second projector beside it is still refused."""
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "hello", id="m1")
        warned: list[str] = []
        watch = Watch(open_directory(journal_dir), warned.append)
        thread = threading.Thread(target=watch.run)
        thread.start()
        lock_file = generations(journal_dir).lock
        try:
            until = time.monotonic() + 30
            while not watch._lock.is_held():
                assert time.monotonic() < until
                time.sleep(0.01)
            lock_file.unlink()
            while not (warned and ProcessLock(lock_file).is_locked()):
                assert time.monotonic() < until
                store.append("s", "user", "hello again")  # notifies the watch
                time.sleep(0.01)
            assert not ProcessLock(lock_file).acquire(timeout=1.0)
        finally:
            watch.stop()
            thread.join()
    assert "removed or replaced" in warned[0]
