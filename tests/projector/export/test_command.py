"""`projector export`: which sessions, where to, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from journal import Journal
from journal.fs import disk
from journal.fs.files import draft_of
from journal.fs.key_file import own_key
from projector.cli import cli
from tests.projector.export.conftest import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def invoke(talk: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `projector export` on a journal with two more sessions."""
    monkeypatch.setenv("JOURNAL_DIR", str(talk))
    with Journal.open(talk) as journal:
        journal.append_message("web-1", "user", "podman", id="w1", source="web")
        journal.append_message("web-2", "user", "docker docker", id="w2", source="web")

    def invoke(*arguments: object, code: int = 0) -> Result:
        given = ["export", *map(str, arguments)]
        result = CliRunner().invoke(cli, given, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return invoke


def sessions(result: Result) -> list[str]:
    """Return the ids of the sessions in JSON lines, in order."""
    return list(dict.fromkeys(json.loads(line)["session"] for line in result.stdout.splitlines()))


def test_markdown_is_that_of_show(invoke: Callable[..., Result], talk: Path) -> None:
    """There is one implementation; several sessions follow each other."""
    own_key(talk)  # without it, marks would have other digits each time
    shown = CliRunner().invoke(cli, ["--journal", str(talk), "show", "talk", "--markdown"])
    assert invoke("talk").stdout == shown.stdout
    assert shown.stdout.startswith("# Docker \\*fails\\*\n\n- session: `talk`\n")
    both = invoke("talk", "fork").stdout
    assert both.startswith(shown.stdout + "\n# ")
    assert "replays talk\n" in both


def test_a_query_chooses_sessions_the_best_first(invoke: Callable[..., Result]) -> None:
    """With the filters of a search, each session once, and whole."""
    assert sessions(invoke("--query", "podman", "--format", "jsonl")) == ["web-1", "fork"]
    found = invoke("--query", "podman", "--source", "web", "--format", "jsonl")
    assert sessions(found) == ["web-1"]
    assert len(sessions(invoke("--query", "docker", "--limit", 1, "--format", "jsonl"))) == 1


def test_a_query_is_read_as_the_search_reads_it(invoke: Callable[..., Result]) -> None:
    """The way it is read, the role of the messages, replays, and the order of the hits."""

    def found(query: str, *options: str) -> list[str]:
        return sessions(invoke("--query", query, *options, "--format", "jsonl"))

    assert found("`docker`", "--literal") == ["talk"]
    assert set(found("`docker`", "--literal", "--include-replays")) == {"talk", "fork"}
    assert found("^docker d", "--regex") == ["web-2"]
    assert set(found("docker", "--role", "user")) == {"web-2", "talk"}
    assert found("look", "--role", "user") == []
    assert found("reminder", "--role", "user", "--include-meta") == ["talk"]
    assert found("docker", "--sort", "oldest") == ["talk", "web-2"]
    assert found("docker", "--sort", "newest") == ["web-2", "talk"]


def test_filters_choose_sessions_as_those_of_the_list(invoke: Callable[..., Result]) -> None:
    """The one with the latest message comes first; all are there with --all."""
    assert sessions(invoke("--source", "web", "--format", "jsonl")) == ["web-2", "web-1"]
    assert sessions(invoke("--all", "--limit", 3, "--format", "jsonl")) == [
        "web-2",
        "web-1",
        "fork",
    ]
    assert len(sessions(invoke("--all", "--format", "jsonl"))) == 4


def test_nothing_is_written_where_nothing_is_found(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    """An unknown session has the exit code and the message of `show`, as has a filter's value."""
    target = tmp_path / "out"
    shown = CliRunner().invoke(cli, ["show", "nope"])
    assert (shown.exit_code, "no session matches 'nope'" in shown.stderr) == (3, True)
    assert invoke("talk", "nope", "-o", target, code=3).stderr == shown.stderr
    assert "no session was found" in invoke("--query", "zebra", "-o", target).stderr
    assert "nearest: web" in invoke("--source", "wob", "-o", target, code=3).stderr
    assert not target.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name sessions, or give --query"),
        (["talk", "--all"], "not both"),
        (["talk", "--limit", "2"], "--limit goes with --query"),
        (["talk", "--format", "pdf"], "'pdf' is not an installed format (installed: atif, html"),
        (["talk", "--role", "user"], "--include-replays and --sort go with --query"),
        (["--all", "--literal"], "go with --query"),
        (["--query", "x", "--literal", "--regex"], "--literal and --regex exclude each other"),
        (["talk", "--detail", "some"], "'some' is not one of 'full', 'normal', 'prompts'"),
        (["talk", "--otlp-version", "1"], "'1' is not one of '1.36', '1.41'"),
        (["talk", "-o", ""], "the path is empty"),
    ],
)
def test_wrong_usage_is_refused(
    invoke: Callable[..., Result], arguments: list[str], message: str
) -> None:
    """The exit code is 2."""
    assert message in invoke(*arguments, code=2).stderr


