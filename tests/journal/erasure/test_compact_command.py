"""`journal compact`, as it is used at a prompt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal import Journal
from journal.cli import cli
from journal.erasure.files import joining
from journal.erasure.lock import erasing
from tests.support.journals import ids, segments

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def run(path: Path, *arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(cli, ["--journal", str(path), "compact", *arguments])


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal of four small segments."""
    path = tmp_path / "journal"
    with monkeypatch.context() as patch, Journal.open(path) as handle:
        patch.setattr("journal.lanes.writer.ROLL_SIZE", 1)
        for number in range(4):
            handle.append_message("s", "user", f"hello {number}", id=f"m{number}")
    assert len(segments(path)) == 4
    return path


def test_it_says_what_it_does(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First it joins; a run after the wait removes the files; then there is nothing to do."""
    planned = run(small, "--dry-run")
    assert "3 segments would be joined into 1: " in planned.output
    assert len(segments(small)) == 4
    done = run(small)
    assert done.exit_code == 0, done.output
    assert "3 segments joined into 1: " in done.output
    assert "2 files of joined segments: a run in an hour removes them" in done.output
    monkeypatch.setattr(joining, "GRACE", 0.0)
    later = run(small)
    assert later.output.startswith("no segments to join\n2 files of joined segments removed\n")
    assert "`journal forget --deleted --replaced --dry-run` shows" in later.output
    assert run(small).output.startswith("no segments to join\nno record is dropped")
    assert len(segments(small)) == 2
    assert ids(small) == ["m0", "m1", "m2", "m3"]


def test_json_has_the_counts(small: Path) -> None:
    """One object, with the fields of the report."""
    found = json.loads(run(small, "--json").output)
    assert (found["joined"], found["segments"], found["removed"], found["waiting"]) == (3, 1, 0, 2)
    assert found["bytes"] > 0


def test_only_old_segments(small: Path) -> None:
    """`--older-than` takes an age; all of this journal is younger."""
    assert run(small, "--older-than", "1d").output.startswith("no segments to join\n")
    assert run(small, "--older-than", "someday").exit_code == 2


def test_a_busy_journal_is_exit_code_7(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that erases or compacts is named as the reason."""
    monkeypatch.setattr("journal.erasure.compact.erasing", lambda path, _: erasing(path, 0.0))
    with erasing(small, 0.0):
        done = run(small)
    assert done.exit_code == 7
    assert "another process erases or compacts" in done.output
