"""Which lane a writer leases: the first free one, found with few questions beside many writers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal, LeaseError
from journal.fs.directory import open_directory
from journal.fs.lock import is_locked
from journal.lanes import lane, leasing
from tests.support.journals import lane_names

if TYPE_CHECKING:
    from pathlib import Path


def _name(journal: Journal) -> str:
    """Return the name of the folder of a handle's lane."""
    assert journal._lane is not None
    return journal._lane.path.name


def test_writers_one_after_another_share_a_lane_beside_a_crowd(journal_dir: Path) -> None:
    """There are as many lanes as writers at the same time, also if the last one changes often."""
    held = [Journal.open(journal_dir) for _ in range(20)]
    for number in range(30):
        with Journal.open(journal_dir) as journal:
            journal.append_message("s", "user", "hello", id=f"m{number}")
    assert len(lane_names(journal_dir)) == 21
    for each in held:
        each.close()


def test_a_leased_lane_that_others_may_write_to_is_named(journal_dir: Path) -> None:
    """Who may write to it could lease it to hide that."""
    with Journal.open(journal_dir) as journal:
        lane = journal_dir / "lanes" / _name(journal)
        lane.chmod(0o777)
        with pytest.raises(LeaseError, match="may be written by other users"):
            Journal.open(journal_dir)
        lane.chmod(0o700)


def test_nothing_is_done_in_a_retired_lane(journal_dir: Path) -> None:
    """No lock is made or looked at there: a lane without one is as its writer left it."""
    lane = open_directory(journal_dir).lanes / "1"
    lane.mkdir(mode=0o700)
    (lane / "retired").touch(mode=0o600)
    with Journal.open(journal_dir) as journal:
        assert _name(journal) == "2"
    assert [path.name for path in lane.iterdir()] == ["retired"]


def test_processes_that_want_the_same_new_lane_try_different_ones(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lanes that others make at the same moment are theirs, and no number is used twice."""
    lanes = open_directory(journal_dir).lanes
    lost: list[str] = []

    def made_by_others(path: Path) -> bool:
        is_lost = len(lost) < 3
        if is_lost:
            lost.append(path.name)
            path.mkdir(mode=0o700)
            return False
        path.mkdir(mode=0o700)
        return True

    monkeypatch.setattr(leasing, "make_folder", made_by_others)
    leased, _ = leasing.lease(lanes)
    assert len(set(lost)) == 3
    assert leased.path.name not in lost
    leased.release()


def test_a_leased_lane_is_asked_for_once_and_nothing_else(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that starts passes by all lanes that others have: each must cost little."""
    tried: list[Path] = []

    def noted(path: Path) -> Any:  # noqa: ANN401 - what it returns
        tried.append(path)
        return lane.try_lease(path)

    held = [Journal.open(journal_dir) for _ in range(5)]
    monkeypatch.setattr(leasing, "try_lease", noted)
    with Journal.open(journal_dir) as sixth:
        assert _name(sixth) == "6"
    assert [path.name for path in tried] == ["6"]
    for each in held:
        each.close()


def test_whether_a_file_is_locked_is_seen_without_making_it(journal_dir: Path) -> None:
    """A file that is not there, is a link, or cannot be opened is not locked."""
    with Journal.open(journal_dir) as journal:
        lock = journal_dir / "lanes" / _name(journal) / "lock"
        assert is_locked(str(lock))
    assert not is_locked(str(lock))
    missing, link = lock.with_name("missing"), lock.with_name("link")
    link.symlink_to(lock)
    assert not is_locked(str(missing))
    assert not is_locked(str(link))
    assert not missing.exists()
    link.unlink()
