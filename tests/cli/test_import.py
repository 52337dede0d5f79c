"""`journal import` prints its report on stderr or as JSON, and its exit code says how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from journal.cli import cli
from journal.errors import AppendError
from journal.writer import Journal
from tests.importers.feed import journal_set, line

if TYPE_CHECKING:
    from pathlib import Path

HELLO = line(role="user", content="hello", timestamp=1_770_000_000) + b"\n"


def invoke(journal: Path, *arguments: str | Path) -> Result:
    """Run the command on a journal."""
    parts = ["--journal", journal, "import", *arguments]
    return CliRunner().invoke(cli, [str(part) for part in parts])


def test_the_report_goes_to_stderr(tmp_path: Path) -> None:
    """The readable report is on stderr; stdout is for data."""
    (tmp_path / "a.jsonl").write_bytes(HELLO + b"broken\n")
    result = invoke(tmp_path / "journal", "auto", tmp_path / "a.jsonl")
    assert (result.exit_code, result.stdout) == (0, "")
    rows = {tuple(row.rsplit(maxsplit=1)) for row in result.stderr.splitlines()}
    assert {("files read", "1"), ("messages written", "1"), ("skipped", "1")} <= rows
    assert ("  not JSON", "1") in rows


def test_files_of_no_known_format_do_not_flood_the_terminal(tmp_path: Path) -> None:
    """The first of them are named, and the others are counted."""
    for number in range(13):
        (tmp_path / f"{number:02}.jsonl").write_bytes(b'{"what":1}\n')
    result = invoke(tmp_path / "journal", "auto", tmp_path)
    assert result.exit_code == 0
    assert result.stderr.count("no known format: ") == 11
    assert "3 more" in result.stderr


def test_the_report_as_json_is_one_object_on_stdout(tmp_path: Path) -> None:
    """The object has the counts, the reasons and the errors."""
    (tmp_path / "a.jsonl").write_bytes(HELLO + b"broken\n")
    result = invoke(tmp_path / "journal", "openai", tmp_path, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "files": 1,
        "unchanged": 0,
        "sessions": 1,
        "lines": 2,
        "messages": 1,
        "events": 1,
        "already": 0,
        "redacted": {},
        "forgotten": 0,
        "gone": 0,
        "vanished": [],
        "returned": 0,
        "conflicts": 0,
        "conflicting": [],
        "conflicts_in": {},
        "skipped": {"not JSON": 1},
        "skipped_at": {"not JSON": f"{tmp_path / 'a.jsonl'}:2"},
        "repaired": {},
        "passed_over": {},
        "side_files": [],
        "unknown": [],
        "errors": {},
        "warnings": [],
    }


def test_a_line_that_is_broken_is_named(tmp_path: Path) -> None:
    """The report names file and line of the first one, and says whether there are others."""
    (tmp_path / "a.jsonl").write_bytes(b"\n" + HELLO + b"broken\n")
    journal = tmp_path / "journal"
    assert f"not JSON: {tmp_path / 'a.jsonl'}:3\n" in invoke(journal, "openai", tmp_path).stderr
    (tmp_path / "b.jsonl").write_bytes(HELLO + b"broken\nagain\n")
    assert "b.jsonl:2 and others\n" in invoke(journal, "openai", tmp_path / "b.jsonl").stderr


def test_a_path_that_does_not_exist_imports_nothing(tmp_path: Path) -> None:
    """A misspelt path is an error before anything is written."""
    (tmp_path / "a.jsonl").write_bytes(HELLO)
    result = invoke(tmp_path / "journal", "auto", tmp_path / "a.jsonl", tmp_path / "gone")
    assert result.exit_code == 3
    assert str(tmp_path / "gone") in result.stderr
    assert not (tmp_path / "journal").exists()


def test_a_file_that_cannot_be_imported_fails_the_command(tmp_path: Path) -> None:
    """The other files are imported, and the report is printed."""
    (tmp_path / "a.jsonl").write_bytes(HELLO)
    (tmp_path / "b.jsonl").write_bytes(b'{"what":1}\n')
    result = invoke(tmp_path / "journal", "auto", tmp_path / "b.jsonl", tmp_path, "--json")
    assert result.exit_code == 1
    assert "b.jsonl: not a transcript of a known format" in result.stderr
    assert json.loads(result.stdout)["messages"] == 1


def test_a_journal_that_cannot_be_opened_fails_the_command(tmp_path: Path) -> None:
    """A folder that is no journal is not changed, and the message says so."""
    (tmp_path / "a.jsonl").write_bytes(HELLO)
    (tmp_path / "other").write_text("a file")
    result = invoke(tmp_path / "other", "auto", tmp_path / "a.jsonl")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert str(tmp_path / "other") in result.stderr


def test_a_write_error_ends_the_import_with_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report has the counts before the error, and the reason."""
    (tmp_path / "a.jsonl").write_bytes(HELLO)

    def refuse(*_: object) -> None:
        raise AppendError("no space left", ["0"])

    monkeypatch.setattr(Journal, "append_many", refuse)
    result = invoke(tmp_path / "journal", "auto", tmp_path / "a.jsonl", "--json")
    assert result.exit_code == 1
    assert "no space left" in result.stderr
    assert json.loads(result.stdout)["messages"] == 0


