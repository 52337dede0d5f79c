"""An open handle notices that its journal was deleted, moved or replaced."""

from __future__ import annotations

import contextlib
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from journal import AppendError, Journal, JournalError, SyncError
from tests.support.disks.faulty import faulty_disk, once
from tests.support.journals import ids, segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


@pytest.fixture(autouse=True)
def look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every append checks the files, not only once in 100 ms."""
    monkeypatch.setattr("journal.lanes.recovery.LOOK_EVERY", -1.0)


@pytest.fixture
def no_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """The background sync runs too late for the test."""
    monkeypatch.setattr("journal.lanes.background.GATHER", 1000.0)


def _append(journal: Journal, id: str) -> None:
    journal.append(session="s", id=id, type="x", data={})


def _append_until_refused(journal: Journal, numbers: Iterable[int]) -> None:
    for number in numbers:
        time.sleep(0.01)
        # an append may notice what the background sync is about to report
        with contextlib.suppress(AppendError):
            _append(journal, str(number))


def _remove(path: Path) -> None:
    shutil.rmtree(path)


def _move(path: Path) -> None:
    path.rename(path.with_name("moved"))


@pytest.mark.parametrize("vanish", [_remove, _move])
def test_an_append_to_a_removed_journal_is_an_error(
    journal_dir: Path, vanish: Callable[[Path], None]
) -> None:
    """Each append raises an error with the events and the cause, until the journal is back."""
    with Journal.open(journal_dir, fsync="never") as journal:
        _append(journal, "1")
        vanish(journal_dir)
        for id in ("2", "3"):
            with pytest.raises(AppendError, match="vanished") as failed:
                _append(journal, id)
            assert failed.value.ids == (id,)
        assert not journal_dir.exists()  # the handle must not create an empty journal in its place


@pytest.mark.parametrize("vanish", [_remove, _move])
def test_always_notices_an_unlinked_file(
    journal_dir: Path, vanish: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two checks of the append, the sync notices that the file was removed."""
    monkeypatch.setattr("journal.lanes.recovery.LOOK_EVERY", 1e9)
    journal = Journal.open(journal_dir, fsync="always")
    _append(journal, "1")
    vanish(journal_dir)
    with pytest.raises(SyncError) as failed:
        _append(journal, "2")
    assert failed.value.ids == ("2",)
    with pytest.raises(SyncError):
        journal.close()


def test_a_journal_that_is_moved_back_is_used_again(journal_dir: Path) -> None:
    """After the move back, the same handle appends to the same lane."""
    with Journal.open(journal_dir, fsync="always") as journal:
        _append(journal, "1")
        _move(journal_dir)
        with pytest.raises(AppendError):
            _append(journal, "2")
        journal_dir.with_name("moved").rename(journal_dir)
        _append(journal, "2")
    assert sorted(set(ids(journal_dir))) == ["1", "2"]


def test_a_new_journal_in_the_same_place_is_leased(journal_dir: Path) -> None:
    """The handle leases a free lane of the new journal, never one that another handle has."""
    with Journal.open(journal_dir, fsync="always") as journal:
        _append(journal, "1")
        _remove(journal_dir)
        with Journal.open(journal_dir, fsync="always") as other:
            _append(other, "o")
            with pytest.raises(AppendError):
                _append(journal, "2")
            _append(journal, "2")
            _append(other, "p")
    assert sorted(ids(journal_dir)) == ["2", "o", "p"]
    assert len({path.parent for path in segments(journal_dir)}) == 2


@pytest.mark.usefixtures("no_background")
def test_events_that_were_not_durable_are_written_again(journal_dir: Path) -> None:
    """Events acknowledged at `interval` and not synced are written again to the new lane."""
    with Journal.open(journal_dir, fsync="interval") as journal:
        for id in ("1", "2"):
            _append(journal, id)
        _remove(journal_dir)
        Journal.open(journal_dir).close()
        with pytest.raises(AppendError):
            _append(journal, "3")
        _append(journal, "3")
        journal.sync()
    assert sorted(set(ids(journal_dir))) == ["1", "2", "3"]


@pytest.mark.usefixtures("no_background")
def test_a_deleted_segment_is_noticed_and_its_lane_kept(journal_dir: Path) -> None:
    """The lane continues in its next segment, with the events that were not durable."""
    with Journal.open(journal_dir, fsync="interval") as journal:
        _append(journal, "1")
        segments(journal_dir)[0].unlink()
        with pytest.raises(AppendError):
            _append(journal, "2")
        _append(journal, "2")
        journal.sync()
    assert sorted(set(ids(journal_dir))) == ["1", "2"]
    assert [path.name for path in segments(journal_dir)][-1] != "000001.jsonl"


def test_the_background_sync_reports_it(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At `interval`, the append after the background sync raises an error with the lost events."""
    monkeypatch.setattr("journal.lanes.recovery.LOOK_EVERY", 1e9)
    journal = Journal.open(journal_dir, fsync="interval")
    _append(journal, "1")
    journal.sync()
    _remove(journal_dir)
    _append(journal, "2")
    with pytest.raises(SyncError) as failed:
        _append_until_refused(journal, range(3, 500))
    assert failed.value.ids[0] == "2"
    with pytest.raises(JournalError):
        journal.close()


@pytest.mark.usefixtures("no_background")
def test_a_sync_that_is_running_writes_them_again_too(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An append leases another lane while files of the removed lane are being synced."""
    disk = faulty_disk(monkeypatch)
    done = False

    def vanish() -> None:
        nonlocal done
        done = True
        _remove(journal_dir)
        Journal.open(journal_dir).close()
        with pytest.raises(AppendError):
            _append(journal, "2")
        _append(journal, "2")

    with Journal.open(journal_dir, fsync="interval") as journal:
        _append(journal, "1")
        _append(journal, "0")
        once(disk, "in_sync", vanish)
        journal.sync()
        assert done
        journal.sync()
    assert set(ids(journal_dir)) == {"0", "1", "2"}
