"""A second import does not open a file that is as it was when it was imported."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from journal.importers.run.driver import Importer
from journal.importers.run.following import follow
from journal.writer import Journal
from tests.importers.feed import line
from tests.importers.files.test_folders import persisted
from tests.importers.hermes.databases import made_by
from tests.importers.run.test_driver import run, texts, user_line

if TYPE_CHECKING:
    from pathlib import Path

    from journal.importers.run.report import Report

_OLD = 1_700_000_000 * 10**9
"""A time in nanoseconds that is long over."""


def write(file: Path, content: bytes, time: int = _OLD) -> None:
    """Write a file that was last changed at a time."""
    file.write_bytes(content)
    os.utime(file, ns=(time, time))


def counts(report: Report) -> tuple[int, int, int]:
    """Return the numbers of read files, unchanged files and written messages."""
    return report.files, report.unchanged, report.messages


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A transcript that was imported into the journal `j`."""
    file = tmp_path / "a.jsonl"
    write(file, user_line(1))
    assert counts(run(tmp_path / "j", file)) == (1, 0, 1)
    return file


def test_an_unchanged_file_is_not_read(tmp_path: Path, file: Path) -> None:
    """Other bytes of the same size and time are not seen; they are at another time, or size."""
    write(file, user_line(2))
    assert counts(run(tmp_path / "j", file)) == (0, 1, 0)
    write(file, user_line(2), _OLD + 1)
    assert counts(run(tmp_path / "j", file)) == (1, 0, 1)
    write(file, user_line(2) + user_line(3), _OLD + 1)
    assert counts(run(tmp_path / "j", file)) == (1, 0, 1)
    assert texts(tmp_path / "j") == ["x1", "x2", "x3"]


def test_a_file_that_was_written_a_moment_ago_is_read(tmp_path: Path) -> None:
    """Its next change can have the same time, if the clock of the file system is coarse."""
    file = tmp_path / "a.jsonl"
    file.write_bytes(user_line(1))
    run(tmp_path / "j", file)
    time = file.stat().st_mtime_ns
    write(file, user_line(2), time)
    assert counts(run(tmp_path / "j", file)) == (1, 0, 1)


def test_it_is_read_again_on_request(tmp_path: Path, file: Path) -> None:
    """`--reread`, another format, and a lost ledger read it."""
    assert counts(run(tmp_path / "j", file, reread=True))[:2] == (1, 0)
    assert run(tmp_path / "j", file, format="openai").unchanged == 0
    for entry in (tmp_path / "j" / "imports").glob("*.json"):
        entry.unlink()
    assert counts(run(tmp_path / "j", file))[:2] == (1, 0)


def test_a_file_with_side_files_is_read(tmp_path: Path) -> None:
    """A side file may have come, or be reported as one that no transcript names."""
    folder = tmp_path / "box" / "s" / "tool-results"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"long")
    write(tmp_path / "box" / "s.jsonl", line(**persisted("1", "/x/tool-results/a.txt")) + b"\n")
    assert run(tmp_path / "j", tmp_path / "box").side_files
    again = run(tmp_path / "j", tmp_path / "box")
    assert (again.unchanged, again.messages) == (0, 0)


def test_a_followed_file_that_was_unchanged_is_read_further(tmp_path: Path, file: Path) -> None:
    """Following begins with a look; what is added then is imported."""
    polls = 0

    def grow(_seconds: float) -> bool:
        nonlocal polls
        polls += 1
        if polls == 3:
            write(file, user_line(1) + user_line(2), _OLD + 1)
        return polls > 400 or texts(tmp_path / "j") == ["x1", "x2"]

    with Journal.open(tmp_path / "j", fsync="never") as journal:
        report = follow(Importer(journal, "auto"), [file], grow)
    assert (report.unchanged, report.messages) == (1, 1)


def test_an_unchanged_database_is_not_read(tmp_path: Path) -> None:
    """A change in its write-ahead log is a change."""
    file = tmp_path / "state.db"
    made_by(file).db.close()
    for _ in range(2):  # the first reader makes a write-ahead log
        for each in tmp_path.glob("state.db*"):
            os.utime(each, ns=(_OLD, _OLD))
        assert counts(run(tmp_path / "j", file))[:2] == (1, 0)
    assert counts(run(tmp_path / "j", file)) == (0, 1, 0)
    with closing(sqlite3.connect(file)) as db:
        db.execute("UPDATE sessions SET title = 'another'")
        db.commit()
    assert counts(run(tmp_path / "j", file))[:2] == (1, 0)
