"""Following goes on after what disks and systems do: full disks, full tables, cut files."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from journal.errors import AppendError, JournalError, SyncError
from journal.fs import disk
from journal.fs.disk import Disk
from journal.importers.files import watcher
from journal.importers.run import following
from journal.importers.run.driver import Importer
from journal.writer import Journal
from tests.importers.run.test_following import add, message_line, texts, watch
from tests.support.journals import is_segment

if TYPE_CHECKING:
    from pathlib import Path


def nap() -> None:
    """Let one check of the files pass."""


A_SECOND = [nap] * following._WALK
"""Checks within which all folders are walked."""


class FullDisk(Disk):
    """A disk without space while it is full."""

    full = False

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write, or refuse to."""
        if self.full and is_segment(fd):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(fd, data)

    def create(self, path: Path) -> int:
        """Make a file, or refuse to."""
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().create(path)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    """The disk in use; it has space until a test says otherwise."""
    found = FullDisk()
    monkeypatch.setattr(disk, "in_use", found)
    monkeypatch.setattr(following, "_RETRY", following.POLL)
    return found


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder for sources; the journal goes beside it."""
    folder = tmp_path / "box"
    folder.mkdir()
    return folder


def test_what_a_full_disk_refused_is_imported_when_there_is_space(
    box: Path, tmp_path: Path, full_disk: FullDisk
) -> None:
    """Old and new files lose nothing, the failure is reported once, and the report has no error."""
    add(box / "a.jsonl", message_line(1))
    failures: list[JournalError] = []

    def fill() -> None:
        full_disk.full = True
        add(box / "a.jsonl", message_line(2))
        add(box / "b.jsonl", message_line(3))

    def empty() -> None:
        full_disk.full = False

    report = watch(tmp_path / "j", box, fill, *A_SECOND, empty, nap, failed=failures.append)
    assert sorted(texts(tmp_path / "j")) == ["x1", "x2", "x3"]
    assert (report.messages, report.errors) == (3, {})
    assert [type(error) for error in failures] == [AppendError]


def test_a_disk_that_is_full_from_the_beginning_is_waited_for(
    box: Path, tmp_path: Path, full_disk: FullDisk
) -> None:
    """That all files are imported is said only when they are."""
    for number in range(3):
        add(box / f"{number}.jsonl", message_line(number))
    order: list[str] = []

    def empty() -> None:
        full_disk.full = False
        order.append("space")

    with Journal.open(tmp_path / "j", fsync="never") as handle:
        handle.append_message("s0", "user", "x")  # the lane is there
    steps = iter([nap, empty, nap])

    def wait(seconds: float) -> bool:
        if not seconds:
            return False
        step = next(steps, None)
        if step is not None:
            step()
        return step is None

    with Journal.open(tmp_path / "j", fsync="never") as handle:
        full_disk.full = True
        following.follow(
            Importer(handle, "auto"), [box], wait, caught_up=lambda: order.append("caught up")
        )
    assert order == ["space", "caught up"]
    assert sorted(texts(tmp_path / "j")) == ["x", "x0", "x1", "x2"]


def test_a_full_disk_at_the_end_is_an_error(box: Path, tmp_path: Path, full_disk: FullDisk) -> None:
    """What was not written is not reported as imported."""

    def fill() -> None:
        full_disk.full = True
        add(box / "a.jsonl", message_line(1))

    report = watch(tmp_path / "j", box, fill, *A_SECOND)
    assert report.messages == 0
    assert "No space left on device" in report.errors[str(tmp_path / "j")]


@pytest.mark.parametrize("failing", ["schedule", "start"])
def test_a_full_table_of_watches_is_no_end(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """Without notifications all files are looked at in turn."""
    (box / "below").mkdir()
    calls: list[str] = []

    class Full:
        """An observer in a system that has no more watches, or no more instances."""

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method
            def call(*_: object, **__: object) -> None:
                calls.append(name)
                if name == failing:
                    raise OSError(errno.ENOSPC, "inotify watch limit reached")

            return call

    monkeypatch.setattr(watcher, "new_observer", Full)
    add(box / "a.jsonl", message_line(1))
    report = watch(
        tmp_path / "j",
        box,
        lambda: add(box / "a.jsonl", message_line(2)),
        lambda: add(box / "below" / "b.jsonl", message_line(3)),
        *A_SECOND,
    )
    assert failing in calls
    assert sorted(texts(tmp_path / "j")) == ["x1", "x2", "x3"]
    assert report.errors == {}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_file_that_is_cut_and_written_again_is_read_again(
    box: Path, tmp_path: Path, count: int
) -> None:
    """A program that rotates by copying cuts the file; its next lines may be longer or shorter."""
    source = box / "a.jsonl"
    add(source, message_line(1) + message_line(2))

    def rotate() -> None:
        (box / "a.jsonl.1").write_bytes(source.read_bytes())
        os.truncate(source, 0)

    new = b"".join(message_line(number) for number in range(3, 3 + count))
    watch(tmp_path / "j", box, rotate, lambda: add(source, new), nap)
    expected = ["x1", "x2", *(f"x{number}" for number in range(3, 3 + count))]
    assert sorted(texts(tmp_path / "j")) == expected


def test_what_a_failed_sync_may_have_lost_is_read_again(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger gets no entry for it, and its lines are appended once more."""
    monkeypatch.setattr(following, "_RETRY", following.POLL)
    add(box / "a.jsonl", message_line(1))
    sync, failures = Journal.sync, [2]

    def refuse(journal: Journal) -> None:
        if failures[0] == 1:
            failures[0] = 0
            raise SyncError("the disk refused", ())
        sync(journal)

    def begin() -> None:
        failures[0] = 1
        add(box / "a.jsonl", message_line(2))

    monkeypatch.setattr(Journal, "sync", refuse)
    report = watch(tmp_path / "j", box, begin, *A_SECOND)
    assert failures == [0]
    assert texts(tmp_path / "j") == ["x1", "x2", "x2"]
    assert report.errors == {}
