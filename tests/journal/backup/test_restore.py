"""Restore: a new journal is complete, an existing one gets lost events, hostile files fail."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from journal import (
    BackupDamaged,
    BackupFailed,
    Journal,
    make_backup,
    restore_backup,
)
from journal.backup.manifest import MANIFEST
from journal.erasure.eraser import erase
from journal.erasure.hashes import event_hash
from journal.erasure.requests import read_requests
from journal.format.frame import frame
from journal.format.keyed_hash import Key
from journal.format.record import encode_event
from journal.fs.directory import MARK, open_directory
from journal.fs.key_file import add_keys, own_key, read_keys
from journal.lanes import writer
from journal.verify import verify
from projector import Projection
from tests.conftest import assert_function_of_the_events
from tests.support.erasing import named
from tests.support.journals import events, headers, ids, lane_names, segments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.format.record import Record


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """The folder of a backup, which does not exist yet."""
    return tmp_path / "backup"


def write(path: Path, *names: str, session: str = "s") -> None:
    """Append messages with these ids."""
    with Journal.open(path) as journal:
        for name in names:
            journal.append_message(session, "user", f"content of {name}", id=name)


def digest(path: Path) -> str:
    """Return the digest of a journal's projection."""
    with Projection.open(path) as projection:
        return projection.digest()


def _order(record: Record) -> int:
    return record.event.order


def sound(path: Path) -> None:
    """Check that a journal has no problems, and that its projection is that of a rebuild."""
    problems = verify(path / "lanes").problems
    assert not problems, problems
    assert_function_of_the_events(path)


