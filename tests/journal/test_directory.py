"""The journal's folder: who creates it, what is refused, who may read it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal import Journal, JournalOpenError, NotAJournalError, VersionError
from journal.fs import disk
from journal.fs.directory import open_directory
from journal.fs.files import replace_file
from journal.fs.location import default_path
from journal.fs.ownership import refusal
from tests.support.journals import ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_RACER = """
import sys
from journal import Journal
print("ready", flush=True)
sys.stdin.readline()
with Journal.open(sys.argv[1]) as journal:
    journal.append_message("s", "user", "hello", id=sys.argv[2])
    print(journal._directory.uuid, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def umask() -> Iterator[None]:
    """The umask 0 during the test."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_sixteen_processes_make_one_journal(
    journal_dir: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """Processes that open a missing journal at the same time all use one journal."""
    racers = [start(_RACER, journal_dir / "new", n) for n in range(16)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    uuids = {racer.stdout.readline() for racer in racers if racer.stdout is not None}
    for racer in racers:
        _, errors = racer.communicate("\n", timeout=60)
        assert (racer.returncode, errors) == (0, "")
    assert uuids == {json.loads((journal_dir / "new/journal.json").read_text())["uuid"] + "\n"}
    assert sorted(ids(journal_dir / "new"), key=int) == [str(n) for n in range(16)]
    assert sorted(os.listdir(journal_dir / "new")) == ["journal.json", "lanes"]


@pytest.mark.usefixtures("umask")
def test_only_the_owner_may_read_it(journal_dir: Path) -> None:
    """Folders have mode 0700 and files 0600, with any umask."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello")
    for path in [journal_dir, *journal_dir.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_folder_with_other_things_is_refused(journal_dir: Path) -> None:
    """A path that names a folder of other files raises an error, and creates nothing."""
    journal_dir.mkdir()
    (journal_dir / "thesis.tex").touch()
    with pytest.raises(NotAJournalError, match=r"holds 'thesis.tex'"):
        Journal.open(journal_dir)
    assert os.listdir(journal_dir) == ["thesis.tex"]


def test_a_file_is_refused(journal_dir: Path) -> None:
    """A path to or below a file raises an error that says so."""
    journal_dir.write_text("")
    for path in (journal_dir, journal_dir / "below"):
        with pytest.raises(JournalOpenError, match="cannot open the journal at"):
            Journal.open(path)


def test_a_link_in_a_circle_is_refused(journal_dir: Path) -> None:
    """A circular link raises an error that says so."""
    journal_dir.symlink_to(journal_dir)
    with pytest.raises(JournalOpenError, match="cannot open the journal at"):
        Journal.open(journal_dir)


def test_reading_creates_nothing(journal_dir: Path) -> None:
    """Opening a missing journal for reading raises an error, and creates no folder."""
    with pytest.raises(NotAJournalError, match="there is no journal at"):
        open_directory(journal_dir, create=False)
    assert not journal_dir.exists()


def test_a_newer_journal_is_refused(journal_dir: Path) -> None:
    """A journal of a newer format is neither read nor written."""
    journal_dir.mkdir()
    (journal_dir / "journal.json").write_text('{"format": 3, "uuid": "u"}')
    with pytest.raises(VersionError, match="install a newer"):
        Journal.open(journal_dir)
    assert os.listdir(journal_dir) == ["journal.json"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": 1}',
        '{"format": 1, "uuid": 5}',
        '{"format": 1, "uuid": null}',
        '{"format": 1, "uuid": ""}',
        "\0\0",
    ],
)
def test_the_error_of_a_damaged_mark_shows_a_valid_one(journal_dir: Path, content: str) -> None:
    """The error for an unreadable mark shows a valid mark."""
    journal_dir.mkdir()
    (journal_dir / "journal.json").write_text(content)
    with pytest.raises(NotAJournalError, match=r'write {"format": 2, "uuid"'):
        Journal.open(journal_dir)


def test_a_lost_mark_of_a_journal_is_written_again_with_a_warning(
    journal_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A writer gives lanes without a mark a new one, and names the new uuid; a reader refuses."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello", id="1")
    assert not caplog.records
    (journal_dir / "journal.json").unlink()
    with pytest.raises(NotAJournalError, match=r"journal.json is lost, and there are lanes"):
        open_directory(journal_dir, create=False)
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello", id="2")
    assert ids(journal_dir) == ["1", "2"]
    (record,) = caplog.records
    uuid = open_directory(journal_dir).uuid
    assert f"written again with the new uuid {uuid}" in record.getMessage()


def test_linked_lanes_are_refused(journal_dir: Path, tmp_path: Path) -> None:
    """Lanes that are a link are refused, because writes would go to another folder."""
    Journal.open(journal_dir).close()
    for path in (journal_dir / "lanes").glob("*/*"):
        path.unlink()
    (journal_dir / "lanes/1").rmdir()
    (journal_dir / "lanes").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (journal_dir / "lanes").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalOpenError, match="symbolic link"):
        Journal.open(journal_dir)
    assert os.listdir(tmp_path / "elsewhere") == []
    (journal_dir / "lanes").unlink()


def test_the_default_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """JOURNAL_DIR counts first, then XDG_DATA_HOME, then the default of XDG_DATA_HOME."""
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("JOURNAL_DIR", raising=False)
    assert default_path() == Path("/home/somebody/.local/share/agent-journal")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_path() == Path("/data/agent-journal")
    monkeypatch.setenv("JOURNAL_DIR", "/here")
    assert default_path() == Path("/here")


