"""Drafts that take long: each has a lock, and one without a writer is removed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from journal.fs import disk, drafts
from journal.fs.drafts import open_draft
from journal.fs.files import draft_of, is_draft
from journal.fs.lock import lock

if TYPE_CHECKING:
    from pathlib import Path

_WRITER = (
    "import sys, time; from pathlib import Path; from journal.fs.drafts import open_draft;"
    " print(open_draft(Path(sys.argv[1]))[0].name, flush=True); time.sleep(60)"
)


def names(folder: Path) -> set[str]:
    """Return the names of the files in a folder."""
    return {path.name for path in folder.iterdir()}


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    """And nothing else: no draft of a writer that runs, of another file, and no other file."""
    target = tmp_path / "out"
    command = [sys.executable, "-c", _WRITER, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        killed = process.stdout.readline().strip()
        process.send_signal(signal.SIGKILL)
    assert names(tmp_path) == {killed}
    running, fd = open_draft(target)
    assert names(tmp_path) == {running.name}
    others = [draft_of(tmp_path / "out.md"), draft_of(tmp_path / "other"), tmp_path / ".out.mine"]
    for other in (*others, draft_of(target)):
        other.touch()
    second, other_fd = open_draft(target)
    assert names(tmp_path) == {path.name for path in (running, second, *others)}
    assert is_draft(running.name)
    assert second.stat().st_mode & 0o777 == 0o600
    os.close(fd)
    os.close(other_fd)


def test_a_draft_that_is_removed_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may take it for one that was left; it is not written in vain."""
    taken: list[Path] = []

    class Hasty(disk.Disk):
        def create(self, path: Path) -> int:
            fd = super().create(path)
            if len(taken) < 2:
                taken.append(path)
                path.unlink()
            return fd

    monkeypatch.setattr(disk, "in_use", Hasty())
    draft, fd = open_draft(tmp_path / "out")
    assert draft.exists()
    assert len(taken) == 2
    os.close(fd)

    class AlwaysHasty(disk.Disk):
        def create(self, path: Path) -> int:
            fd = super().create(path)
            path.unlink()
            return fd

    monkeypatch.setattr(disk, "in_use", AlwaysHasty())
    with pytest.raises(OSError, match="another process removes each draft"):
        open_draft(tmp_path / "out")


def test_without_locks_a_draft_is_made_and_none_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On such a file system no process knows whether a writer still runs."""

    def refuse(fd: int) -> int | None:
        os.close(fd)
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(drafts, "lock", refuse)
    left = draft_of(tmp_path / "out")
    left.touch()
    draft, fd = open_draft(tmp_path / "out")
    assert os.write(fd, b"x") == 1
    assert names(tmp_path) == {draft.name, left.name}
    os.close(fd)


def test_a_draft_is_locked(tmp_path: Path) -> None:
    """Until its descriptor is closed."""
    draft, fd = open_draft(tmp_path / "out")
    assert lock(os.open(draft, os.O_RDONLY)) is None
    os.close(fd)
    again = lock(os.open(draft, os.O_RDONLY))
    assert again is not None
    os.close(again)
