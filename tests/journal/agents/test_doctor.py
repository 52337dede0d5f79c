"""`journal doctor` counts the transcripts of this machine and says what to do."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from journal.cli import cli
from tests.importers.run.test_driver import user_line

if TYPE_CHECKING:
    from pathlib import Path

_DAY = 24 * 60 * 60


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with two transcripts of Claude Code, the first from 10 days ago."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    folder = tmp_path / ".claude" / "projects" / "p"
    folder.mkdir(parents=True)
    for number, days in enumerate((10, 1)):
        file = folder / f"{number}.jsonl"
        file.write_bytes(user_line(number))
        os.utime(file, (time.time() - days * _DAY,) * 2)
    return tmp_path


def invoke(home: Path, *arguments: str) -> str:
    """Run `journal` in the home folder; return its output."""
    result = CliRunner().invoke(cli, ["--journal", str(home / "journal"), *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def examine(home: Path) -> dict[str, Any]:
    """Return what the doctor finds."""
    found: dict[str, Any] = json.loads(invoke(home, "doctor", "--json"))
    return found


def test_transcripts_are_imported_grown_or_missing(home: Path) -> None:
    """An import moves them from `missing` to `imported`; a change moves one to `grown`."""
    projects = str(home / ".claude" / "projects")
    found = examine(home)
    [agent] = found["agents"]
    assert not found["exists"]
    assert (agent["format"], agent["paths"], agent["files"]) == ("claude-code", [projects], 2)
    assert (agent["imported"], agent["grown"], agent["missing"]) == (0, 0, 2)
    [advice] = found["advice"]
    assert f"`journal import claude-code {projects}`" in advice
    assert not (home / "journal").exists()

    invoke(home, "import", "claude-code", projects, "--json")
    found = examine(home)
    [agent] = found["agents"]
    assert (agent["imported"], agent["grown"], agent["missing"]) == (2, 0, 0)
    assert (agent["lost_next"], found["advice"]) == (None, [])
    assert found["last_import"] >= found["last"] - 60_000_000
    assert "All is well." in invoke(home, "doctor")

    with (home / ".claude" / "projects" / "p" / "1.jsonl").open("ab") as file:
        file.write(user_line(2))
    [agent] = examine(home)["agents"]
    assert (agent["imported"], agent["grown"], agent["missing"]) == (1, 1, 0)


def test_the_next_loss_is_that_of_what_is_not_imported(home: Path) -> None:
    """The period is the program's own setting, else its default."""
    [agent] = examine(home)["agents"]
    assert agent["retention"]["days"] == 30
    assert agent["lost_next"] == agent["oldest"] + 30 * _DAY * 1_000_000
    settings = home / ".claude" / "settings.json"
    settings.write_text(json.dumps({"cleanupPeriodDays": 12}))
    found = examine(home)
    [agent] = found["agents"]
    assert agent["retention"] == {
        "days": 12,
        "setting": "cleanupPeriodDays in ~/.claude/settings.json",
        "is_default": False,
    }
    assert agent["lost_next"] == agent["oldest"] + 12 * _DAY * 1_000_000
    assert "deletes the first of them within a week" in found["advice"][0]
    settings.write_text("broken")
    assert examine(home)["agents"][0]["retention"]["is_default"]


def test_the_date_of_the_next_loss_is_printed(home: Path) -> None:
    """What is overdue goes when the program starts next; what is imported is not lost."""
    [agent] = examine(home)["agents"]
    day = time.strftime("%Y-%m-%d", time.localtime(agent["lost_next"] / 1e6))
    assert f"its default); next loss: {day}\n" in invoke(home, "doctor")
    settings = home / ".claude" / "settings.json"
    for days, when in ((5, "after 5 days"), (0, "all at each start")):
        settings.write_text(json.dumps({"cleanupPeriodDays": days}))
        text = invoke(home, "doctor")
        assert f"claude-code deletes {when} (" in text
        assert "settings.json); next loss: at its next start\n" in text
        [agent] = examine(home)["agents"]
        assert agent["lost_next"] == agent["oldest"] + days * _DAY * 1_000_000
    assert "or already does" in examine(home)["advice"][0]
    settings.write_text(json.dumps({"cleanupPeriodDays": -1}))
    assert examine(home)["agents"][0]["retention"]["days"] == 30
    invoke(home, "import", "claude-code", str(home / ".claude" / "projects"), "--json")
    assert "nothing is lost: the journal has all" in invoke(home, "doctor")


def test_a_machine_without_agents_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The advice says where to look; a folder that others may enter is named, too."""
    monkeypatch.setenv("HOME", str(tmp_path))
    invoke(tmp_path, "append", "--session", "s1", "--role", "user", "hello")
    found = examine(tmp_path)
    assert (found["agents"], found["mode"]) == ([], "0700")
    assert "no transcripts of a known agent were found" in found["advice"][0]
    (tmp_path / "journal").chmod(0o755)
    assert any("mode 0755" in line for line in examine(tmp_path)["advice"])