def test_replacing_a_file_leaves_no_draft(tmp_path: Path) -> None:
    """A small file is replaced in one step, and only its owner can read it."""
    path = tmp_path / "small"
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["small"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failed_replacement_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the disk fails, the old file stays and no draft is left."""
    path = tmp_path / "small"
    replace_file(path, b"one")

    def refuse(_disk: disk.Disk, fd: int) -> None:
        raise OSError(5, f"no sync of {fd}")

    monkeypatch.setattr(disk.Disk, "fsync", refuse)
    with pytest.raises(OSError, match="no sync"):
        replace_file(path, b"two")
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["small"]


class _Noting(disk.Disk):
    """Records which folders are synced and which names are made, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def fsync(self, fd: int) -> None:
        super().fsync(fd)
        self.done.append(str(Path(f"/proc/self/fd/{fd}").readlink()))

    def link(self, source: Path, target: Path) -> None:
        super().link(source, target)
        self.done.append(str(target))


def test_all_folders_above_a_new_journal_are_durable(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may have made a parent folder and died before it synced its name."""
    deep = journal_dir / "made/by/another"
    deep.mkdir(parents=True)
    noting = _Noting()
    monkeypatch.setattr(disk, "in_use", noting)
    open_directory(deep)
    before_the_mark = noting.done[: noting.done.index(str(deep / "journal.json"))]
    for name in (deep.parent, deep.parent.parent, journal_dir, journal_dir.parent):
        assert str(name) in before_the_mark


class _Removing(disk.Disk):
    """A disk on which another process removes the first draft before it is renamed."""

    def __init__(self) -> None:
        self.removed: list[Path] = []

    def _remove(self, draft: Path) -> None:
        if not self.removed:
            self.removed.append(draft)
            draft.unlink()

    def link(self, source: Path, target: Path) -> None:
        self._remove(source)
        super().link(source, target)

    def replace(self, source: Path, target: Path) -> None:
        self._remove(source)
        super().replace(source, target)


def test_a_draft_that_another_process_removes_is_made_again(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process whose clock is ahead removes the draft of the mark as an old one."""
    monkeypatch.setattr(disk, "in_use", removing := _Removing())
    Journal.open(journal_dir).close()
    removed = removing.removed
    assert removed
    assert not removed[0].exists()
    assert (journal_dir / "journal.json").exists()


def test_a_file_is_replaced_although_another_process_removes_the_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same holds for every small file that is replaced."""
    monkeypatch.setattr(disk, "in_use", removing := _Removing())
    replace_file(tmp_path / "CURRENT", b"1\n")
    assert removing.removed
    assert [path.name for path in tmp_path.iterdir()] == ["CURRENT"]
    assert (tmp_path / "CURRENT").read_bytes() == b"1\n"


def test_a_path_with_a_file_in_it_is_refused_by_its_name(tmp_path: Path) -> None:
    """The error names the part that is no folder, whether a journal is to be made there or not."""
    file = tmp_path / "file"
    file.touch()
    for path in (file, file / "below"):
        with pytest.raises(JournalOpenError, match=rf"{file} is a file and no folder"):
            open_directory(path)
    with pytest.raises(JournalOpenError, match=rf"{file} is a file and no folder"):
        open_directory(file, create=False)


def test_a_read_only_folder_is_named_with_the_remedy(tmp_path: Path) -> None:
    """It is the nearest folder that is there; a file of another cause has no such remedy."""
    folder = tmp_path / "lanes"
    folder.mkdir(mode=0o500)
    denied = PermissionError(errno.EACCES, "Permission denied")
    named = f"Permission denied: {folder} is read-only (mode 0500); `chmod u+w {folder}`"
    assert refusal(folder / "2" / "lock", denied) == named
    folder.chmod(0o700)
    assert "belongs to one user" in refusal(folder / "2", denied)
    assert "can be written" in refusal(folder, OSError(errno.EROFS, "Read-only file system"))
    assert refusal(folder, OSError(errno.ENOSPC, "No space left")) == "No space left"


def test_the_reason_of_a_refusal_needs_no_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that refuses each call does not replace an error by another."""
    denied = PermissionError(errno.EACCES, "Permission denied")

    def refuse(*_: object, **__: object) -> None:
        raise denied

    monkeypatch.setattr(os, "stat", refuse)
    monkeypatch.setattr(os, "lstat", refuse)
    assert refusal(Path("/somewhere/lanes/1/lock"), denied).startswith("Permission denied; ")


@pytest.mark.slow
def test_commands_name_a_read_only_folder(journal_dir: Path) -> None:
    """An eraser cannot lock its file there; a command that only reads works."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() == 0 and setpriv is None:
        pytest.skip("root may write everywhere, and nothing here takes that away")
    without = [str(setpriv), "--bounding-set=-all", "--inh-caps=-all"]
    without = without if os.geteuid() == 0 else []
    Journal.open(journal_dir).close()
    folders = [path for path in (journal_dir, *journal_dir.rglob("*")) if path.is_dir()]
    for folder in folders:
        folder.chmod(0o500)
    try:
        for command, named in ((["compact"], journal_dir), (["status"], None)):
            main = "from journal.cli import main; main()"
            given = [sys.executable, "-c", main, "--journal", str(journal_dir), *command]
            argv = [*without, *given]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == (0 if named is None else 1), done.stderr
            if named is not None:
                assert f"{named} is read-only (mode 0500); `chmod u+w {named}`" in done.stderr
    finally:
        for folder in folders:
            folder.chmod(0o700)
