"""Files beside the lanes that can contain forgotten text, and the check of all files."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from journal import Journal, make_backup
from journal.fs.directory import open_directory
from journal.process.ids import uuid7
from projector import Projection
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.errors import ProjectorBusy
from projector.forgetting.files import leftovers
from projector.forgetting.files.check import check_erased
from projector.forgetting.files.leftovers import databases, remove_leftovers
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(journal_dir: Path) -> Path:
    """A journal with a session, and its projection."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s1", "user", "a", id="m1")
        journal.append_message("s2", "user", "b", id="m1")
    with Projection.open(journal_dir) as projection:
        projection.sessions()
    return journal_dir


def test_old_databases_drafts_and_hints_are_removed(path: Path) -> None:
    """Other files stay: the database in use, and files of the user."""
    draft = uuid7()
    gone = [
        path / "projection" / "6" / "1.db",
        path / "projection" / "6" / "1.db-wal",
        path / "projection" / "0.db-shm",
        path / "projection" / "99.db",
        path / "projection" / f".CURRENT.{draft}",
        path / f".key.{draft}",
        path / "imports" / "keys",
        path / "imports" / f"{'0' * 32}.json",
        path / "imports" / f".{'0' * 32}.json.{draft}",
    ]
    (path / "projection" / "6").mkdir()
    (path / "imports").mkdir(exist_ok=True)
    for file in gone:
        file.write_bytes(b"text")
    stay = [path / "projection" / "notes.txt", path / "projection" / "6" / "CURRENT"]
    for file in stay:
        file.write_bytes(b"text")
    number = generations(path).in_use()
    remove_leftovers(open_directory(path), lambda _: False)
    assert not [file for file in gone if file.exists()]
    assert not [file for file in stay if not file.exists()]
    assert databases(open_directory(path)) == {path / "projection" / f"{number}.db"}
    assert (path / "journal.json").exists()


def test_a_damaged_database_is_removed_by_a_forget_and_is_in_no_backup(
    path: Path, tmp_path: Path
) -> None:
    """It stays a while for queries that run on it, and holds what is forgotten."""
    kept = generations(path)
    damaged = kept.path(kept.in_use())
    damaged.write_bytes(damaged.read_bytes()[:8192] + b"s1 in a damaged page" * 500)
    with Projection.open(path) as projection:
        assert len(projection.sessions()) == 2
    assert damaged.exists()
    assert kept.path(kept.in_use()) != damaged
    make_backup(path, tmp_path / "backup")
    found = {file.suffix for file in (tmp_path / "backup").rglob("*") if file.is_file()}
    assert found <= {".json", ".jsonl", ""}
    forget(path, Selection(sessions=("s1",)))
    assert not damaged.exists()
    assert len(databases(open_directory(path))) == 1


def test_how_far_sources_were_imported_stays(path: Path) -> None:
    """Without that, the next import would append everything again; only the source's name goes."""
    file = path / "imports" / f"{'a' * 32}.json"
    file.parent.mkdir()
    entry = {"format": "codex", "parser": 1, "lines": 3, "offset": 9, "digest": "d"}
    entry |= {"marks": "", "state": "file 1 2 3"}
    file.write_bytes(orjson.dumps({"path": "/secret/name"} | entry))
    file.chmod(0o600)
    remove_leftovers(open_directory(path), lambda _: False)
    # an entry of an earlier version: the next import reads the file again, by its marks
    new = {"state": "", "folders": "", "sessions": "", "start": "", "place": ""}
    assert orjson.loads(file.read_bytes()) == entry | new


def test_entries_without_the_name_of_a_source_are_not_rewritten(path: Path) -> None:
    """Each write is synced, and there can be a file for each of many thousand sources."""
    file = path / "imports" / f"{'a' * 32}.json"
    file.parent.mkdir()
    entry = {"format": "codex", "parser": 1, "lines": 3, "offset": 9, "digest": "d"}
    entry |= {"marks": "", "state": "file 1 2 3", "folders": "", "sessions": ""}
    entry |= {"place": "", "start": ""}
    file.write_bytes(orjson.dumps(entry) + b"\n")
    file.chmod(0o600)
    before = file.stat().st_ino
    remove_leftovers(open_directory(path), lambda _: False)
    assert file.stat().st_ino == before


