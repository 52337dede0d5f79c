"""Which lane a writer leases: the first free one, found with few questions beside many writers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from journal import Journal
from journal.fs.directory import open_directory
from journal.fs.lock import is_locked
from journal.lanes import lane, leasing
from tests.support.journals import ids

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def _name(journal: Journal) -> str:
    """Return the name of the folder of a handle's lane."""
    assert journal._lane is not None
    return journal._lane.path.name


def _age(journal_dir: Path, name: str) -> None:
    """Let a lane's folder have been changed long ago."""
    os.utime(journal_dir / "lanes" / name, (1, 1))


def test_a_lane_that_was_just_changed_is_left_only_behind_the_first_ones(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a crowd it is leased; a moment later it is leased again like any other."""
    monkeypatch.setattr(leasing, "_FEW", 2)
    with Journal.open(journal_dir), Journal.open(journal_dir) as second:
        third = Journal.open(journal_dir)
        for each in (second, third):
            each.append_message("s", "user", "hello", id=f"m{_name(each)}")
            each.close()
        with Journal.open(journal_dir) as again, Journal.open(journal_dir) as new:
            assert (_name(again), _name(new)) == ("2", "4")
            _age(journal_dir, "3")
            with Journal.open(journal_dir) as aged:
                assert _name(aged) == "3"
    assert ids(journal_dir) == ["m2", "m3"]


def test_processes_that_want_the_same_new_lane_try_different_ones(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lanes that others make at the same moment are theirs, and no number is used twice."""
    lanes, lost = open_directory(journal_dir).lanes, []

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
