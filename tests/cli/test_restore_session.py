"""`journal restore SESSION --to`: what it says about the file that it wrote."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal import Journal
from journal.cli import cli
from journal.fs import disk
from journal.fs.disk import Disk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("fields", "printed", "command"),
    [
        ({}, "run `claude --resume s1`\n", "claude --resume s1"),
        ({"cwd": "/w/my app"}, "run `cd '/w/my app' && claude --resume s1`", None),
        ({"relation": "subagent", "parent": "p"}, "a sub-agent cannot be resumed", ""),
    ],
    ids=["no folder", "folder", "sub-agent"],
)
def test_the_command_is_that_of_show(
    journal_dir: Path, tmp_path: Path, fields: dict[str, str], printed: str, command: str | None
) -> None:
    """It is run in the folder of the project, and a sub-agent has none."""
    with Journal.open(journal_dir) as journal:
        data = {"source": "claude-code", "gone": 1_700_000_000_000_000, **fields}
        journal.append(session="s1", type="session.created", data=data)
        journal.append_message("s1", "user", "hello", id="u1", source="claude-code")
    given = ["--journal", str(journal_dir), "restore", "s1", "--to"]
    result = CliRunner().invoke(cli, [*given, str(tmp_path / "a")], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    assert printed in result.stderr
    assert "move the file" in result.stderr or command == ""
    shown = CliRunner().invoke(cli, [*given, str(tmp_path / "b"), "--json"], catch_exceptions=False)
    found = json.loads(shown.stdout)["resume"]
    assert found == (None if command == "" else command or "cd '/w/my app' && claude --resume s1")


def test_a_session_can_be_written_where_its_program_finds_it(
    journal_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is that of the program's settings; elsewhere it is said if it has to be made."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    with Journal.open(journal_dir) as journal:
        data = {"source": "claude-code", "cwd": "/w/app"}
        journal.append(session="s1", type="session.created", data=data)
        journal.append_message("s1", "user", "hello", id="u1", source="claude-code")
    place = tmp_path / "claude" / "projects" / "-w-app"
    given = ["--journal", str(journal_dir), "restore", "s1", "--to"]
    for folder, printed in (
        (tmp_path / "a", f"move the file into the folder {place}, which is to be made first, and"),
        (place, "To resume it, run `cd /w/app && claude --resume s1`"),
        (tmp_path / "b", f"move the file into the folder {place} and run"),
    ):
        result = CliRunner().invoke(cli, [*given, str(folder)], catch_exceptions=False)
        assert printed in result.stderr


def _restore(journal: Path, session: str, folder: Path) -> str:
    """Restore a session, which fails; return what is printed on stderr."""
    arguments = ["--journal", str(journal), "restore", session, "--to", str(folder)]
    result = CliRunner().invoke(cli, arguments)
    code = 3 if "no session" in result.stderr else 1
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_what_is_in_the_way_is_named_and_nothing_is_left(journal_dir: Path, tmp_path: Path) -> None:
    """What, where, and what to do; no folder and no half of a file stays."""
    with Journal.open(journal_dir) as journal:
        for source in ("codex", "kimi"):
            data = {"source": source}
            journal.append(session=f"{source}-1", type="session.created", data=data)
            journal.append_message(f"{source}-1", "user", "hello", id="u1", source=source)
    box = tmp_path / "box"
    box.mkdir()
    file = box / "file"
    file.write_text("mine")
    shut = box / "shut"
    shut.mkdir(mode=0o500)
    assert "`projector sessions` lists them" in _restore(journal_dir, "nowhere", box / "new")
    text = _restore(journal_dir, "kimi-1", box / "new")
    assert "'kimi-1' is of 'kimi': only sessions of claude-code and codex" in text
    assert "`projector show kimi-1 --markdown` prints it" in text
    for folder in (file, file / "below"):
        text = _restore(journal_dir, "codex-1", folder)
        assert f"cannot make the folder {folder}: a part of the path is a file; name" in text
    if os.geteuid():  # root may write everywhere
        assert "Permission denied; name another" in _restore(journal_dir, "codex-1", shut)
        assert "Permission denied; name another" in _restore(journal_dir, "codex-1", shut / "a/b")
    assert sorted(path.name for path in box.rglob("*")) == ["file", "shut"]
    assert file.read_text() == "mine"

    arguments = ["--journal", str(journal_dir), "restore", "codex-1", "--to", str(box / "new")]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    [made] = (box / "new").iterdir()
    before = made.read_bytes()
    assert f"{made} exists; name another folder" in _restore(journal_dir, "codex-1", box / "new")
    assert made.read_bytes() == before


def test_a_folder_that_was_made_goes_when_its_file_cannot_be_written(
    journal_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full: neither a folder nor a part of the file stays."""
    with Journal.open(journal_dir) as journal:
        journal.append(session="c1", type="session.created", data={"source": "codex"})
        journal.append_message("c1", "user", "hello", id="u1", source="codex")

    class Full(Disk):
        def create(self, path: Path) -> int:
            if path.is_relative_to(tmp_path / "a"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().create(path)

    monkeypatch.setattr(disk, "in_use", Full())
    assert "No space left on device" in _restore(journal_dir, "c1", tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
