"""`journal backup` and `journal restore`: their output and their exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal import Journal
from journal.cli import cli
from tests.support.journals import ids, segments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def run(journal_dir: Path) -> Callable[..., Result]:
    """Run a command on a journal of one event."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello", id="a")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(cli, ["--journal", str(journal_dir), *map(str, arguments)])

    return run


def test_a_backup_is_made_checked_and_restored(run: Callable[..., Result], tmp_path: Path) -> None:
    """Each command prints one line with counts."""
    size = segments(tmp_path / "journal")[0].stat().st_size
    backup = tmp_path / "backup"
    made = run("backup", backup)
    line = f"{backup}: 1 segment, {size:,} bytes; {size:,} bytes written\n"
    assert (made.exit_code, made.stdout) == (0, line)
    checked = run("backup", "--verify", backup)
    assert checked.exit_code == 0
    assert checked.stdout.endswith(f": 1 segment, {size:,} bytes: no problems\n")
    again = run("restore", backup)
    path = tmp_path / "journal"
    assert (again.exit_code, again.stdout) == (0, f"{path}: it has all records of the backup\n")
    new = run("--journal", tmp_path / "new", "restore", backup)
    assert new.stdout == f"{tmp_path / 'new'}: 1 segment, {size:,} bytes restored\n"
    assert ids(tmp_path / "new") == ["a"]


def test_a_backup_of_a_journal_with_losses_exits_with_5(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    """The copy that is kept is named on stderr; `restore` writes the records back."""
    run("backup", tmp_path / "backup")
    segments(tmp_path / "journal")[0].unlink()
    result = run("backup", tmp_path / "backup")
    assert result.exit_code == 5
    assert result.stderr == "kept: lane 1 segment 1: the journal has no such segment\n"
    restored = run("restore", tmp_path / "backup")
    assert restored.stdout == f"{tmp_path / 'journal'}: 1 record added, in lane 2\n"
    assert ids(tmp_path / "journal") == ["a"]


def test_a_damaged_backup_exits_with_5(run: Callable[..., Result], tmp_path: Path) -> None:
    """`--verify` names the file, and nothing is restored."""
    backup = tmp_path / "backup"
    run("backup", backup)
    (copy,) = backup.rglob("*.jsonl")
    copy.write_bytes(copy.read_bytes()[:-2] + b"?\n")
    checked = run("backup", "--verify", backup)
    assert checked.exit_code == 5
    assert str(copy) in checked.stdout
    assert "1 problem\n" in checked.stdout
    assert run("--journal", tmp_path / "new", "restore", backup).exit_code == 5
    assert not (tmp_path / "new").exists()
    assert run("restore", tmp_path / "nowhere").exit_code == 1
