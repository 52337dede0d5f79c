"""Lanes that cannot be used: writers skip them, and readers name them."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal import Journal, LeaseError, ReadError
from journal.cli import cli
from journal.fs.directory import open_directory
from journal.segments.listing import list_segments
from journal.segments.segment import segment_name
from journal.status import read_status
from journal.verify import verify
from tests.support.journals import ids, lane_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import ExpectedProblems


def _lane(journal: Journal) -> str:
    assert journal._lane is not None
    return journal._lane.path.name


def _append(path: Path, id: str) -> str:
    """Append one event, and return the name of the lane folder that it is in."""
    with Journal.open(path) as journal:
        journal.append_message("s", "user", "hello", id=id)
        return _lane(journal)


def _a_file(lane: Path) -> None:
    lane.touch()


def _a_link(lane: Path) -> None:
    lane.symlink_to(lane.parent.parent)


def _a_broken_link(lane: Path) -> None:
    lane.symlink_to("nowhere")


def _a_folder_as_lock(lane: Path) -> None:
    (lane / "lock").mkdir(parents=True)


def _a_pipe_as_lock(lane: Path) -> None:
    lane.mkdir()
    os.mkfifo(lane / "lock")


def _a_link_as_lock(lane: Path) -> None:
    lane.mkdir()
    (lane / "lock").symlink_to("elsewhere")


@pytest.mark.parametrize(
    "make",
    [_a_file, _a_link, _a_broken_link, _a_folder_as_lock, _a_pipe_as_lock, _a_link_as_lock],
)
def test_a_file_in_place_of_a_lane_folder_is_skipped(
    journal_dir: Path, make: Callable[[Path], None], expect_problems: ExpectedProblems
) -> None:
    """Anything else in place of a lane folder is skipped, and `verify` reports it."""
    (journal_dir / "lanes").mkdir(parents=True)
    make(journal_dir / "lanes/1")
    assert _append(journal_dir, "m1") == _append(journal_dir, "m2") == "2"
    assert not (journal_dir / "lanes/nowhere").exists()
    assert not (journal_dir / "lanes/1/elsewhere").exists()
    expect_problems("foreign")


def _refuse(monkeypatch: pytest.MonkeyPatch, name: str, bad: Path, code: int) -> None:
    """Let a function of `os` fail for a path and everything below it."""
    real = getattr(os, name)

    def refuse(path: str | Path, *arguments: object, **named: object) -> object:
        if isinstance(path, (str, os.PathLike)) and str(path).startswith(str(bad)):
            raise OSError(code, os.strerror(code), str(path))
        return real(path, *arguments, **named)

    monkeypatch.setattr(os, name, refuse)


def test_a_lane_of_another_user_is_skipped(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer skips a lane whose lock file it may not open."""
    assert _append(journal_dir, "m1") == "1"
    with monkeypatch.context() as patch:
        _refuse(patch, "open", journal_dir / "lanes/1", errno.EACCES)
        assert _append(journal_dir, "m2") == "2"
    assert ids(journal_dir) == ["m1", "m2"]


def test_a_lane_with_a_segment_of_another_user_is_skipped(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer skips a lane whose end it cannot read."""
    assert _append(journal_dir, "m1") == "1"
    with monkeypatch.context() as patch:
        _refuse(patch, "open", journal_dir / "lanes/1" / segment_name(1), errno.EACCES)
        assert _append(journal_dir, "m2") == "2"
    assert _append(journal_dir, "m3") == "1"  # and it did not stay locked


def test_a_read_only_segment_is_not_continued(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lane continues in its next segment."""
    assert _append(journal_dir, "m1") == "1"
    real = os.open

    def refuse(path: str | Path, flags: int, mode: int = 0o777) -> int:
        if str(path).endswith("lanes/1/" + segment_name(1)) and flags & os.O_WRONLY:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, mode)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        assert _append(journal_dir, "m2") == "1"
    assert (journal_dir / "lanes/1" / segment_name(2)).exists()
    assert ids(journal_dir) == ["m1", "m2"]


