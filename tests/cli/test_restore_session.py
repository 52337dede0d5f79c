"""`journal restore SESSION --to`: what it says about the file that it wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal import Journal
from journal.cli import cli

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
    shown = CliRunner().invoke(cli, [*given, str(tmp_path / "b"), "--json"], catch_exceptions=False)
    found = json.loads(shown.stdout)["resume"]
    assert found == (None if command == "" else command or "cd '/w/my app' && claude --resume s1")
