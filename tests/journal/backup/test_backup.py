"""A backup: consistent while processes write, incremental, and private."""

from __future__ import annotations

import os
import shutil
import stat
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal import (
    BackupDamaged,
    BackupFailed,
    Journal,
    NotAJournalError,
    make_backup,
    restore_backup,
    verify_backup,
)
from journal.backup.cut import list_all
from journal.backup.manifest import MANIFEST, copy_name, read_manifest
from journal.erasure.eraser import erase
from journal.fs import disk
from journal.fs.directory import open_directory
from journal.fs.disk import Disk
from journal.fs.key_file import own_key, read_keys
from journal.lanes import writer
from journal.segments.blocks import read_between
from journal.verify import verify
from tests.support.erasing import named
from tests.support.journals import ids, segments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from journal.segments.listing import SegmentRef
    from tests.conftest import ExpectedProblems


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """The folder of a backup, which does not exist yet."""
    return tmp_path / "backup"


def write(path: Path, *names: str) -> None:
    """Append messages with these ids."""
    with Journal.open(path) as journal:
        for name in names:
            journal.append_message("s", "user", f"content of {name}", id=name)


def restored(backup: Path) -> Path:
    """Restore a backup to a new folder beside it, and check that the journal is valid."""
    path = backup.with_name(f"restored-{len(os.listdir(backup.parent))}")
    restore_backup(backup, path)
    problems = verify(path / "lanes").problems
    assert not problems, problems
    return path


def test_a_backup_has_every_acknowledged_event(journal_dir: Path, backup: Path) -> None:
    """All events of all lanes are in the backup, and it verifies."""
    with Journal.open(journal_dir) as first, Journal.open(journal_dir) as second:
        first.append_message("s", "user", "a", id="a")
        second.append_message("s", "user", "b", id="b")
        report = make_backup(journal_dir, backup)
    assert (report.segments, report.kept) == (2, ())
    assert verify_backup(backup).problems == ()
    assert ids(restored(backup)) == ["a", "b"]


def test_an_unfinished_line_is_left_out(
    journal_dir: Path, backup: Path, expect_problems: ExpectedProblems
) -> None:
    """An unfinished line was not acknowledged: the copy ends with a newline."""
    write(journal_dir, "a")
    expect_problems("torn")
    with segments(journal_dir)[0].open("ab") as file:
        file.write(b'{"crc":"0')
    make_backup(journal_dir, backup)
    assert ids(restored(backup)) == ["a"]


def test_a_second_backup_writes_only_new_bytes(journal_dir: Path, backup: Path) -> None:
    """Copied bytes are not written again; if nothing is new, nothing is written."""
    write(journal_dir, *map(str, range(100)))
    before = segments(journal_dir)[0].stat().st_size
    assert make_backup(journal_dir, backup).written == before
    assert make_backup(journal_dir, backup).written == 0
    write(journal_dir, "new")
    added = sum(path.stat().st_size for path in segments(journal_dir)) - before
    assert make_backup(journal_dir, backup).written == added
    assert verify_backup(backup).problems == ()
    assert len(ids(restored(backup))) == 101