def test_cleaning_waits_for_a_build(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database of a build is not removed; after the wait, the error names its process."""
    monkeypatch.setattr(leftovers, "_PATIENCE", 0.05)
    lock = ProcessLock(generations(path).build_lock)
    assert lock.acquire()
    try:
        with pytest.raises(ProjectorBusy, match="process"):
            remove_leftovers(open_directory(path), lambda _: False)
    finally:
        lock.release()


def test_a_check_names_leaks_and_files_that_it_cannot_check(path: Path) -> None:
    """An old database, a ledger's session, a draft, a hint, a foreign file, a kept name."""
    (path / "kept").mkdir()
    before = (path / "projection" / "1.db").read_bytes()
    forget(path, Selection(sessions=("s1",)))
    assert check_erased(open_directory(path)).found == ()
    old = path / "projection" / "1.db"
    old.write_bytes(before)
    old.chmod(0o600)
    (path / "projection" / "5.db").write_bytes(b"no database")
    (path / "imports").mkdir(exist_ok=True)
    (path / "imports" / "keys").touch()  # it has no text
    (path / "imports" / "other").touch()
    entry = {"format": "codex", "parser": 1, "lines": 3, "offset": 9, "digest": "d", "marks": ""}
    entry |= {"state": "file 1 2 3", "folders": "", "sessions": "s1\ns2\n"}
    imported = path / "imports" / f"{'a' * 32}.json"
    imported.write_bytes(orjson.dumps(entry))
    imported.chmod(0o600)
    (path / "kept" / "notes").touch()
    (path / "kept" / "key").touch()
    (path / "projection" / "key").touch()
    (path / "lanes" / "1" / "roll").touch()
    (path / "redact.toml").touch()
    (path / "lanes" / "1" / f".000001.jsonl.{uuid7()}").touch()
    (path / "retention.toml").write_text("pinned = ['s1', 's2']", encoding="utf-8")
    (path / "retention.toml").chmod(0o600)
    report = check_erased(open_directory(path))
    (path / "kept" / "notes").unlink()
    (path / "kept" / "key").unlink()
    (path / "kept").rmdir()
    for file in (path / "lanes" / "1").glob(".*"):
        file.unlink()
    found = [(found.where, found.count) for found in report.found]
    in_entry = (f"imports/{imported.name}", 1)
    assert found == [in_entry, ("projection/1.db", 2), ("retention.toml", 1)]
    names = {unchecked.where.partition(".jsonl.")[0] for unchecked in report.unchecked}
    others = {"kept/notes", "kept/key", "projection/key", "imports/other"}
    assert names == {"projection/5.db", "lanes/1/.000001", *others}


def test_a_check_names_links_and_unfinished_lines(path: Path, tmp_path: Path) -> None:
    """They may hold what is forgotten; silence would be a promise that it is gone."""
    forget(path, Selection(sessions=("s1",)))
    (path / "projection" / "8.db").symlink_to(tmp_path / "elsewhere")
    (path / "projection" / "kept").symlink_to(tmp_path)
    segment = max((path / "lanes" / "1").glob("*.jsonl"))
    whole = segment.read_bytes()
    segment.write_bytes(whole + b'{"crc":"12')
    report = check_erased(open_directory(path))
    segment.write_bytes(whole)
    found = {unchecked.where: unchecked.why for unchecked in report.unchecked}
    assert found == {
        f"lanes/1/{segment.name}": "an unfinished line of 10 bytes at its end",
        "projection/8.db": "it is a link, or no regular file",
        "projection/kept": "it is a link, or no regular file",
    }


def test_a_check_names_copies_and_the_rest_of_a_database(path: Path) -> None:
    """A copy of a segment, and a write-ahead log without its database, can have all the text."""
    forget(path, Selection(sessions=("s1",)))
    copy, log = path / "lanes" / "1" / "1.jsonl", path / "projection" / "77.db-wal"
    for file in (copy, log):
        file.touch(0o600)
    report = check_erased(open_directory(path))
    copy.unlink()
    assert {unchecked.where: unchecked.why for unchecked in report.unchecked} == {
        "lanes/1/1.jsonl": "it is none of the journal's files",
        "projection/77.db-wal": "it is of a database that is not there",
    }


def test_a_check_names_a_folder_that_it_cannot_list(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in it may be forgotten."""
    forget(path, Selection(sessions=("s1",)))
    (path / "projection" / "5").mkdir()
    scandir = os.scandir

    def refuse(folder: str) -> Any:  # noqa: ANN401 - as the function in its place
        if str(folder).endswith("projection/5"):
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    (unchecked,) = check_erased(open_directory(path)).unchecked
    assert (unchecked.where, unchecked.why) == (
        "projection/5",
        "cannot list it: Permission denied",
    )


def test_an_invalid_policy_is_not_checked(path: Path) -> None:
    """All else is: a mistake in it must not hide what is left."""
    forget(path, Selection(sessions=("s1",)))
    (path / "retention.toml").write_text("pinned = 's1'", encoding="utf-8")
    (path / "retention.toml").chmod(0o600)
    (unchecked,) = check_erased(open_directory(path)).unchecked
    assert unchecked.where == "retention.toml"
    assert "pinned must be a list" in unchecked.why
