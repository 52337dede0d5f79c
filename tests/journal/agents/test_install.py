"""`journal install` writes a unit that systemd reads as it is meant, and removes only its own."""

from __future__ import annotations

import json
import plistlib
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from journal.agents.service import UNIT, Service
from journal.agents.unit import is_own, launchd_agent, systemd_unit
from journal.cli import cli

ANALYZE = shutil.which("systemd-analyze")
ODD = ["a b", "100%h", '"quoted"', "back\\slash", "$HOME", "\u00fc\u5317", "it's; a # b"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with an agent, on a machine without systemd."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / ".codex" / "sessions").mkdir(parents=True)
    return tmp_path


def invoke(home: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Run `journal install --json`; return what it prints."""
    command = ["--journal", str(home / "my journal"), "install", "--json", *arguments]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def unit(home: Path) -> Path:
    """Return the path of the unit."""
    return home / ".config" / "systemd" / "user" / UNIT


def words(text: str) -> list[str]:
    """Read the words of a unit's command as systemd does."""
    (line,) = (line for line in text.splitlines() if line.startswith("ExecStart="))
    found: list[str] = []
    word, quoted, at = "", False, len("ExecStart=:")
    while at < len(line):
        char = line[at]
        if char == "\\" or (char == "%" and line[at + 1] == "%"):
            word, at = word + line[at + 1], at + 1
        elif char == '"':
            quoted = not quoted
        elif char == " " and not quoted:
            found, word = [*found, word], ""
        else:
            assert char != "%", "a specifier is expanded"
            word += char
        at += 1
    return [*found, word]


def test_odd_paths_reach_the_program_unchanged() -> None:
    """Blanks, percent signs, quotes, backslashes, dollars and other scripts are escaped."""
    command = ["/opt/my python%n/bin", *ODD]
    assert words(systemd_unit(command)) == command
    assert plistlib.loads(launchd_agent(command).encode())["ProgramArguments"] == command


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
@pytest.mark.slow
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """`systemd-analyze --user verify` has nothing to say of it, whatever the paths are."""
    folder = tmp_path / "odd %h \u00fc"
    folder.mkdir()
    program = folder / "python"
    program.symlink_to(sys.executable)
    text = systemd_unit([str(program), "-m", "journal", *ODD])
    made = Service("systemd", tmp_path / UNIT, text, (), ())
    made.write()
    assert made.check() == ""
    wrong = replace(made, text=text.replace("Nice=10", "Nicest=10"))
    wrong.write()
    assert "Nicest" in (wrong.check() or "")


def test_a_second_run_changes_nothing(home: Path) -> None:
    """The first one writes the unit and prints the commands that systemd's absence leaves."""
    first = invoke(home, "--yes")
    assert (first["state"], first["action"], first["started"]) == ("missing", "written", False)
    assert first["agents"] == ["~/.codex/sessions"]
    assert first["commands"][-1] == f"systemctl --user enable --now {UNIT}"
    text = unit(home).read_text("utf-8")
    assert words(text)[1:] == [
        *("-m", "journal", "--journal", str(home / "my journal"), "install", "--run")
    ]
    again = invoke(home)
    assert (again["state"], again["action"]) == ("same", "none")
    assert unit(home).read_text("utf-8") == text


def test_undo_removes_what_was_written(home: Path) -> None:
    """Nothing else is touched, and a second undo does nothing."""
    other = unit(home).with_name("other.service")
    invoke(home, "--yes")
    other.write_text("[Unit]\n", encoding="utf-8")
    assert invoke(home, "--undo", "--yes")["action"] == "removed"
    assert [path.name for path in unit(home).parent.iterdir()] == ["other.service"]
    assert invoke(home, "--undo", "--yes")["action"] == "none"


def test_a_unit_that_the_user_changed_is_left(home: Path) -> None:
    """Neither a new run nor an undo touches it, and both fail."""
    invoke(home, "--yes")
    changed = unit(home).read_text("utf-8").replace("Nice=10", "Nice=19")
    unit(home).write_text(changed, encoding="utf-8")
    assert not is_own(changed)
    for arguments in (["--yes"], ["--undo", "--yes"]):
        assert invoke(home, *arguments, code=1)["state"] == "changed"
    assert unit(home).read_text("utf-8") == changed


def test_a_unit_of_an_older_version_is_replaced(home: Path) -> None:
    """It is known by its checksum."""
    unit(home).parent.mkdir(parents=True)
    unit(home).write_text(systemd_unit(["/old/python"]), encoding="utf-8")
    assert invoke(home, "--yes")["state"] == "older"
    assert "/old/python" not in unit(home).read_text("utf-8")


def test_a_dry_run_writes_nothing(home: Path) -> None:
    """Nor does a run that cannot ask."""
    assert invoke(home, "--dry-run")["action"] == "none"
    shown = CliRunner().invoke(cli, ["--journal", str(home / "j"), "install", "--dry-run"])
    assert shown.stdout.splitlines()[0] == "[Unit]"
    assert words(shown.stdout)[-2:] == ["install", "--run"]
    asked = CliRunner().invoke(cli, ["--journal", str(home / "j"), "install"])
    assert asked.exit_code == 2
    assert "give --yes" in asked.stderr
    assert not (home / ".config").exists()


def test_systemd_is_told_where_it_works(home: Path) -> None:
    """The unit is loaded and started; an undo stops it before the file is removed."""
    (home / "bin").mkdir()
    log, program = home / "log", home / "bin" / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{log}"\n', encoding="utf-8")
    program.chmod(0o755)
    done = invoke(home, "--yes")
    assert (done["started"], done["commands"]) == (True, [])
    assert invoke(home, "--undo", "--yes")["commands"] == []
    assert log.read_text("utf-8").splitlines() == [
        "--user daemon-reload",
        f"--user enable --now {UNIT}",
        f"--user disable --now {UNIT}",
        "--user daemon-reload",
    ]


def test_the_file_of_launchd_is_written_on_request(home: Path) -> None:
    """It is a property list with the same command."""
    done = invoke(home, "--launchd", "--yes")
    found = plistlib.loads(Path(done["file"]).read_bytes())
    assert found["ProgramArguments"][-2:] == ["install", "--run"]
    assert invoke(home, "--launchd", "--undo", "--yes")["action"] == "removed"


def test_without_an_agent_there_is_nothing_to_follow(home: Path) -> None:
    """What the unit runs ends, and systemd starts it again later."""
    (home / ".codex" / "sessions").rmdir()
    result = CliRunner().invoke(cli, ["--journal", str(home / "j"), "install", "--run"])
    assert result.exit_code == 3
    assert "no folder of an agent" in result.stderr
