"""docs/cli.md equals the help texts, and the help texts have the keys of the JSON output."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import journal.cli
import projector.cli
from journal import Journal, Redacted, make_backup
from journal.agents.hooks.failures import note as note_failure
from journal.format.redacted import mark
from journal.fs.directory import open_directory
from journal.fs.files import make_folder
from journal.segments.machines import Machine, Machines, write_machines
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from tests.support.forgetting.requests import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import click

    from tests.conftest import ExpectedProblems

ROOT = Path(__file__).parents[2]
GROUPS = {"journal": journal.cli.cli, "projector": projector.cli.cli}
REGISTRY = {
    f"{name} {known}": group.commands[known]
    for name, group in GROUPS.items()
    for known in group.commands
}
"""Every command of both command lines."""


def test_the_command_line_reference_is_up_to_date() -> None:
    """docs/cli.md is made from the help texts; `make docs` writes it."""
    check = [sys.executable, "-m", "tools.cli_reference", "--check"]
    result = subprocess.run(
        check, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", REGISTRY)
def test_the_reference_shows_every_command(name: str) -> None:
    """Each command of both registries has a section."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert f"\n### {name}\n" in text


@pytest.mark.parametrize("name", REGISTRY)
def test_a_command_that_can_wait_documents_its_limit(name: str) -> None:
    """A command has --timeout, or its help says that there is no limit or that it never waits."""
    command = REGISTRY[name]
    has_timeout = any("--timeout" in option.opts for option in command.params)
    text = " ".join((command.help or "").split())
    ends_at_once = {"journal append", "journal status", "projector status"}
    runs_until_stopped = {"projector run", "projector web"}
    assert (
        has_timeout
        + ("There is no time limit." in text)
        + (name in ends_at_once | runs_until_stopped)
        == 1
    )


# the JSON that a help text documents