def test_final_segments_are_copied_once(
    journal_dir: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the last segment of a lane is copied again, also after the journal was moved."""
    monkeypatch.setattr(writer, "ROLL_SIZE", 1000)
    write(journal_dir, *map(str, range(20)))
    first = make_backup(journal_dir, backup)
    assert first.segments > 2
    elsewhere = journal_dir.with_name("elsewhere")
    shutil.copytree(journal_dir, elsewhere)  # other inodes, same bytes
    assert make_backup(elsewhere, backup).written == 0


def test_everything_is_private(journal_dir: Path, backup: Path) -> None:
    """Folders have mode 0700 and files 0600, with any umask, also in a restored journal."""
    write(journal_dir, "a")
    own_key(journal_dir)
    before = os.umask(0)
    try:
        make_backup(journal_dir, backup)
        there = restored(backup)
    finally:
        os.umask(before)
    for root in (backup, there):
        for path in (root, *root.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600), path


def test_the_keys_are_part_of_a_backup(journal_dir: Path, backup: Path) -> None:
    """A restored journal has the same keys; a backup that lacks one is damaged."""
    write(journal_dir, "a")
    key = own_key(journal_dir)
    make_backup(journal_dir, backup)
    assert read_keys(restored(backup)) == (key,)
    (backup / "key").unlink()
    with pytest.raises(BackupDamaged, match=f"lacks {key.id}"):
        verify_backup(backup)


def test_a_rewritten_segment_replaces_its_old_copy(journal_dir: Path, backup: Path) -> None:
    """After an erasure, the next backup has only the new segment."""
    write(journal_dir, "a", "forget me", "c")
    make_backup(journal_dir, backup)
    erase(open_directory(journal_dir), named("forget me"))
    report = make_backup(journal_dir, backup)
    assert (report.segments, report.removed, report.kept) == (1, 1, ())
    assert not any(b"forget me" in path.read_bytes() for path in backup.rglob("*.jsonl"))
    assert ids(restored(backup)) == ["a", "c"]


class _Recording(Disk):
    """Records files that are removed and folders that are synced, in order."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, Path]] = []

    def unlink(self, path: Path) -> None:
        """Remove a file's name."""
        super().unlink(path)
        self.steps.append(("unlink", path))

    def fsync(self, fd: int) -> None:
        """Sync a file or a folder."""
        super().fsync(fd)
        self.steps.append(("sync", Path(f"/proc/self/fd/{fd}").readlink()))


def test_a_removed_copy_does_not_come_back(
    journal_dir: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder is synced: a power loss would bring back the name, and what was erased with it."""
    write(journal_dir, "a", "forget me")
    make_backup(journal_dir, backup)
    (old,) = backup.rglob("*.jsonl")
    erase(open_directory(journal_dir), named("forget me"))
    recording = _Recording()
    monkeypatch.setattr(disk, "in_use", recording)
    make_backup(journal_dir, backup)
    removed = recording.steps.index(("unlink", old))
    assert ("sync", old.parent) in recording.steps[removed:]


def test_a_segment_that_is_rewritten_meanwhile_is_copied_again(
    journal_dir: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An erasure during a backup leaves no gap, no repeated segment, and no erased bytes."""
    monkeypatch.setattr(writer, "ROLL_SIZE", 300)
    write(journal_dir, "a", "forget me", "c", "d")
    done: list[bool] = []

    def blocks(file: FileIO, start: int, end: int) -> Iterator[bytes]:
        yield from read_between(file, start, end)
        if not done:  # the first segment is copied before both are replaced
            done.append(True)
            erase(open_directory(journal_dir), named("a", "forget me"))

    monkeypatch.setattr("journal.backup.copier.read_between", blocks)
    report = make_backup(journal_dir, backup)
    assert done
    assert report.segments == len(segments(journal_dir))
    copies = list(backup.rglob("*.jsonl"))
    assert len(copies) == report.segments
    assert not any(b"forget me" in path.read_bytes() for path in copies)
    assert ids(restored(backup)) == ["c", "d"]


def test_a_superseded_segment_that_still_exists_is_not_copied(
    journal_dir: Path, backup: Path
) -> None:
    """An eraser that died between two steps may leave an old segment, which is in no lane."""
    write(journal_dir, "a", "b")
    (old,) = segments(journal_dir)
    content = old.read_bytes()
    erase(open_directory(journal_dir), named("b"))
    beside = old.with_name("000002.jsonl")
    old.rename(beside)
    old.touch(0o600)
    old.write_bytes(content)
    report = make_backup(journal_dir, backup)
    assert [path.name[:6] for path in backup.rglob("*.jsonl")] == ["000002"]
    assert report.segments == 1
    old.unlink()


def test_a_copy_of_a_lost_segment_stays_in_the_backup(journal_dir: Path, backup: Path) -> None:
    """A copy whose segment is lost, and was not superseded, is kept and reported."""
    write(journal_dir, "a")
    make_backup(journal_dir, backup)
    segments(journal_dir)[0].unlink()
    write(journal_dir, "b")
    report = make_backup(journal_dir, backup)
    assert [(kept.folder, kept.number, kept.why) for kept in report.kept] == [("1", 1, "missing")]
    assert ids(restored(backup)) == ["a", "b"]
    restore_backup(backup, journal_dir)
    assert ids(journal_dir) == ["a", "b"]


def test_a_damaged_segment_does_not_replace_a_good_copy(
    journal_dir: Path, backup: Path, expect_problems: ExpectedProblems
) -> None:
    """If bytes of a segment changed or are missing, its copy is kept and the damage is reported."""
    write(journal_dir, "a", "b")
    make_backup(journal_dir, backup)
    (segment,) = segments(journal_dir)
    content = bytearray(segment.read_bytes())
    content[-20] ^= 1
    segment.write_bytes(content)
    report = make_backup(journal_dir, backup)
    assert [kept.why for kept in report.kept] == ["differs"]
    segment.write_bytes(content[:-100])
    assert [kept.why for kept in make_backup(journal_dir, backup).kept] == ["differs"]
    assert ids(restored(backup)) == ["a", "b"]
    expect_problems("torn")


def test_other_folders_are_not_written_to(journal_dir: Path, backup: Path, tmp_path: Path) -> None:
    """A folder with other files, of another journal, or within the journal is refused."""
    write(journal_dir, "a")
    other = tmp_path / "other"
    write(other, "b")
    with pytest.raises(BackupFailed, match="outside of it"):
        make_backup(journal_dir, journal_dir / "backup")
    with pytest.raises(BackupFailed, match="no backup and not empty"):
        make_backup(journal_dir, other)
    make_backup(other, backup)
    with pytest.raises(BackupFailed, match="give another folder"):
        make_backup(journal_dir, backup)
    with pytest.raises(NotAJournalError):
        make_backup(tmp_path / "nowhere", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(BackupFailed, match="must be a path"):
        make_backup(journal_dir, "")


def test_a_backup_cannot_be_opened_as_a_journal(journal_dir: Path, backup: Path) -> None:
    """Opening a backup as a journal raises an error, so no writer appends to it."""
    write(journal_dir, "a")
    make_backup(journal_dir, backup)
    with pytest.raises(NotAJournalError):
        Journal.open(backup)


def test_a_second_backup_to_one_folder_is_refused(
    journal_dir: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one is refused while the first one runs."""
    write(journal_dir, "a")
    refused = []

    def replaced(lanes: Path) -> dict[str, list[SegmentRef]]:
        with pytest.raises(BackupFailed, match="another backup"):
            make_backup(journal_dir, backup)
        refused.append(True)
        return list_all(lanes)

    monkeypatch.setattr("journal.backup.make.list_all", replaced)
    make_backup(journal_dir, backup)
    assert refused


@pytest.mark.slow
def test_writers_continue_during_a_backup(
    journal_dir: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backup of each lane begins with its first record, and has all acknowledged events."""
    monkeypatch.setattr(writer, "ROLL_SIZE", 4_000)
    stop = threading.Event()
    acknowledged: dict[str, int] = {"x": 0, "y": 0}

    def append(name: str) -> None:
        with Journal.open(journal_dir, fsync="never") as journal:
            while not stop.is_set():
                number = acknowledged[name] + 1
                journal.append_message(name, "user", "hello", id=f"{name}{number}")
                acknowledged[name] = number
                time.sleep(0.0005)

    threads = [threading.Thread(target=append, args=(name,)) for name in acknowledged]
    for thread in threads:
        thread.start()
    try:
        while min(acknowledged.values()) < 50:
            time.sleep(0.001)
        for _ in range(5):
            before = dict(acknowledged)
            make_backup(journal_dir, backup)
            assert verify_backup(backup).problems == ()
            found = ids(restored(backup))
            for name, least in before.items():
                numbers = [int(id[1:]) for id in found if id[0] == name]
                assert numbers == list(range(1, len(numbers) + 1))
                assert len(numbers) >= least
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_damaged_copy_is_detected_and_written_again(journal_dir: Path, backup: Path) -> None:
    """`verify_backup` names a changed, cut or missing file; the next backup repairs it."""
    write(journal_dir, "a", "b")
    make_backup(journal_dir, backup)
    (copy,) = backup.rglob("*.jsonl")
    whole = copy.read_bytes()
    for damage, words in (
        (whole[:50] + b"?" + whole[51:], "are damaged"),
        (whole[:-1], "instead of"),
    ):
        copy.write_bytes(damage)
        (problem,) = verify_backup(backup).problems
        assert str(copy) in problem
        assert words in problem
        with pytest.raises(BackupDamaged):
            restored(backup)
    copy.unlink()
    (problem,) = verify_backup(backup).problems
    assert "is missing" in problem
    make_backup(journal_dir, backup)
    assert verify_backup(backup).problems == ()
    assert copy.read_bytes() == whole


def test_a_copy_of_a_header_with_a_path_stays_in_the_folder() -> None:
    """A segment's uuid may be any string; only a real uuid becomes part of a file name."""
    for segment in ("../../x", "/etc/x", "a" * 500, "é\n"):
        name = copy_name(1, segment)
        assert "/" not in name
        assert len(name) < 60
    assert copy_name(1, "") == "000001.none.jsonl"


def test_a_changed_manifest_is_refused(journal_dir: Path, backup: Path) -> None:
    """A checksum covers the manifest, so a changed byte is an error and never used as a path."""
    write(journal_dir, "a")
    make_backup(journal_dir, backup)
    manifest = backup / MANIFEST
    content = bytearray(manifest.read_bytes())
    for at in (0, 8, 30, len(content) - 3):
        changed = content.copy()
        changed[at] ^= 1
        manifest.write_bytes(changed)
        with pytest.raises(BackupDamaged, match=r"backup\.json is damaged"):
            read_manifest(backup)
        with pytest.raises(BackupDamaged):
            make_backup(journal_dir, backup)
    manifest.unlink()
    with pytest.raises(BackupFailed, match="there is no backup"):
        verify_backup(backup)
    make_backup(journal_dir, backup)
    assert verify_backup(backup).problems == ()


def test_an_empty_journal_has_a_backup(tmp_path: Path, backup: Path) -> None:
    """A journal without an event can be backed up and restored."""
    made = open_directory(tmp_path / "empty")
    assert make_backup(made.path, backup).segments == 0
    assert open_directory(restored(backup), create=False).uuid == made.uuid


def test_a_key_that_cannot_be_copied_changes_no_backup(journal_dir: Path, backup: Path) -> None:
    """A damaged file of keys in the backup is an error, and the backup is not changed."""
    write(journal_dir, "a")
    own_key(journal_dir)
    make_backup(journal_dir, backup)
    before = (backup / MANIFEST).read_bytes()
    (backup / "key").write_text("no key\n")
    write(journal_dir, "b")
    with pytest.raises(BackupFailed, match="that was there is unchanged"):
        make_backup(journal_dir, backup)
    assert (backup / MANIFEST).read_bytes() == before