@pytest.mark.slow
def test_a_new_journal_has_every_byte_and_the_same_digest(
    journal_dir: Path, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Segments, uuids and digest are equal."""
    monkeypatch.setattr(writer, "ROLL_SIZE", 1000)
    write(journal_dir, *map(str, range(20)))
    make_backup(journal_dir, backup)
    report = restore_backup(backup, tmp_path / "new")
    assert report.is_new
    assert report.segments == len(segments(journal_dir))
    there = tmp_path / "new"
    assert {p.relative_to(there): p.read_bytes() for p in segments(there)} == {
        p.relative_to(journal_dir): p.read_bytes() for p in segments(journal_dir)
    }
    assert open_directory(there).uuid == open_directory(journal_dir).uuid
    assert digest(there) == digest(journal_dir)
    sound(there)


def test_a_journal_is_restored_in_a_world_writable_folder(
    journal_dir: Path, backup: Path, tmp_path: Path
) -> None:
    """A folder such as /tmp may contain a journal, so a restored one may be there, too."""
    write(journal_dir, "one")
    make_backup(journal_dir, backup)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    restore_backup(backup, shared / "journal")
    assert digest(shared / "journal") == digest(journal_dir)


def test_writers_begin_new_lanes_in_a_restored_journal(
    journal_dir: Path, backup: Path, tmp_path: Path
) -> None:
    """The original lanes may grow elsewhere, so no number is assigned again under their uuids.

    This also holds if the copies have the inodes of the originals, which may happen if the journal
    was removed before.
    """
    write(journal_dir, "a")
    (lane,) = {header.lane for header in headers(journal_dir)}
    make_backup(journal_dir, backup)
    new = tmp_path / "new"
    restore_backup(backup, new)
    for segment in segments(new):  # the original's inode
        original = journal_dir / segment.relative_to(new)
        segment.unlink()
        segment.hardlink_to(original)
    write(new, "b")
    assert [header.lane == lane for header in headers(new)] == [True, False]
    assert ids(journal_dir) == ["a"]


def test_a_journal_of_version_1_keeps_its_version(
    journal_dir: Path, backup: Path, tmp_path: Path
) -> None:
    """A program of version 1 continues the newest uuid of a folder, and that is a new one."""
    write(journal_dir, "a")
    (lane,) = {header.lane for header in headers(journal_dir)}
    mark = orjson.loads((journal_dir / MARK).read_bytes())
    (journal_dir / MARK).write_bytes(orjson.dumps(mark | {"format": 1}))
    make_backup(journal_dir, backup)
    new = tmp_path / "new"
    restore_backup(backup, new)
    assert open_directory(new).format == 1
    assert [header.lane == lane for header in headers(new)] == [True, False]
    assert ids(new) == ["a"]
    sound(new)


def test_a_target_with_other_files_is_refused(
    journal_dir: Path, backup: Path, tmp_path: Path
) -> None:
    """An empty folder is used; a folder with files in it, a file or a link is refused."""
    write(journal_dir, "a")
    make_backup(journal_dir, backup)
    empty = tmp_path / "empty"
    empty.mkdir(0o700)
    restore_backup(backup, empty)
    assert ids(empty) == ["a"]
    full = tmp_path / "full"
    full.mkdir(0o700)
    (full / "thesis").write_text("precious")
    with pytest.raises(BackupFailed, match="not empty"):
        restore_backup(backup, full)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(BackupFailed, match="no folder"):
        restore_backup(backup, file)
    assert sorted(os.listdir(full)) == ["thesis"]


def test_lost_events_are_restored_to_an_existing_journal(journal_dir: Path, backup: Path) -> None:
    """Missing records are added under their lane and number; a second restore adds nothing."""
    write(journal_dir, "a", "b", "c")
    before = digest(journal_dir)
    make_backup(journal_dir, backup)
    (segment,) = segments(journal_dir)
    lines = segment.read_bytes().split(b"\n")
    segment.write_bytes(b"\n".join([*lines[:2], lines[3], b""]))  # "b" is lost
    write(journal_dir, "d")
    report = restore_backup(backup, journal_dir)
    assert (report.is_new, report.events, report.lane) == (False, 1, "2")
    assert restore_backup(backup, journal_dir).events == 0
    assert ids(journal_dir) == ["a", "b", "c", "d"]
    assert digest(journal_dir) != before
    for path in (journal_dir / "lanes" / "2").glob("*.jsonl"):  # a byte of "b" in its old place
        assert lines[2] in path.read_bytes()
    # the number is now in another folder; its own lane still lacks it
    (problem,) = verify(journal_dir / "lanes").problems
    assert problem.kind == "gap"
    segment.write_bytes(b"\n".join(lines))


@pytest.mark.slow
def test_all_lanes_are_restored_to_an_existing_journal(
    journal_dir: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of several lanes and segments are added, and the digest is the same."""
    monkeypatch.setattr(writer, "ROLL_SIZE", 1000)
    with Journal.open(journal_dir) as first, Journal.open(journal_dir) as second:
        for n in range(30):
            (first, second)[n % 2].append_message(f"s{n % 3}", "user", f"text {n}", id=f"m{n}")
        first.append(session="s1", type="session.cleared", data={})
    before, known = digest(journal_dir), events(journal_dir)
    make_backup(journal_dir, backup)
    shutil.rmtree(journal_dir / "lanes")
    shutil.rmtree(journal_dir / "projection")
    report = restore_backup(backup, journal_dir)
    assert report.events == 31
    assert sorted(events(journal_dir), key=_order) == sorted(known, key=_order)
    assert digest(journal_dir) == before
    assert lane_names(journal_dir) == ["1"]
    write(journal_dir, "later")
    assert ids(journal_dir)[-1] == "later"
    assert {h.folder for h in headers(journal_dir)} == {0, 1}


def test_erased_events_are_not_restored(journal_dir: Path, backup: Path) -> None:
    """A run has the numbers of its erased events, so an older backup adds nothing there."""
    write(journal_dir, "a", "secret", "c")
    make_backup(journal_dir, backup)
    erase(open_directory(journal_dir), named("secret"))
    assert restore_backup(backup, journal_dir).events == 0
    assert ids(journal_dir) == ["a", "c"]


def test_keys_are_added_and_the_own_key_stays(journal_dir: Path, backup: Path) -> None:
    """The journal's own key stays the first; the keys of the backup are added after it."""
    write(journal_dir, "a")
    own = own_key(journal_dir)
    add_keys(journal_dir, [Key(b"x" * 32)])
    make_backup(journal_dir, backup)
    (journal_dir / "key").unlink()
    other = own_key(journal_dir)
    restore_backup(backup, journal_dir)
    assert read_keys(journal_dir) == (other, own, Key(b"x" * 32))


def test_a_folder_in_the_backup_is_refused(journal_dir: Path, backup: Path) -> None:
    """A backup has no files but its own."""
    write(journal_dir, "a")
    make_backup(journal_dir, backup)
    for target in (backup, backup / "new"):
        with pytest.raises(BackupFailed, match="is in the backup"):
            restore_backup(backup, target)
    assert not (backup / "new").exists()


def test_another_journal_is_refused(journal_dir: Path, backup: Path, tmp_path: Path) -> None:
    """A journal with another uuid is not changed; the error says what to do."""
    write(journal_dir, "a")
    make_backup(journal_dir, backup)
    other = tmp_path / "other"
    write(other, "b")
    with pytest.raises(BackupFailed, match="new folder"):
        restore_backup(backup, other)
    assert ids(other) == ["b"]


def test_keys_that_this_program_does_not_know_are_kept(journal_dir: Path, backup: Path) -> None:
    """A record is written back byte for byte, with the keys that a later version added."""
    write(journal_dir, "a")
    (segment,) = segments(journal_dir)
    (record,) = events(journal_dir)
    fields = orjson.loads(encode_event(record.seq + 1, record.event))
    del fields["crc"]
    fields |= {"id": "b", "importer": "x 1", "order": record.event.order + 1}
    line = frame(orjson.dumps(fields))
    with segment.open("ab") as file:
        file.write(line)
    make_backup(journal_dir, backup)
    shutil.rmtree(journal_dir / "lanes")
    assert restore_backup(backup, journal_dir).events == 2
    assert any(line in path.read_bytes() for path in segments(journal_dir))


def test_the_draft_of_a_killed_restore_is_removed(
    journal_dir: Path, backup: Path, tmp_path: Path
) -> None:
    """The next restore removes the draft of the journal."""
    write(journal_dir, "a")
    make_backup(journal_dir, backup)
    left = tmp_path / ".new.restore.0199c0de-0000-7000-8000-000000000002"
    (left / "lanes").mkdir(parents=True)
    restore_backup(backup, tmp_path / "new")
    assert not left.exists()
    assert ids(tmp_path / "new") == ["a"]


def test_a_link_with_the_name_of_a_draft_is_left_alone(
    journal_dir: Path, backup: Path, tmp_path: Path
) -> None:
    """Where a folder is everybody's, such as /tmp, it must not keep others from restoring."""
    write(journal_dir, "a")
    make_backup(journal_dir, backup)
    (tmp_path / "other").mkdir()
    link = tmp_path / ".new.restore.0199c0de-0000-7000-8000-000000000002"
    link.symlink_to(tmp_path / "other")
    restore_backup(backup, tmp_path / "new")
    assert link.is_symlink()
    assert ids(tmp_path / "new") == ["a"]


# a backup that was changed, with a right checksum of the manifest


def changed(backup: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest of a backup, and correct its checksum."""
    fields = orjson.loads((backup / MANIFEST).read_bytes())
    del fields["crc"]
    change(fields)
    (backup / MANIFEST).write_bytes(frame(orjson.dumps(fields)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["segments"][0].update(folder="../../outside"),
        lambda m: m["segments"][0].update(folder=".."),
        lambda m: m["segments"][0].update(folder="a\0b"),
        lambda m: m["segments"][0].update(folder="x" * 300),
        lambda m: m["segments"][0].update(folder=7),
        lambda m: m["segments"][0].update(number=0),
        lambda m: m["segments"][0].update(number=10**12),
        lambda m: m["segments"][0].update(number=True),
        lambda m: m["segments"][0].update(size=-1),
        lambda m: m["segments"][0].update(sha256="x"),
        lambda m: m["segments"][0].update(segment=None),
        lambda m: m["segments"][0].update(other=1),
        lambda m: m["segments"][0].pop("lane"),
        lambda m: m["segments"].append(m["segments"][0]),
        lambda m: m["segments"].append(7),
        lambda m: m.update(segments=7),
        lambda m: m.update(keys=["x"]),
        lambda m: m.update(keys=7),
        lambda m: m.update(journal=""),
        lambda m: m.update(began="now"),
        lambda m: m.pop("backup"),
    ],
)
def test_a_hostile_manifest_is_refused(
    journal_dir: Path, backup: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    """Paths that leave the folder, and values of the wrong type, are errors; nothing is written."""
    write(journal_dir, "a")
    make_backup(journal_dir, backup)
    changed(backup, change)
    with pytest.raises(BackupDamaged, match=r"backup\.json is damaged"):
        restore_backup(backup, tmp_path / "new")
    assert sorted(os.listdir(tmp_path)) == ["backup", "journal"]


@pytest.mark.parametrize("field", ["backup", "format"])
def test_a_newer_backup_is_refused(
    journal_dir: Path, backup: Path, tmp_path: Path, field: str
) -> None:
    """The error names a version that this program does not know."""
    write(journal_dir, "a")
    make_backup(journal_dir, backup)
    changed(backup, lambda m: m.update({field: 99}))
    with pytest.raises(BackupFailed, match="install a newer"):
        restore_backup(backup, tmp_path / "new")


def _link(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target.name)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _hole(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(0)
        file.truncate(2**40)


def _writable(path: Path) -> None:
    path.chmod(0o666)


@pytest.mark.parametrize("harm", [_link, _pipe, _hole, _writable])
@pytest.mark.parametrize("which", ["segment", "manifest", "key"])
def test_hostile_files_are_refused(
    journal_dir: Path, backup: Path, tmp_path: Path, harm: Callable[[Path], None], which: str
) -> None:
    """Links, pipes, a hole of a terabyte and files that others may write are errors, at once."""
    write(journal_dir, "a")
    own_key(journal_dir)
    make_backup(journal_dir, backup)
    (segment,) = backup.rglob("*.jsonl")
    harm({"segment": segment, "manifest": backup / MANIFEST, "key": backup / "key"}[which])
    with pytest.raises((BackupDamaged, BackupFailed)):
        restore_backup(backup, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_linked_folders_are_refused(journal_dir: Path, backup: Path, tmp_path: Path) -> None:
    """A link in place of a lane folder, or of the folder of lanes, is an error."""
    write(journal_dir, "a")
    make_backup(journal_dir, backup)
    for folder in (backup / "lanes" / "1", backup / "lanes"):
        _link(folder)
        with pytest.raises(BackupDamaged, match="symbolic link"):
            restore_backup(backup, tmp_path / "new")
        folder.unlink()
        folder.with_name("elsewhere").rename(folder)
    restore_backup(backup, tmp_path / "new")


def test_a_damaged_mark_of_the_target_is_not_overwritten(journal_dir: Path, backup: Path) -> None:
    """A target with a damaged mark is refused, and the mark is not changed."""
    write(journal_dir, "a")
    make_backup(journal_dir, backup)
    content = (journal_dir / MARK).read_bytes()
    (journal_dir / MARK).write_bytes(b"?")
    with pytest.raises(Exception, match="damaged"):
        restore_backup(backup, journal_dir)
    assert (journal_dir / MARK).read_bytes() == b"?"
    (journal_dir / MARK).write_bytes(content)


# forgotten events


def forget(path: Path, id: str, *events: str, key: Key | None = None) -> None:
    """Append a request to forget messages of the session `s`."""
    key = key or own_key(path)
    data = {"key": key.id, "events": [event_hash(key, "s", event) for event in events]}
    with Journal.open(path) as journal:
        journal.append(session="@forget", type="erasure.requested", id=id, data=data)


def bytes_of(path: Path) -> bytes:
    """Return all bytes of all files below a folder."""
    return b"".join(file.read_bytes() for file in path.rglob("*") if file.is_file())


def test_an_old_backup_does_not_restore_forgotten_events(journal_dir: Path, backup: Path) -> None:
    """This holds if the journal lost its lanes, and if only a part of an event is forgotten."""
    write(journal_dir, "a", "secret", "c")
    with Journal.open(journal_dir) as journal:
        removed = {"messages": ["c", "secret"]}
        journal.append(session="s", type="message.removed", data=removed, id="r")
    make_backup(journal_dir, backup)
    shutil.rmtree(journal_dir / "lanes" / "1")
    forget(journal_dir, "f1", "secret")
    report = restore_backup(backup, journal_dir)
    assert (report.events, report.forgotten, report.unknown_keys) == (3, 1, ())
    assert sorted(ids(journal_dir)) == ["a", "c", "f1", "r"]
    assert b"content of secret" not in bytes_of(journal_dir / "lanes")
    assert b'"messages":["c"]' in bytes_of(journal_dir / "lanes")
    again = restore_backup(backup, journal_dir)
    assert (again.events, again.forgotten) == (0, 1)


def test_a_request_in_the_backup_is_in_force(
    journal_dir: Path, backup: Path, tmp_path: Path
) -> None:
    """A backup from between a request and its erasure restores a journal without the bytes."""
    write(journal_dir, "a", "secret", "c")
    forget(journal_dir, "f1", "secret")
    make_backup(journal_dir, backup)
    new = tmp_path / "new"
    assert restore_backup(backup, new).forgotten == 1
    assert ids(new) == ["a", "c", "f1"]
    assert b"secret" not in bytes_of(new)
    sound(new)
    shutil.rmtree(journal_dir / "lanes")
    (journal_dir / "key").unlink()
    report = restore_backup(backup, journal_dir)
    assert (report.events, report.forgotten) == (3, 1)
    assert b"secret" not in bytes_of(journal_dir / "lanes")


def test_requests_that_come_with_the_records_are_counted(
    journal_dir: Path, backup: Path, tmp_path: Path
) -> None:
    """A copy from before them still has the bytes: the report says that they can be erased."""
    write(journal_dir, "a", "secret")
    old = tmp_path / "old"
    shutil.copytree(journal_dir, old)
    forget(journal_dir, "f1", "secret")
    erase(open_directory(journal_dir), read_requests(open_directory(journal_dir)))
    make_backup(journal_dir, backup)
    assert restore_backup(backup, old).requests == 1
    assert b"secret" in bytes_of(old / "lanes")
    assert restore_backup(backup, old).requests == 0


def test_a_missing_key_is_named(journal_dir: Path, backup: Path, tmp_path: Path) -> None:
    """Without its key, a request cannot be applied; the report names the key."""
    write(journal_dir, "a")
    own_key(journal_dir)
    unknown = Key(b"u" * 32)
    forget(journal_dir, "f1", "a", key=unknown)
    make_backup(journal_dir, backup)
    assert restore_backup(backup, tmp_path / "new").unknown_keys == (unknown.id,)