def _make_agent(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a home folder with a transcript."""
    folder = home / ".claude" / "projects" / "p"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_bytes(b"{}\n")
    monkeypatch.setenv("HOME", str(home))


def _documented(command: click.Command) -> list[Any]:
    """Return the objects of the paragraph `JSON: {...}`, as `{"key": shape}`; `...` is any key."""
    for paragraph in re.split(r"\n\s*\n", command.help or ""):
        text = " ".join(paragraph.replace("\b", "").split())
        if text.startswith("JSON: "):
            found = []
            for shape in re.findall(r"\{.*?\}(?=; |$)", text):
                named = re.sub(r'("\w+")(?!\s*:)', r"\1: null", shape).replace("...", '"...": null')
                found.append(json.loads(named))
            return found
    return []


def _keys(value: Any, path: str = "") -> set[str]:  # noqa: ANN401 - any JSON value
    """Return the paths of all keys in a JSON value, such as `.hits[].id`."""
    found = set()
    if isinstance(value, list):
        for item in value:
            found |= _keys(item, f"{path}[]")
    elif isinstance(value, dict):
        for key, inner in value.items():
            found |= {f"{path}.{key}"} | _keys(inner, f"{path}.{key}")
    return found


def _has_place(path: str, promised: set[str]) -> bool:
    """Return whether a key is documented, or is below an object that may have any key."""
    ends = [match.end() for match in re.finditer(r"\w+|\[\]", path)]
    return path in promised or any(f"{path[:end]}...." in promised for end in ends)


LINES = b'{"session":"s1","role":"user","content":"hello needle"}\nbad\n'

RUNS: dict[str, list[list[str]]] = {
    "journal append": [
        ["append", "--session", "s1", "--role", "user", "--json", "hi"],
        ["append", "--jsonl", "--json"],
    ],
    "journal backup": [
        ["--journal", "{lossy}", "backup", "{backup}", "--json"],
        ["backup", "--verify", "{backup}", "--json"],
    ],
    "journal cat": [["cat"]],
    "journal compact": [["compact", "--json"]],
    "journal doctor": [["doctor", "--json"]],
    "journal erasures": [["erasures", "--json"]],
    "journal forget": [
        ["forget", "s1", "--dry-run", "--json"],
        ["forget", "s1", "--yes", "--json"],
        ["forget", "--finish", "--json"],
    ],
    "journal import": [["import", "openai", "{talk}", "--json"]],
    "journal install": [
        ["install", "--yes", "--json"],
        ["install", "--hooks", "--yes", "--json"],
    ],
    "journal restore": [
        ["--journal", "{lossy}", "restore", "{backup}", "--json"],
        ["restore", "cc", "--to", "{back}", "--json"],
    ],
    "journal retain": [["retain", "--dry-run", "--json"]],
    "journal scan": [["scan", "--json"], ["scan", "--redact", "--yes", "--json"]],
    "journal status": [["status", "--json"]],
    "journal verify": [["verify", "--json"], ["verify", "--erased", "--json"]],
    "projector export": [["export", "s1", "--format", "json"]],
    "projector salvage": [["salvage", "--json"]],
    "projector search": [["search", "needle", "--json", "--context", "1"]],
    "projector sessions": [["sessions", "--json"]],
    "projector show": [["show", "s1", "--json"]],
    "projector status": [["status", "--json"]],
    "projector facets": [["facets", "--json"]],
    "projector usage": [["usage", "--json"]],
    "projector verify": [["verify", "--json"]],
}
"""The arguments with which each command that prints JSON is run; standard input is `LINES`."""


def test_every_command_that_prints_json_documents_its_keys() -> None:
    """A command with --json has a paragraph `JSON:`, and is run in these tests."""
    prints = {
        name
        for name, command in REGISTRY.items()
        if _documented(command) or any("--json" in option.opts for option in command.params)
    }
    assert prints == set(RUNS)
    assert [name for name in prints if not _documented(REGISTRY[name])] == []


@pytest.fixture
def filled(journal_dir: Path, tmp_path: Path, expect_problems: ExpectedProblems) -> Path:
    """A journal with a session and a file that `verify` reports, and a damaged one beside it."""
    with Journal.open(journal_dir) as journal:
        fields = dict.fromkeys(("title", "source", "model", "cwd", "parent"), "x")
        journal.append(type="session.created", session="s1", data=fields)
        for number in range(3):
            journal.append_message("s1", "user", "needle", id=f"m{number}", source="cli")
        journal.append(type="usage.added", session="s1", data={"input_tokens": 7})
        journal.append_message("old", "user", "hay", id="m1", timestamp=10**15)
        redacted = Redacted("0a1b2c3d", "5" * 32, "rules 1", {"jwt": 1})
        journal.append(session="s1", type="tool.used", data={"ran": "DB_PASSWORD=Tr0ub4dor-3"})
        ran = {"with": mark("jwt", "1f3a9c")}
        journal._append([("s1", "e1", "tool.used", ran, redacted, "codex 4")])
    CliRunner().invoke(GROUPS["projector"], ["--journal", str(journal_dir), "sync"])
    (journal_dir / "lanes/notes").touch()
    (journal_dir / "retention.toml").write_bytes(b"[[rule]]\nolder_than = '90d'")
    (journal_dir / "retention.toml").chmod(0o600)
    expect_problems("foreign")
    (tmp_path / "talk.jsonl").write_bytes(LINES)
    with Journal.open(tmp_path / "lossy") as lossy:
        lossy.append_message("s1", "user", "lost")
    make_backup(tmp_path / "lossy", tmp_path / "backup")
    (tmp_path / "lossy/lanes/1/000001.jsonl").unlink()
    return journal_dir


@pytest.fixture
def invoke(filled: Path, tmp_path: Path) -> Callable[[str, list[str]], list[Any]]:
    """Run a command on that journal; return the JSON values that it prints."""

    def invoke(program: str, arguments: list[str]) -> list[Any]:
        paths = {"talk": "talk.jsonl", "lossy": "lossy", "backup": "backup", "back": "back"}
        named = {name: tmp_path / path for name, path in paths.items()}
        given = [part.format(**named) for part in arguments]
        result = CliRunner().invoke(
            GROUPS[program], ["--journal", str(filled), *given], input=LINES, catch_exceptions=False
        )
        decoder, text, values = json.JSONDecoder(), result.stdout, []
        while text.strip():
            value, end = decoder.raw_decode(text.lstrip())
            text = text.lstrip()[end:]
            values.append(value)
        assert values, result.stderr
        return values

    return invoke


@pytest.fixture
def busy(filled: Path) -> Iterator[Callable[[], None]]:
    """Make the projection stale: a projector that applies nothing runs, and an event is new."""
    lock = ProcessLock(generations(open_directory(filled).path).lock)

    def busy() -> None:
        assert lock.acquire()
        with Journal.open(filled) as journal:
            journal.append_message("s1", "user", "not applied", id="late")

    yield busy
    lock.release()


def _damage_database(path: Path) -> None:
    """Damage the projection so that `projector verify` reports faults."""
    (database,) = (path / "projection").rglob("*.db")
    content = bytearray(database.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 64] = b"\xff" * 64
    database.write_bytes(content)


def _know_a_machine(path: Path) -> None:
    """Note the name of another machine, as the relay does when it has reported itself."""
    journal = open_directory(path)
    make_folder(path / "relay")
    other = Machine("0199c0de-0000-7000-8000-000000000001", "desk", 1, 0)
    write_machines(journal, Machines(journal.uuid, "here", (), (other,)))


@pytest.mark.parametrize("name", RUNS)
def test_the_printed_json_has_the_documented_keys(
    name: str,
    invoke: Callable[[str, list[str]], list[Any]],
    filled: Path,
    busy: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each documented key is printed, and each printed key is documented."""
    program = name.partition(" ")[0]
    documented = _documented(REGISTRY[name])
    assert len(documented) == len(RUNS[name])
    for promise, arguments in zip(documented, RUNS[name], strict=True):
        if name == "projector verify":
            _damage_database(filled)
        if name == "journal install":
            (filled.parent / "home" / ".codex").mkdir(parents=True, exist_ok=True)
            for variable in ("HOME", "XDG_CONFIG_HOME", "PATH"):
                monkeypatch.setenv(variable, str(filled.parent / "home"))
        if name == "journal restore":
            with Journal.open(filled) as journal:
                journal.append_message("cc", "user", "hello", id="u1", source="claude-code")
        if name == "journal doctor":
            _make_agent(filled.parent / "home", monkeypatch)
            note_failure(filled, "codex", "a.jsonl", "it failed")
        if name in {"journal status", "projector status"}:
            _know_a_machine(filled)
        if name in {"journal erasures", "journal status"}:
            forget(filled, Selection(sessions=("s1",)))
            with Journal.open(filled) as journal:
                journal.append_message("s1", "user", "written again")
            ask(filled, sessions=["old"])  # it is pending
        values = invoke(program, arguments)
        if "behind" in promise:
            busy()
            values += invoke(program, arguments)
        promised = _keys(promise)
        printed = set().union(*map(_keys, values))
        assert {path for path in promised if not path.endswith("....")} <= printed
        assert {path for path in printed if not _has_place(path, promised)} == set()
