"""Failures that a sweep over single system calls found."""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING

import apsw
import portalocker
import pytest

from journal import Journal, LeaseError, SyncError
from journal.fs import disk
from journal.fs.directory import open_directory
from journal.segments.segment_file import SegmentFile
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.errors import ProjectionError
from projector.run.build import rebuild
from projector.run.lock_holder import open_current
from projector.run.watch import Bell
from tests.support.journals import ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.lanes.group_commit import Fsync


def _refuse(code: int = errno.EIO) -> Callable[..., None]:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


def _close_badly(code: int) -> Callable[[SegmentFile], None]:
    """Return a `close` that closes the descriptor and raises all the same, as close(2) can."""
    real = SegmentFile.close

    def close(file: SegmentFile) -> None:
        real(file)
        raise OSError(code, os.strerror(code))

    return close


@pytest.fixture
def filled(journal_dir: Path) -> Path:
    """A journal of one message."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello", id="1")
    return journal_dir


def test_a_segment_that_cannot_be_opened_again_is_no_lease(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the lane, and the lane is free afterwards."""
    with monkeypatch.context() as patch:
        patch.setattr(disk.Disk, "open_append", _refuse(errno.EMFILE))
        with pytest.raises(LeaseError, match="Too many open files"):
            Journal.open(filled)
    Journal.open(filled).close()
    assert [path.name for path in (filled / "lanes").iterdir()] == ["1"]


@pytest.mark.parametrize("fsync", ["always", "interval"])
def test_closing_a_synced_file_cannot_fail(
    journal_dir: Path, fsync: Fsync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If everything is durable, an error of close(2) is ignored."""
    journal = Journal.open(journal_dir, fsync=fsync)
    journal.append_message("s", "user", "hello", id="1")
    with monkeypatch.context() as patch:
        patch.setattr(SegmentFile, "close", _close_badly(errno.EIO))
        journal.close()
    assert ids(journal_dir) == ["1"]


def test_closing_an_unsynced_file_may_report_a_loss(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network file system may report a failed write at close(2), and so does the handle."""
    journal = Journal.open(journal_dir, fsync="never")
    journal.append_message("s", "user", "hello", id="1")
    with monkeypatch.context() as patch:
        patch.setattr(SegmentFile, "close", _close_badly(errno.EDQUOT))
        with pytest.raises(SyncError, match="same ids"):
            journal.close()
    with Journal.open(journal_dir) as again:
        again.append_message("s", "user", "hello", id="1")
    assert len(list((journal_dir / "lanes").iterdir())) == 1  # the lease had already ended


def test_an_unreadable_current_removes_no_generation(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If CURRENT cannot be read, no generation is removed: readers may be using any of them."""
    directory = open_directory(filled)
    number = rebuild(directory)
    with monkeypatch.context() as patch:
        patch.setattr("projector.db.generations.read_own", _refuse(errno.EMFILE))
        with pytest.raises(ProjectionError, match="Too many open files"):
            rebuild(directory)
    assert generations(directory.path).path(number).exists()


@pytest.mark.parametrize("call", ["ftruncate", "pwrite"])
def test_a_lock_that_cannot_be_signed_is_released(
    filled: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that cannot write its pid on a full disk releases the projector's lock."""
    path = generations(filled).lock
    with monkeypatch.context() as patch:
        patch.setattr(os, call, _refuse(errno.ENOSPC))
        with pytest.raises(ProjectionError, match="No space left"):
            ProcessLock(path).acquire()
    other = ProcessLock(path)
    assert other.acquire()
    other.release()


def test_a_file_system_without_locks_is_named(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENOLCK gives an error that says so, and no exception of the locking library."""

    def lock(*_: object) -> None:
        raise portalocker.exceptions.LockException("No locks available")

    path = generations(filled).lock
    with monkeypatch.context() as patch:
        patch.setattr(portalocker, "lock", lock)
        with pytest.raises(ProjectionError, match=r"No locks available.* file system with locks"):
            ProcessLock(path).acquire()
        with pytest.raises(LeaseError, match=r"No locks available.* file system with locks"):
            Journal.open(filled)


def test_a_lock_that_is_no_file_is_an_error(filled: Path) -> None:
    """A pipe in place of a lock file raises an error, and does not count as a lock."""
    path = generations(filled).lock
    os.mkfifo(path)
    with pytest.raises(ProjectionError, match=r"cannot lock .* is no regular file"):
        ProcessLock(path).acquire()
    path.unlink()


def test_a_failed_checkpoint_is_an_error(filled: Path) -> None:
    """The applied events are not lost, and the error says so."""
    directory = open_directory(filled)
    rebuild(directory)
    _, projector = open_current(directory)
    with Journal.open(filled) as journal:
        journal.append_message("s", "user", "more", id="2")
    projector.catch_up()

    def refuse(*_: object, **__: object) -> None:
        raise apsw.FullError("database or disk is full")

    wal = projector.wal
    real, wal._db = wal._db, _Refusing(wal._db, refuse)  # type: ignore[assignment]
    with pytest.raises(ProjectionError, match="is not lost"):
        wal.checkpoint(above=0)
    wal._db = real
    projector.close()


class _Refusing:
    """A connection whose checkpoints fail."""

    def __init__(self, db: apsw.Connection, refuse: Callable[..., None]) -> None:
        self.filename = db.filename
        self.wal_checkpoint = refuse


def test_the_watch_polls_if_no_thread_can_be_started(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the limit of threads, the watch reports it and polls."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    warnings: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        bell = Bell(filled / "lanes", filled, warnings.append)
    assert len(warnings) == 1
    assert "can't start new thread" in warnings[0]
    bell.close()
