"""What is known of segments that were applied: a new process need not read their ends again."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.fs.directory import open_directory
from journal.segments.listing import list_folders
from journal.segments.segment import open_segment
from projector import Projection
from projector.apply.portion import unbounded
from projector.run.lock_holder import open_current
from projector.run.open_segments import OpenSegments
from projector.run.watermark import Mark, load_marks

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

_TICKS = 0.05
"""Seconds after which a change has another time than the last one."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lanes of which segments are opened for reading from now on."""
    found: list[str] = []

    def noted(path: Path) -> FileIO:
        found.append(path.parent.name)
        return open_segment(path)

    monkeypatch.setattr("projector.run.open_segments.open_segment", noted)
    return found


def _append(journal_dir: Path, count: int) -> None:
    """Append a message to each of several lanes."""
    journals = [Journal.open(journal_dir) for _ in range(count)]
    for number, journal in enumerate(journals):
        journal.append_message("s", "user", f"hello {number}", id=f"m{number}")
        journal.close()


def _look(journal_dir: Path) -> list[object]:
    """Return the messages that a new process finds."""
    with Projection.open(journal_dir) as projection:
        projection.catch_up()
        return [message.content for message in projection.messages("s")]


def test_a_new_process_opens_only_what_may_have_changed(
    journal_dir: Path, opened: list[str]
) -> None:
    """What was compared once is noted with the next commit, and is not opened again."""
    _append(journal_dir, 4)
    _look(journal_dir)
    time.sleep(_TICKS)
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "more", id="more")
    opened.clear()
    _look(journal_dir)
    assert {"2", "3", "4"} <= set(opened)
    opened.clear()
    assert len(_look(journal_dir)) == 5
    assert set(opened) <= {"1"}


@pytest.mark.parametrize("is_in_place", [False, True])
def test_a_segment_with_other_bytes_of_the_same_size_is_read_again(
    tmp_path: Path, *, is_in_place: bool
) -> None:
    """A restored file has another inode; one that was written over another time of change."""
    journal_dir, other = tmp_path / "journal", tmp_path / "other"
    _append(journal_dir, 1)
    time.sleep(_TICKS)
    with Projection.open(journal_dir) as projection:
        projection.rebuild()
    (path,) = (journal_dir / "lanes/1").glob("*.jsonl")
    before = path.stat()
    with Journal.open(other) as journal:
        journal.append_message("s", "user", "HELLO 0", id="m9")
    bytes_ = next((other / "lanes/1").glob("*.jsonl")).read_bytes()
    assert len(bytes_) == before.st_size
    if is_in_place:
        path.write_bytes(bytes_)
    else:
        draft = path.with_name("draft")
        draft.write_bytes(bytes_)
        draft.chmod(0o600)
        draft.replace(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "HELLO 0" in _look(journal_dir)


@pytest.mark.parametrize(
    ("age", "passed", "is_noted"),
    [(1, 0, False), (50, 0, True), (50, 50, False), (-1_000, -2_000, False), (0, 50, False)],
)
def test_a_file_is_noted_if_another_one_was_changed_later(
    age: int, passed: int, *, is_noted: bool
) -> None:
    """Another change in the same tick, or under a clock that went back, could have its time.

    Args:
        age: milliseconds since it was changed.
        passed: milliseconds since the other one was changed.
        is_noted: what is expected.
    """
    mark, now = Mark("", 1, 10, 0), time.time_ns()
    changed = now - age * 1_000_000
    assert mark.note(2**63 + 5, changed, now - passed * 1_000_000) == is_noted
    assert (mark.inode, mark.changed) == ((5, changed) if is_noted else (0, 0))


def test_what_is_to_be_read_again_is_not_saved_as_its_mark(tmp_path: Path) -> None:
    """A mark that was noted, and whose segment was replaced before the commit, stays as it is."""
    journal_dir, other = tmp_path / "journal", tmp_path / "other"
    _append(journal_dir, 2)
    with Projection.open(journal_dir) as projection:
        projection.catch_up()
    journal, segments = open_directory(journal_dir), OpenSegments()
    number, projector = open_current(journal, None, lambda: False, segments)
    assert number
    intake = projector._intake
    time.sleep(_TICKS)
    os.utime(next((journal_dir / "lanes/2").glob("*.jsonl")))  # it has another time
    intake.look_back(list_folders(journal.lanes))
    (path,) = (journal_dir / "lanes/1").glob("*.jsonl")
    with Journal.open(other) as writer:
        writer.append_message("s", "user", "HELLO 0", id="m9")
    path.write_bytes(next((other / "lanes/1").glob("*.jsonl")).read_bytes())
    intake.look_back(list_folders(journal.lanes))
    before = load_marks(projector._db)
    projector._db.execute("BEGIN")
    intake.save(unbounded())
    projector._db.execute("COMMIT")
    after = load_marks(projector._db)
    assert intake.marks["1", 1].offset != after["1", 1].offset == before["1", 1].offset
    projector.close()