@pytest.mark.parametrize("arguments", [["word", "x"], ["auto"], []])
def test_wrong_usage_has_its_own_exit_code(tmp_path: Path, arguments: list[str]) -> None:
    """An unknown format, or no path, exits with 2."""
    assert invoke(tmp_path / "journal", *arguments).exit_code == 2


def test_the_help_shows_formats_and_examples() -> None:
    """The help text is a short manual, and its columns are kept."""
    text = invoke_help()
    assert "journal import claude-code ~/.claude/projects --follow\n" in text
    assert "codex         ~/.codex/sessions" in text


def invoke_help() -> str:
    """Return the help text."""
    return CliRunner().invoke(cli, ["import", "--help"]).stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_following_ends_cleanly_when_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    """Lines that were read are in the journal, the report is printed, and the exit code is 0."""
    source, folder = tmp_path / "a.jsonl", tmp_path / "journal"
    source.write_bytes(HELLO)
    program = [sys.executable, "-c", "from journal.cli import main; main()"]
    command = [*program, "--journal", str(folder), "import", "auto", str(source)]
    with subprocess.Popen(
        [*command, "--follow", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "following" in process.stderr.readline()
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr) == (0, "")
    assert json.loads(stdout)["messages"] == 1
    assert len(journal_set(folder)) == 2


def test_an_empty_path_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty path, as from an unset variable, is an error."""
    (tmp_path / "a.jsonl").write_bytes(HELLO)
    monkeypatch.chdir(tmp_path)
    result = invoke(tmp_path / "journal", "auto", "")
    assert result.exit_code == 2
    assert "empty" in result.stderr
    assert not (tmp_path / "journal").exists()


def test_the_report_fits_a_terminal(tmp_path: Path) -> None:
    """The table is at most 80 columns wide, whatever names a file contains."""
    kinds = [line(type="response_item", payload={"type": "x" * size}) for size in (30, 64, 500)]
    good = line(type="response_item", payload={"type": "message", "role": "user", "content": "x"})
    (tmp_path / "a.jsonl").write_bytes(b"\n".join([good, *kinds]) + b"\n")
    result = invoke(tmp_path / "journal", "codex", tmp_path / "a.jsonl")
    assert result.exit_code == 0
    assert max(map(len, result.stderr.splitlines())) <= 80


def test_files_of_a_wrong_format_do_not_flood_the_terminal(tmp_path: Path) -> None:
    """Each file is an error; the first of them are named, and the others are counted."""
    for number in range(30):
        (tmp_path / f"{number:02}.jsonl").write_bytes(HELLO)
    result = invoke(tmp_path / "journal", "codex", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.count("this looks like openai, not codex") == 20
    assert "10 more" in result.stderr


def test_an_interrupted_import_prints_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events that were written are counted, and the exit code is that of an interrupt."""
    (tmp_path / "a.jsonl").write_bytes(HELLO)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "append_many", interrupt)
    result = invoke(tmp_path / "journal", "auto", tmp_path / "a.jsonl", "--json")
    assert result.exit_code == 130
    assert json.loads(result.stdout)["messages"] == 0
    assert "interrupted" in result.stderr.lower()


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize(("formats", "code"), [("auto", 0), ("codex", 1)])
def test_a_closed_pipe_does_not_change_the_exit_code(
    tmp_path: Path, options: list[str], formats: str, code: int
) -> None:
    """If the pipe of the report is closed, the exit code is 0, unless a file failed."""
    source, folder = tmp_path / "a.jsonl", tmp_path / "journal"
    source.write_bytes(HELLO)
    program = [sys.executable, "-c", "from journal.cli import main; main()"]
    command = [*program, "--journal", str(folder), "import", formats, str(source), *options]
    reader, writer = os.pipe()
    os.close(reader)
    stdout, stderr = (writer, subprocess.PIPE) if options else (subprocess.PIPE, writer)
    done = subprocess.run(command, stdout=stdout, stderr=stderr, text=True, check=False, timeout=60)
    os.close(writer)
    assert done.returncode == code
    assert not done.stdout
    assert ("looks like openai" in (done.stderr or "")) == bool(options and code)
    assert "Traceback" not in (done.stderr or "")
    assert len(journal_set(folder)) == (0 if code else 2)