@pytest.mark.parametrize("code", [errno.EMFILE, errno.EIO, errno.EROFS])
def test_a_general_error_creates_no_lanes(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Without free descriptors, the error is raised and no further lane is created."""
    _append(journal_dir, "m1")
    with monkeypatch.context() as patch:
        _refuse(patch, "open", journal_dir / "lanes/1", code)
        with pytest.raises(LeaseError, match=f"cannot lease lane .*/1: {os.strerror(code)}"):
            Journal.open(journal_dir)
    assert lane_names(journal_dir) == ["1"]


def test_an_error_of_the_folder_of_lanes_is_raised(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If no lane folder can be created, the error is raised."""
    _append(journal_dir, "m1")
    with Journal.open(journal_dir), monkeypatch.context() as patch:
        _refuse(patch, "mkdir", journal_dir / "lanes/2", errno.EACCES)
        with pytest.raises(LeaseError, match="lanes/2: Permission denied; a journal belongs"):
            Journal.open(journal_dir)


def test_a_file_system_without_permissions_gets_one_lane(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the permissions of a new lane cannot be set, the search ends after that lane."""
    _append(journal_dir, "m1")
    with Journal.open(journal_dir), monkeypatch.context() as patch:
        _refuse(patch, "chmod", journal_dir / "lanes/2", errno.EPERM)
        with pytest.raises(LeaseError, match=r"cannot lease lane .*/2: Operation not permitted"):
            Journal.open(journal_dir)
        assert lane_names(journal_dir) == ["1", "2"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, _a_link])
def test_something_else_in_place_of_a_segment_is_skipped(
    journal_dir: Path, make: Callable[[Path], None], expect_problems: ExpectedProblems
) -> None:
    """A pipe, a folder or a link uses its number; no program waits for it, and no event is lost."""
    _append(journal_dir, "m1")
    make(journal_dir / "lanes/1" / segment_name(2))
    assert _append(journal_dir, "m2") == _append(journal_dir, "m3") == "1"
    assert ids(journal_dir) == ["m1", "m2", "m3"]
    assert (journal_dir / "lanes/1" / segment_name(3)).is_file()
    expect_problems("foreign")


def test_a_lane_without_free_numbers_is_skipped(journal_dir: Path) -> None:
    """A lane whose last segment has the highest possible number has no next one."""
    _append(journal_dir, "m1")
    last = journal_dir / "lanes/1" / segment_name(10**12 - 1)
    last.write_bytes(b"\n")
    assert _append(journal_dir, "m2") == "2"
    last.unlink()


def test_a_number_that_is_too_large_names_no_segment(
    journal_dir: Path, expect_problems: ExpectedProblems
) -> None:
    """A file whose name has 23 digits is reported, and stops neither reader nor writer."""
    _append(journal_dir, "m1")
    (journal_dir / "lanes/1" / f"{'9' * 23}.jsonl").touch()
    assert _append(journal_dir, "m2") == "1"
    assert ids(journal_dir) == ["m1", "m2"]
    expect_problems("foreign")


# readers


def test_readers_name_a_lane_that_cannot_be_listed(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lane that cannot be listed ends the read with an error that names it and what to do."""
    with Journal.open(journal_dir) as one:
        one.append_message("s", "user", "hello", id="m1")
        _append(journal_dir, "m2")
    lane = journal_dir / "lanes/2"
    with monkeypatch.context() as patch:
        _refuse(patch, "scandir", lane, errno.EACCES)
        message = f"cannot list lane {lane}: Permission denied; .*chown"
        with pytest.raises(ReadError, match=message):
            list_segments(journal_dir / "lanes")
        with pytest.raises(ReadError, match=message):
            read_status(open_directory(journal_dir, create=False))


def test_verify_continues_after_a_lane_that_cannot_be_listed(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one problem with the name of the lane, and all other lanes are checked."""
    with Journal.open(journal_dir) as one:
        one.append_message("s", "user", "hello", id="m1")
        _append(journal_dir, "m2")
    with monkeypatch.context() as patch:
        _refuse(patch, "scandir", journal_dir / "lanes/2", errno.EACCES)
        report = verify(journal_dir / "lanes")
        result = CliRunner().invoke(cli, ["--journal", str(journal_dir), "verify"])
    (problem,) = report.problems
    assert (problem.kind, problem.lane, problem.segment) == ("unreadable", "2", None)
    assert (report.lanes, report.events) == (2, 1)
    assert result.exit_code == 5
    assert result.stdout.startswith("unreadable: lane 2: cannot list lane ")
    assert result.stdout.endswith("bytes: 1 problem\n")
