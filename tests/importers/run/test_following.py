"""Following files: idle files cost almost nothing, and a rename loses nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from journal.importers.files.walk import moved
from journal.importers.run import following
from journal.importers.run.driver import Importer
from journal.importers.run.following import follow
from journal.writer import Journal
from tests.importers.feed import journal_events, line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.errors import JournalError
    from journal.importers.run.report import Report


def message_line(number: int) -> bytes:
    """Return a line of one session."""
    message = {"role": "user", "content": f"x{number}"}
    return line(type="user", uuid=f"u{number}", sessionId="s1", message=message) + b"\n"


def add(path: Path, raw: bytes) -> None:
    """Append to a file."""
    with path.open("ab") as file:
        file.write(raw)


def watch(
    journal: Path,
    box: Path,
    *actions: Callable[[], Any],
    failed: Callable[[JournalError], None] = lambda _error: None,
) -> Report:
    """Follow a folder; before each check of the files, the next action runs."""
    steps: Iterator[Callable[[], Any]] = iter(actions)

    def wait(seconds: float) -> bool:
        if not seconds:
            return False
        step = next(steps, None)
        if step is not None:
            step()
        return step is None

    with Journal.open(journal, fsync="never") as handle:
        return follow(Importer(handle, "auto"), [box], wait, failed=failed)


def texts(journal: Path) -> list[str]:
    """Return the contents of all messages, in the order of events."""
    return [data["content"] for *_, data in journal_events(journal) if "content" in data]


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder for sources; the journal goes beside it."""
    folder = tmp_path / "box"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", ["b.jsonl", "a.jsonl.1", "below/a.jsonl", "below/kept"])
def test_a_file_that_was_renamed_is_read_to_its_end(box: Path, tmp_path: Path, name: str) -> None:
    """Its last lines are imported under any name, and so are lines that are added there."""
    (box / "below").mkdir()
    old, new = box / "a.jsonl", box / name
    add(old, message_line(1))

    def rename() -> None:
        add(old, message_line(2))
        old.rename(new)

    watch(tmp_path / "j", box, rename, lambda: add(new, message_line(3)), lambda: None)
    assert texts(tmp_path / "j") == ["x1", "x2", "x3"]


def test_a_rotated_file_is_read_to_its_end(box: Path, tmp_path: Path) -> None:
    """Another file has its name at the next check; both are read."""
    old = box / "a.jsonl"
    add(old, message_line(1))

    def rotate() -> None:
        add(old, message_line(2))
        old.rename(box / "a.jsonl.1")
        add(old, message_line(3))

    watch(tmp_path / "j", box, rotate, lambda: None)
    assert sorted(texts(tmp_path / "j")) == ["x1", "x2", "x3"]


def test_a_renamed_file_is_found_again_when_its_state_was_dropped(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """State is kept in memory for a few files only; the ledger has the offsets of the others."""
    monkeypatch.setattr(following, "_TAILS", 1)
    talk = {"role": "user", "content": "one"}  # known by its path only
    old = box / "a.jsonl"
    add(old, line(**talk) + b"\n")
    for number in range(3):
        add(box / f"b{number}.jsonl", message_line(number))

    def rename() -> None:
        add(old, line(**{**talk, "content": "two"}) + b"\n")
        old.rename(box / "a.old")

    watch(tmp_path / "j", box, rename, lambda: None)
    found = [event for event in journal_events(tmp_path / "j") if event[3].get("role") == "user"]
    assert [data["content"] for *_, data in found].count("two") == 1
    assert len({session for session, *_ in found}) == 2


def test_a_line_without_newline_is_imported_at_the_end_without_state(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When following ends, a complete last line without a newline is imported."""
    monkeypatch.setattr(following, "_TAILS", 1)
    add(box / "a.jsonl", message_line(1) + message_line(2)[:-1])
    for number in range(3, 6):
        add(box / f"b{number}.jsonl", message_line(number))
    watch(tmp_path / "j", box, lambda: None)
    assert sorted(texts(tmp_path / "j")) == ["x1", "x2", "x3", "x4", "x5"]


def test_idle_files_are_checked_less_often_the_more_there_are(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checks of all files take a bounded share of a processor's time."""
    looks: list[int] = []
    look = following.Following._check

    def counted(self: following.Following, reals: Any) -> None:  # noqa: ANN401 - passed on
        reals = list(reals)
        looks.append(len(reals))
        look(self, reals)

    clock, share = iter(range(10**6)), 400
    monkeypatch.setattr(following, "_SHARE", share)
    monkeypatch.setattr(following.Following, "_check", counted)
    # each check of all files and each walk takes a hundredth of a second
    monkeypatch.setattr(time, "thread_time", lambda: next(clock) / 100)
    for number in range(20):
        add(box / f"{number}.jsonl", message_line(number))
    watch(tmp_path / "j", box, *[lambda: None] * 64)
    whole = sum(count == 20 for count in looks)
    assert 2 <= whole <= 65 / (0.01 * share / following.POLL) + 1


@pytest.mark.slow
def test_a_notified_change_is_read_at_once(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notification names the changed file, so it is read without a check of all files."""
    clock = iter(range(10**6))
    monkeypatch.setattr(time, "thread_time", lambda: next(clock) * 1000)
    source = box / "a.jsonl"
    add(source, message_line(1))

    def nap() -> None:
        time.sleep(0.2)

    def new() -> None:
        (box / "sub").mkdir()
        add(box / "sub" / "b.jsonl", message_line(3))

    report = watch(
        tmp_path / "j", box, lambda: add(source, message_line(2)), nap, nap, new, nap, nap, nap
    )
    assert (report.messages, report.files) == (3, 2)


def test_a_folder_behind_a_link_is_followed(box: Path, tmp_path: Path) -> None:
    """The folder of a project may be a link to another place."""
    real = tmp_path / "elsewhere"
    real.mkdir()
    add(real / "a.jsonl", message_line(1))
    (box / "linked").symlink_to(real)
    watch(tmp_path / "j", box, lambda: add(real / "a.jsonl", message_line(2)), lambda: None)
    assert texts(tmp_path / "j") == ["x1", "x2"]


def test_files_are_found_by_their_inodes(box: Path) -> None:
    """A file is recognised under any name, and a cycle of links ends."""
    add(box / "a", b"x")
    (box / "ring").symlink_to(box)
    inode = (box / "a").stat().st_ino
    assert moved([box], {inode, 1}) == {inode: box / "a"}
