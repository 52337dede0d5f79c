"""What is known of segments that were applied: a new process need not read their ends again."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.segments.segment import open_segment
from projector import Projection
from projector.run.watermark import Mark

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


def _look(journal_dir: Path) -> list[str | None]:
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
    ("age", "is_noted"), [(1_000_000, False), (50_000_000, True), (-1_000_000_000, False)]
)
def test_a_file_that_was_just_changed_is_not_noted(age: int, *, is_noted: bool) -> None:
    """Another change in the same tick, or under a clock that went back, could have its time."""
    mark, changed = Mark("", 1, 10, 0), time.time_ns() - age
    mark.note(2**63 + 5, changed)
    assert (mark.changed == changed) == is_noted
    assert mark.inode == (5 if is_noted else 0)
