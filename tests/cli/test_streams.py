"""How commands end if standard input or output is closed, full, or not read to the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from tests.support.journals import events, ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import ExpectedProblems

    Shell = Callable[[str], subprocess.CompletedProcess[str]]

_COMMAND = '"$PYTHON" -c "from {0}.cli import main; main()" --journal "$JOURNAL" "$@"'


@pytest.fixture
def shell(journal_dir: Path) -> Shell:
    """Run a line of a shell in which `journal` and `projector` are commands."""
    known = "".join(
        f"{name}() {{ {_COMMAND.format(name)}; }}\n" for name in ("journal", "projector")
    )

    def shell(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", "-c", f"{known}{line}"],
            env=os.environ | {"PYTHON": sys.executable, "JOURNAL": str(journal_dir)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return shell


def _lines(path: Path, count: int, bad: str = "") -> Path:
    made = [json.dumps({"session": "s", "role": "user", "id": f"m{n}"}) for n in range(count)]
    path.write_text("\n".join([*made, bad, *made]) + "\n")
    return path


ONE = "journal append --session s --role user --id m1"


# a reader that stops


@pytest.mark.parametrize("redirection", ["", "2>&1"])
def test_an_append_whose_reader_stops_reports_the_stored_lines(
    journal_dir: Path, tmp_path: Path, shell: Shell, redirection: str
) -> None:
    """The lines that were read are stored; the exit code is 1, and the count is on stderr."""
    source = _lines(tmp_path / "lines", 8_000)
    result = shell(
        f"( journal append --jsonl --ack < {source} {redirection}; echo $? > {tmp_path}/code )"
        " | head -1"
    )
    assert result.stdout == "m0\n"
    assert (tmp_path / "code").read_text() == "1\n"
    stored = len(ids(journal_dir))
    assert 0 < stored < 16_000
    if not redirection:
        assert result.stderr == (
            "Error: the reader of standard output is gone: stopped with"
            f" {stored:,} lines appended, 0 refused; the rest was not read."
            " Append all of it again: lines with ids are not stored twice\n"
        )


def test_an_append_that_cannot_report_refusals_fails(
    journal_dir: Path, tmp_path: Path, shell: Shell
) -> None:
    """If standard error is full, only the exit code says that not all lines were stored."""
    source = _lines(tmp_path / "lines", 2, "bad")
    assert shell(f"journal append --jsonl < {source} 2>/dev/full").returncode == 1
    assert ids(journal_dir) == ["m0", "m1", "m0", "m1"]


def test_a_listing_whose_reader_stops_succeeds(journal_dir: Path, shell: Shell) -> None:
    """Commands that only read end with 0 and no message, whichever stream is closed."""
    with Journal.open(journal_dir) as journal:
        for n in range(300):
            journal.append_message("s", "user", "x" * 1000, id=f"m{n}")
    result = shell("journal cat 2>&1 | head -c 10; exit ${PIPESTATUS[0]}")
    assert (result.returncode, len(result.stdout), result.stderr) == (0, 10, "")


# closed streams


def test_without_standard_input_append_is_wrong_usage(journal_dir: Path, shell: Shell) -> None:
    """A closed standard input is wrong usage, and no empty message is stored."""
    for line in (f"{ONE} <&-", "journal append --jsonl <&-"):
        result = shell(line)
        assert result.returncode == 2
        assert "standard input is closed" in result.stderr
    assert not journal_dir.exists()


def test_a_text_needs_no_standard_input(journal_dir: Path, shell: Shell) -> None:
    """A text on the command line is stored with and without a standard input."""
    result = shell(f"{ONE} hello <&-")
    assert (result.returncode, result.stdout, result.stderr) == (0, "m1\n", "")
    assert ids(journal_dir) == ["m1"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_commands_succeed_without_output_streams(
    journal_dir: Path, tmp_path: Path, shell: Shell, closed: str
) -> None:
    """A command succeeds although its output streams are closed."""
    source = tmp_path / "talk.json"
    source.write_text('[{"role": "user", "content": "hi", "id": "i1"}]')
    for line in (
        f"{ONE} hello",
        f"journal import auto {source}",
        "journal cat",
        "journal status",
        "journal verify",
        "projector sync",
        "projector search hello",
    ):
        result = shell(f"{line} {closed}")
        assert (line, result.returncode) == (line, 0)
        assert "Error" not in result.stderr
        assert "Traceback" not in result.stderr
    assert "m1" in ids(journal_dir)
    assert events(journal_dir)[0].event.data["content"] == "hello"


# full outputs


@pytest.mark.parametrize(
    "line", ["journal cat", "journal verify", "journal --help", "projector sessions"]
)
def test_a_full_output_is_named_in_the_error(journal_dir: Path, shell: Shell, line: str) -> None:
    """The error names the output, and not the journal, as the file on a full disk."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "x" * 100_000)
    result = shell(f"{line} > /dev/full")
    assert result.returncode == 1
    assert result.stderr == "Error: cannot write to standard output: No space left on device\n"


def test_a_full_output_error_names_the_stored_message(journal_dir: Path, shell: Shell) -> None:
    """With the id from the error, a program can append again without a duplicate."""
    result = shell("journal append --session s --role user hello > /dev/full")
    assert result.returncode == 1
    (id,) = ids(journal_dir)
    assert result.stderr == (
        f"Error: the message is appended, and its id is {id!r};"
        " cannot write to standard output: No space left on device\n"
    )


def test_a_full_output_stops_an_append_of_lines(
    journal_dir: Path, tmp_path: Path, shell: Shell
) -> None:
    """Lines whose ids could not be written are counted, and no further line is read."""
    source = _lines(tmp_path / "lines", 3)
    result = shell(f"journal append --jsonl --ack < {source} > /dev/full")
    assert result.returncode == 1
    assert result.stderr.startswith("Error: cannot write to standard output: No space left")
    assert f"stopped with {len(ids(journal_dir))} lines appended" in result.stderr


# permissions


@pytest.mark.parametrize("umask", ["0777", "0222", "0000"])
def test_the_umask_changes_no_permissions(
    journal_dir: Path, tmp_path: Path, shell: Shell, umask: str
) -> None:
    """Folders have mode 0700 and files 0600, also locks, hints and databases."""
    source = tmp_path / "talk.json"
    source.write_text('[{"role": "user", "content": "hi", "id": "i1"}]')
    result = shell(
        f"umask {umask}; {ONE} hello && journal import auto {source} && projector search hello"
        " && projector rebuild"
    )
    assert result.returncode == 0, result.stderr
    modes = {
        str(path.relative_to(journal_dir)): path.stat().st_mode & 0o777
        for path in journal_dir.rglob("*")
    }
    assert {"lanes/1/lock", "projection/lock", "projection/build.lock"} <= set(modes)
    assert {
        name: oct(mode)
        for name, mode in modes.items()
        if mode != (0o700 if (journal_dir / name).is_dir() else 0o600)
    } == {}


# wrong usage


@pytest.mark.parametrize("line", ["journal append", "journal cat", "projector search"])
def test_the_option_journal_must_be_before_the_command(
    shell: Shell, line: str, expect_problems: ExpectedProblems
) -> None:
    """`--journal` after the command is an error that says where to put it."""
    result = shell(f"{line} --journal x")
    assert result.returncode == 2
    program, command = line.split()
    assert (
        f"--journal must be before the command: {program} --journal DIR {command}" in result.stderr
    )
    assert not expect_problems.kinds
