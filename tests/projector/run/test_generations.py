"""Generations: built beside the one in use, published in one step, removed when old."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import projector.run.build as build_module
from journal import Journal
from journal.fs.directory import open_directory
from projector import Projection, ProjectionError, ProjectorBusy
from projector.db.generations import Generations, generations
from projector.db.process_lock import ProcessLock
from projector.errors import BuildStopped
from projector.run.build import rebuild
from projector.run.lock_holder import catch_up_once, open_current

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def journal(journal_dir: Path) -> Journal:
    """A journal with one message."""
    journal = Journal.open(journal_dir)
    journal.append_message("s", "user", "alpha", id="m1")
    return journal


@pytest.fixture
def kept(journal: Journal) -> Generations:
    """The generations of the journal."""
    return generations(journal.path)


def _files(kept: Generations) -> set[str]:
    return {path.name for path in kept.folder.iterdir()} - {"lock", "build.lock"}


def test_a_rebuild_makes_the_next_generation(journal: Journal, kept: Generations) -> None:
    """Each rebuild has a new number, and CURRENT names it; the earlier one stays for readers."""
    directory = open_directory(journal.path)
    assert kept.current() is None
    assert [rebuild(directory), rebuild(directory)] == [1, 2]
    assert kept.current() == 2
    assert _files(kept) == {"1.db", "2.db", "CURRENT"}


def test_a_build_that_fails_leaves_the_old_one_in_use(
    journal: Journal, kept: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that fails on a full disk removes its files, and readers keep the old generation."""
    directory = open_directory(journal.path)
    rebuild(directory)

    def refuse(_source: object, _target: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", refuse)
        with pytest.raises(ProjectionError, match=r"cannot publish generation 2.*No space left"):
            rebuild(directory)
    assert _files(kept) == {"1.db", "CURRENT"}
    assert rebuild(directory) == 2


def test_a_build_that_is_stopped_leaves_nothing(journal: Journal, kept: Generations) -> None:
    """A stopped build publishes nothing, removes its files, and leaves the old one in use."""
    directory = open_directory(journal.path)
    rebuild(directory)
    with pytest.raises(BuildStopped, match="build of generation 2 was stopped"):
        rebuild(directory, stop=lambda: kept.path(2).exists())
    assert _files(kept) == {"1.db", "CURRENT"}
    assert rebuild(directory) == 2


def test_the_files_of_a_killed_build_are_removed(journal: Journal, kept: Generations) -> None:
    """The next build removes the files of a killed one, and never publishes them."""
    directory = open_directory(journal.path)
    rebuild(directory)
    child = os.fork()
    if not child:
        vars(build_module)["build_generation"] = lambda *_: os.kill(os.getpid(), 9)
        kept.path(2).write_bytes(b"half")
        kept.path(2).with_name("2.db-journal").write_bytes(b"half")
        rebuild(directory)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 9
    kept.path(2).write_bytes(b"half")
    assert kept.current() == 1
    with Projection.open(journal.path) as projection:
        assert len(projection.search("alpha").hits) == 1
    assert rebuild(directory) == 2
    assert _files(kept) == {"1.db", "1.db-shm", "1.db-wal", "2.db", "CURRENT"} or _files(kept) == {
        "1.db",
        "2.db",
        "CURRENT",
    }


def test_there_is_one_build_at_a_time(journal: Journal, kept: Generations) -> None:
    """A second build is refused with the name and pid of the first one's process."""
    building = ProcessLock(kept.build_lock)
    assert building.acquire()
    with pytest.raises(ProjectorBusy, match=f"process {os.getpid()} on "):
        rebuild(open_directory(journal.path))
    building.release()
    assert rebuild(open_directory(journal.path)) == 1


def test_old_generations_stay_for_a_while(
    journal: Journal, kept: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A generation is removed when no query can still use it; the one in use never is."""
    directory = open_directory(journal.path)
    rebuild(directory)
    rebuild(directory)
    kept.remove_old(2)
    assert kept.path(1).exists()
    monkeypatch.setattr("projector.db.generations._GRACE", -1.0)
    kept.remove_old(2)
    assert _files(kept) == {"2.db", "CURRENT"}


def test_files_with_other_names_are_no_generations(journal: Journal, kept: Generations) -> None:
    """Files with other names are not generations and are not removed."""
    for name in ("notes.db", "1.db.bak", "x"):
        (kept.folder / name).write_bytes(b"mine")
    assert rebuild(open_directory(journal.path)) == 1
    assert {"notes.db", "1.db.bak", "x"} < _files(kept)


def test_a_damaged_current_is_an_error_that_says_what_to_do(kept: Generations) -> None:
    """If CURRENT names no generation, the error says what to do."""
    (kept.folder / "CURRENT").write_bytes(b"one\n")
    with pytest.raises(ProjectionError, match="run `projector rebuild`"):
        kept.current()


def test_a_build_beside_writers_ends(
    journal: Journal, kept: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build ends and is published although writers never pause."""
    monkeypatch.setattr("projector.run.projector._TRANSACTION", 1)
    appended = 0

    def append(_progress: object) -> None:
        nonlocal appended
        appended += 1
        assert appended < 50, "the build runs after the writer for ever"
        journal.append_message("s", "user", f"noise {appended}")

    assert rebuild(open_directory(journal.path), append) == 1
    assert kept.current() == 1
    assert appended > 0
    with Projection.open(journal.path) as projection:
        assert len(projection.search("noise", limit=100).hits) == appended


def test_the_current_one_is_opened_or_built(journal: Journal, kept: Generations) -> None:
    """The projector opens the generation in use, and builds one only if there is none."""
    directory = open_directory(journal.path)
    number, opened = open_current(directory)
    opened.close()
    assert number == 1
    number, opened = open_current(directory)
    opened.close()
    assert number == 1
    kept.path(1).write_bytes(b"garbage" * 1000)
    number, opened = open_current(directory)
    opened.close()
    assert number == 2


def test_a_full_disk_causes_no_rebuild(
    journal: Journal, kept: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk raises an error; the generation is not replaced."""
    directory = open_directory(journal.path)
    catch_up_once(directory)
    journal.append_message("s", "user", "beta")

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        patch.setattr("projector.run.watermark.save_mark", fail)
        with pytest.raises(Exception, match="Input/output error"):
            catch_up_once(directory)
    assert kept.current() == 1


def test_a_lock_is_acquired_once_and_released(tmp_path: Path) -> None:
    """A lock has one holder; `is_locked` does not take it; a second release does nothing."""
    first, second = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
    assert not first.is_locked()
    assert first.acquire()
    assert first.is_locked()
    assert second.is_locked()
    assert not second.acquire(timeout=0.05)
    first.release()
    first.release()
    assert second.acquire()
    second.release()


def test_a_lock_that_is_a_link_is_refused(tmp_path: Path) -> None:
    """If the lock is a link, the projector refuses it: it would write outside the journal."""
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ProjectionError, match="cannot lock"):
        ProcessLock(tmp_path / "lock").acquire()
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_file_with_odd_content_names_no_process(tmp_path: Path) -> None:
    """Unreadable content of a lock file gives no holder, and no error."""
    (tmp_path / "lock").write_bytes(b"[1]")
    assert "another process holds" in str(ProcessLock(tmp_path / "lock").busy())