def test_a_file_is_replaced_and_is_its_owners(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    """Behind a link, too; stderr says what was written, and what was redacted."""
    target, link = tmp_path / "out.json", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o644)
    link.symlink_to(target)
    result = invoke("talk", "--format", "json", "-o", link)
    size = target.stat().st_size
    assert (result.stdout, link.is_symlink()) == ("", True)
    assert f"1 session, {size:,} bytes" in result.stderr
    assert "1 secret was replaced by marks" in result.stderr
    assert target.stat().st_mode & 0o777 == 0o600
    assert json.loads(target.read_text())["sessions"]
    assert SECRET in invoke("talk", "--no-redact").stdout
    assert [path.name for path in tmp_path.iterdir()].count("out.json") == 1


def test_what_is_no_file_is_not_replaced(invoke: Callable[..., Result], tmp_path: Path) -> None:
    """A folder, a device, and a path in a folder that does not exist."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert "is a folder; name a file" in invoke("talk", "-o", tmp_path, code=1).stderr
    assert "leave out -o" in invoke("talk", "-o", "/dev/null", code=1).stderr
    assert "leave out -o" in invoke("talk", "-o", fifo, code=1).stderr
    assert "is no folder" in invoke("talk", "-o", tmp_path / "no" / "file", code=1).stderr


def test_after_an_error_the_old_file_is_as_it_was(
    invoke: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves no draft."""

    class FullDisk(disk.Disk):
        def write(self, _fd: int, _data: bytes | memoryview) -> int:
            raise OSError(28, "No space left on device")

    target = tmp_path / "folder" / "out"
    target.parent.mkdir()
    target.write_text("old")
    invoke("talk")
    monkeypatch.setattr(disk, "in_use", FullDisk())
    error = invoke("talk", "-o", target, code=1).stderr
    assert f"cannot write {target}: No space left on device" in error
    assert [path.name for path in target.parent.iterdir()] == ["out"]
    assert target.read_text() == "old"


def test_what_a_killed_export_left_is_removed_by_the_next(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    """Of the same file; one of another file stays."""
    folder = tmp_path / "folder"
    folder.mkdir()
    target, other = folder / "out.md", folder / "other.md"
    draft_of(target).touch()
    kept = draft_of(other)
    kept.touch()
    invoke("talk", "-o", target)
    assert {path.name for path in folder.iterdir()} == {"out.md", kept.name}


def test_a_broken_pipe_ends_it_quietly(talk: Path) -> None:
    """A reader that has what it wanted is no failure."""
    with Journal.open(talk, fsync="never") as journal:
        for number in range(3000):
            journal.append_message("long", "user", "word " * 100, id=f"m{number}")
    projector = Path(sys.executable).with_name("projector")
    command = [str(projector), "--journal", str(talk), "export", "long", "--format", "jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["id"] == "m0"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("format", ["md", "html", "json", "jsonl", "atif", "otlp"])
def test_no_format_shows_a_secret_of_the_first_prompt(
    invoke: Callable[..., Result], talk: Path, format: str
) -> None:
    """It is in the preview of the session too, which may end within the secret."""
    with Journal.open(talk) as journal:
        journal.append_message("p", "user", f"key {SECRET} and <b>", id="p1")
        journal.append_message("q", "user", f"{'word ' * 14}{SECRET} and more of it", id="q1")
    shown = invoke("p", "q", "--format", format).stdout
    assert SECRET not in shown
    assert SECRET[:10] not in shown
