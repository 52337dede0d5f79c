"""`journal install --hooks` changes the settings of agents, and `journal hook` imports."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from journal.agents.hooks import failures
from journal.agents.hooks.programs import PROGRAMS, HookProgram
from journal.agents.hooks.settings_file import Settings, read_settings
from journal.cli import cli
from journal.cli.agents import hook
from tests.importers.run.test_driver import user_line

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with Claude Code, whose settings have comments."""
    for name in ("XDG_STATE_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(hook, "_SETTLED", 0.0)
    settings(tmp_path).parent.mkdir()
    settings(tmp_path).write_text('{\n  // mine\n  "model": "opus",\n}\n', encoding="utf-8")
    settings(tmp_path).chmod(0o640)
    return tmp_path


def settings(home: Path) -> Path:
    """Return the path of the settings of Claude Code."""
    return home / ".claude" / "settings.json"


def run(home: Path, *arguments: str, code: int = 0, given: bytes = b"") -> str:
    """Run `journal`; return what it prints."""
    command = ["--journal", str(home / "my journal"), *arguments]
    result = CliRunner().invoke(cli, command, input=given)
    assert result.exit_code == code, result.output
    return result.stdout


def install(home: Path, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    """Run `journal install --hooks --json`; return what was done for each agent."""
    text = run(home, "install", "--hooks", "--json", *arguments, code=code)
    found: list[dict[str, Any]] = json.loads(text)["hooks"]
    return found


def command_in(path: Path) -> str:
    """Return the command of the first hook in settings without comments."""
    lines = path.read_text("utf-8").splitlines()
    value = json.loads("\n".join(line for line in lines if "//" not in line).replace(",\n}", "\n}"))
    command: str = next(iter(value["hooks"].values()))[0]["hooks"][0]["command"]
    return command


def transcript(home: Path) -> Path:
    """Write a transcript of Claude Code; return its path."""
    file = home / ".claude" / "projects" / "p" / "1.jsonl"
    file.parent.mkdir(parents=True)
    file.write_bytes(user_line(1))
    return file


def test_hooks_are_set_up_once_and_taken_out(home: Path) -> None:
    """A dry run shows the change; a second run has none; an undo gives the file of before."""
    before = settings(home).read_bytes()
    [planned] = install(home, "--dry-run")
    assert '+  "hooks": {' in planned["diff"]
    assert settings(home).read_bytes() == before
    asked = CliRunner().invoke(cli, ["--journal", str(home / "j"), "install", "--hooks"])
    assert (asked.exit_code, "give --yes" in asked.stderr) == (2, True)
    assert settings(home).read_bytes() == before

    [done] = install(home, "--yes")
    assert (done["state"], done["action"], done["diff"]) == ("missing", "written", planned["diff"])
    text = settings(home).read_bytes()
    assert stat.S_IMODE(settings(home).stat().st_mode) == 0o640
    [again] = install(home, "--yes")
    assert (again["state"], again["action"]) == ("same", "none")
    assert settings(home).read_bytes() == text

    [undone] = install(home, "--undo", "--yes")
    assert undone["action"] == "written"
    assert settings(home).read_bytes() == before
    assert install(home, "--undo", "--yes")[0]["action"] == "none"


def test_every_agent_that_is_there_gets_its_own(home: Path) -> None:
    """The file of an agent that has none is made for its hooks, and removed with them."""
    for name in (".codex", ".gemini", ".qwen"):
        (home / name).mkdir()
    done = install(home, "--yes")
    assert [it["format"] for it in done] == [program.format for program in PROGRAMS]
    assert {it["action"] for it in done} == {"written"}
    made = json.loads((home / ".codex" / "hooks.json").read_bytes())
    assert list(made["hooks"]) == ["Stop"]
    assert stat.S_IMODE((home / ".codex" / "hooks.json").stat().st_mode) == 0o600
    assert [it["action"] for it in install(home, "--undo", "--yes")] == [
        *("written", "removed", "removed", "removed")
    ]
    assert os.listdir(home / ".codex") == []


def test_a_link_stays_a_link(home: Path) -> None:
    """Settings that are kept elsewhere are changed there."""
    kept = home / "dotfiles" / "claude.json"
    kept.parent.mkdir()
    settings(home).rename(kept)
    settings(home).symlink_to(kept)
    install(home, "--yes")
    assert settings(home).is_symlink()
    assert "journal" in kept.read_text("utf-8")
    install(home, "--undo", "--yes")
    assert settings(home).is_symlink()


@pytest.mark.parametrize(
    "content", [b"{", b'{"a": NaN}', b"\xff\xfe{}", b'{"hooks": []}', b'{"a": 1} x', b"[]"]
)
def test_settings_that_cannot_be_read_are_left(home: Path, content: bytes) -> None:
    """The error names the file, and those of other agents are changed."""
    (home / ".codex").mkdir()
    settings(home).write_bytes(content)
    done = {it["format"]: it for it in install(home, "--yes", code=1)}
    assert str(settings(home)) in done["claude-code"]["error"]
    assert settings(home).read_bytes() == content
    assert done["codex"]["action"] == "written"


def test_a_folder_that_cannot_be_written_is_an_error(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is changed, and no draft is left."""
    before = settings(home).read_bytes()

    def full(_fd: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("journal.fs.disk.in_use.__class__.write", lambda _, *it: full(*it))
        [done] = install(home, "--yes", code=1)
    assert "No space left" in done["error"]
    assert settings(home).read_bytes() == before
    assert os.listdir(home / ".claude") == ["settings.json"]


def test_settings_that_changed_meanwhile_are_left(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent itself writes its settings: what it wrote after they were read is not lost."""

    def read(program: HookProgram, journal: Path) -> Settings:
        found = read_settings(program, journal)
        settings(home).write_text('{"model": "haiku"}', encoding="utf-8")
        return found

    monkeypatch.setattr("journal.cli.agents.hooks.read_settings", read)
    [done] = install(home, "--yes", code=1)
    assert "changed meanwhile" in done["error"]
    assert settings(home).read_text("utf-8") == '{"model": "haiku"}'


def test_a_hook_starts_an_import_of_its_transcript(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it starts imports the file; the hook itself says nothing."""
    file = transcript(home)
    started: list[list[str]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: started.append([*command]))
    given = json.dumps({"session_id": "s", "transcript_path": str(file)}).encode()
    assert run(home, "hook", "claude-code", "--made", "2", given=given) == ""
    [command] = started
    assert command[:3] == [sys.executable, "-P", "-m"]
    run(home, *command[6:])
    assert len(run(home, "cat").splitlines()) > 0
    doctor = json.loads(run(home, "doctor", "--json"))
    assert doctor["hook_failures"] == []
    assert doctor["agents"][0]["missing"] == 0


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"", "no transcript_path"),
        (b"[]", "no transcript_path"),
        (b'{"transcript_path": "/etc/passwd"}', "is no transcript"),
        (b'{"transcript_path": "a.jsonl"}', "is no transcript"),
        (b'{"transcript_path": 3}', "is no transcript"),
    ],
)
def test_a_hook_that_fails_ends_with_0_and_is_noted(home: Path, given: bytes, why: str) -> None:
    """The agent sees nothing of it, and the doctor shows it."""
    run(home, "hook", "claude-code", given=given)
    doctor = json.loads(run(home, "doctor", "--json"))
    [failure] = doctor["hook_failures"]
    assert why in failure["error"]
    assert any("imports by hooks failed" in line and why in line for line in doctor["advice"])


def test_an_import_that_fails_is_noted(home: Path) -> None:
    """Whatever the cause is: no file, no importer, a journal that others may write to."""
    run(home, "hook", "claude-code", "--transcript", str(home / "none.jsonl"))
    run(home, "hook", "nosuch", given=b'{"transcript_path": "/a.jsonl"}')
    file = transcript(home)
    (home / "my journal").mkdir()
    (home / "my journal").chmod(0o777)
    run(home, "hook", "claude-code", "--transcript", str(file))
    noted = failures.recent_failures(home / "my journal")
    assert [it.error.partition(":")[0] for it in noted] == [
        *("FileNotFoundError", "ImportFailed", "JournalOpenError")
    ]
    assert failures.recent_failures(home / "another") == ()


def test_a_session_without_a_file_is_no_failure(home: Path) -> None:
    """Codex gives null for a session that it does not keep."""
    run(home, "hook", "codex", given=b'{"transcript_path": null}')
    assert failures.recent_failures(home / "my journal") == ()


def test_notes_have_a_bound(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file becomes the older one, and both are read."""
    monkeypatch.setattr(failures, "_MOST", 200)
    for number in range(5):
        failures.note(home, "codex", str(number), "x" * 9000)
    assert [it.source for it in failures.recent_failures(home)] == ["3", "4"]
    assert {it.name for it in (home / ".local/state/agent-journal").iterdir()} == {
        *("hooks.log", "hooks.log.1")
    }


def test_the_doctor_says_which_agents_have_hooks(home: Path) -> None:
    """Set, missing, out of date, off, or not to be read."""
    (home / ".codex").mkdir()

    def states() -> dict[str, str]:
        found = json.loads(run(home, "doctor", "--json"))["hooks"]
        return {it["format"]: it["state"] for it in found}

    assert states() == {"claude-code": "missing", "codex": "missing"}
    install(home, "--yes")
    assert states() == {"claude-code": "set", "codex": "set"}
    assert "claude-code has hooks: set" in run(home, "doctor")
    text = settings(home).read_text("utf-8")
    settings(home).write_text(text.replace(sys.executable, "/no/python"), encoding="utf-8")
    (home / ".codex" / "hooks.json").write_bytes(b"{")
    assert states() == {"claude-code": "older", "codex": "unreadable"}
    assert "install --hooks" in run(home, "doctor")
    settings(home).write_text(text.replace("{", '{"disableAllHooks": true,', 1), encoding="utf-8")
    assert states()["claude-code"] == "off"


@pytest.mark.slow
def test_the_command_in_the_settings_works_from_a_shell(home: Path, tmp_path: Path) -> None:
    """It ends with 0 and says nothing, in a folder that has a package `journal` of its own too."""
    file = transcript(home)
    install(home, "--yes")
    hostile = tmp_path / "project" / "journal"
    hostile.mkdir(parents=True)
    (hostile / "__init__.py").write_text("raise SystemExit(2)", encoding="utf-8")
    command = command_in(settings(home))
    given = json.dumps({"transcript_path": str(file)}).encode()
    began = time.monotonic()
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        input=given,
        capture_output=True,
        check=False,
        cwd=hostile.parent,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert time.monotonic() - began < 30
    cat = ["--journal", str(home / "my journal"), "cat"]  # there may be no journal yet
    while '"x1"' not in CliRunner().invoke(cli, cat).stdout:
        assert time.monotonic() - began < 60, "it was not imported"
        time.sleep(0.05)
    broken = command.replace(shlex.quote(sys.executable), "/no/python")
    ended = subprocess.run(
        ["/bin/sh", "-c", broken], input=given, capture_output=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
