"""Sessions whose source has vanished are marked, and the mark is cleared when they are back."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from journal.cli import cli
from journal.erasure.hashes import session_hash
from journal.format.event_types import ERASURE_REQUESTED, FORGET, SESSION_DELETED, SESSION_REVISED
from journal.fs.key_file import own_key
from journal.importers.registry import installed
from journal.importers.run import following
from journal.importers.run.driver import Importer
from journal.importers.run.ledger import Ledger
from journal.writer import Journal
from projector import Projection
from projector.views.session_filters import SessionFilters
from projector.views.sessions import sessions
from tests.importers.feed import journal_events
from tests.importers.source_lines import claude, write
from tests.importers.sqlite.programs import Opencode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.importers.run.report import Report


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder with the transcripts of two sessions, each in the folder of a project."""
    for name in ("one", "two"):
        write(tmp_path / "box" / f"project-{name}" / f"{name}.jsonl", [_line(name)])
    return tmp_path / "box"


def _line(session: str, uuid: str = "") -> dict[str, Any]:
    return claude(uuid or f"u-{session}", None, f"hello {session}", 1, sessionId=session)


def take(journal: Path, *paths: Path, format: str = "auto") -> Report:
    """Import once."""
    with Journal.open(journal, fsync="never") as handle:
        importer = Importer(handle, format)
        return importer.run(importer.sources(paths))


def gone(journal: Path) -> set[str]:
    """Return the sessions that are marked."""
    with Projection.open(journal) as projection:
        return {view.session for view in projection.read(_gone)[0]}


def _gone(db: Any) -> list[Any]:  # noqa: ANN401 - a connection
    return sessions(db, SessionFilters(gone=True), limit=100)


def marks(journal: Path) -> list[str]:
    """Return the sessions of the events that set or clear a mark, in order."""
    return [session for session, _, type, _ in journal_events(journal) if type == SESSION_REVISED]


def test_an_import_that_only_marks_succeeds_and_names_what_it_marked(
    journal_dir: Path, box: Path
) -> None:
    """The last transcripts of a folder have vanished: that is no import of nothing."""
    arguments = ["--journal", str(journal_dir), "import", "auto", str(box)]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    for file in box.rglob("*.jsonl"):
        file.unlink()
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.stderr
    assert "sessions whose source has vanished  2" in result.stderr
    for session in ("one", "two"):
        assert f"gone: {session}: only the journal has it\n" in result.stderr
    assert "Nothing was imported" not in result.stderr
    assert CliRunner().invoke(cli, arguments).exit_code == 3


def test_a_session_is_marked_when_its_file_has_vanished(journal_dir: Path, box: Path) -> None:
    """It stays whole in the journal; the next import appends no second mark."""
    take(journal_dir, box)
    (box / "project-one" / "one.jsonl").unlink()
    report = take(journal_dir, box)
    assert (report.gone, report.messages, report.errors) == (1, 0, {})
    assert gone(journal_dir) == {"one"}
    with Projection.open(journal_dir) as projection:
        assert [message.content for message in projection.messages("one")] == ["hello one"]
        assert projection.session("one").gone is not None
        assert projection.session("two").gone is None
    assert take(journal_dir, box).gone == 0
    assert marks(journal_dir) == ["one"]


def test_a_session_whose_file_is_back_is_not_marked(journal_dir: Path, box: Path) -> None:
    """It can come and go any number of times, also if the hints are lost in between."""
    file, kept = box / "project-one" / "one.jsonl", box.with_name("kept")
    take(journal_dir, box)
    for turn in range(2):
        file.rename(kept)
        assert take(journal_dir, box).gone == 1
        assert gone(journal_dir) == {"one"}
        kept.rename(file)
        if turn:
            shutil.rmtree(journal_dir / "imports")
        report = take(journal_dir, box)
        assert (report.returned, report.conflicts) == (1, 0)
        assert gone(journal_dir) == set()
    assert take(journal_dir, box).returned == 0
    assert len(marks(journal_dir)) == 4


def test_a_folder_that_was_moved_loses_no_session(journal_dir: Path, box: Path) -> None:
    """Its sessions are found in the new place, in the same import or before."""
    take(journal_dir, box)
    (box / "project-one").rename(box / "renamed")
    assert take(journal_dir, box).gone == 0
    shutil.copytree(box / "renamed", box.with_name("copy"))
    take(journal_dir, box.with_name("copy"))
    shutil.rmtree(box / "renamed")
    report = take(journal_dir, box)
    assert (report.gone, report.messages) == (0, 0)
    (box.with_name("copy") / "one.jsonl").unlink()
    assert take(journal_dir, box.with_name("copy")).gone == 1


def test_only_the_folders_of_the_import_are_compared(journal_dir: Path, box: Path) -> None:
    """A file elsewhere may be on a disk that is not there; other kinds of files are there."""
    take(journal_dir, box)
    (box / "project-one" / "one.jsonl").unlink()
    assert take(journal_dir, box / "project-two").gone == 0
    take(journal_dir, box / "project-two" / "two.jsonl")
    take(journal_dir, box / "project-two", format="hermes")
    assert gone(journal_dir) == set()


def test_a_folder_that_cannot_be_read_marks_nothing(
    journal_dir: Path, box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is reported, and its sessions stay as they were."""
    take(journal_dir, box)

    def refuse(folder: Path) -> Iterator[Any]:
        if folder.name == "project-one":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    scandir: Callable[[Path], Iterator[Any]] = os.scandir
    monkeypatch.setattr("journal.importers.files.walk.os.scandir", refuse)
    report = take(journal_dir, box)
    assert len(report.errors) == 1
    assert report.gone == 0
    assert marks(journal_dir) == []


def test_a_conversation_that_its_database_has_no_more_is_marked(
    journal_dir: Path, tmp_path: Path
) -> None:
    """A session that the program deleted is marked, and so are all when the file vanishes."""
    (tmp_path / "data").mkdir()
    program = Opencode(tmp_path / "data" / "opencode.db")
    with closing(program.db):
        for number in (1, 2):
            program.session(f"ses_{number}")
            program.says(number, "hello", f"ses_{number}")
        take(journal_dir, tmp_path / "data")
        program.db.execute("DELETE FROM part WHERE session_id = 'ses_1'")
        program.db.execute("DELETE FROM message WHERE session_id = 'ses_1'")
        program.db.execute("DELETE FROM session WHERE id = 'ses_1'")
        assert take(journal_dir, tmp_path / "data").gone == 1
        assert gone(journal_dir) == {"ses_1"}
        program.session("ses_1")
        program.says(1, "hello", "ses_1")
        assert take(journal_dir, tmp_path / "data").returned == 1
    for file in (tmp_path / "data").iterdir():
        file.unlink()
    assert take(journal_dir, tmp_path / "data").gone == 2
    assert gone(journal_dir) == {"ses_1", "ses_2"}


def test_a_mark_does_not_bring_a_deleted_session_back(journal_dir: Path, box: Path) -> None:
    """A session that was deleted in the journal stays deleted when its source vanishes."""
    take(journal_dir, box)
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append(session="one", type=SESSION_DELETED, data={})
    (box / "project-one" / "one.jsonl").unlink()
    assert take(journal_dir, box).gone == 1
    with Projection.open(journal_dir) as projection:
        assert [view.session for view in projection.sessions()] == ["two"]


def test_a_forgotten_session_is_not_named_again(journal_dir: Path, box: Path) -> None:
    """Neither the ledger nor a mark names it, whether its source is read again or vanishes."""
    take(journal_dir, box)
    with Journal.open(journal_dir, fsync="never") as journal:
        key = own_key(journal_dir)
        request = {"key": key.id, "sessions": [session_hash(key, "one")]}
        journal.append(session=FORGET, type=ERASURE_REQUESTED, data=request)
    ledger = Ledger(journal_dir / "imports")
    ledger.prune(installed().formats, lambda session: session == "one")
    assert _named(ledger) == {"two"}
    write(box / "project-one" / "one.jsonl", [_line("one"), _line("one", "u-more")])
    assert take(journal_dir, box).forgotten > 0
    assert _named(ledger) == {"two"}
    shutil.rmtree(box / "project-one")
    assert take(journal_dir, box).gone == 0
    assert marks(journal_dir) == []


def _named(ledger: Ledger) -> set[str]:
    found = map(ledger.entry, ledger.names())
    return {id for entry in found if entry is not None for id in entry.session_ids}


def test_following_marks_what_vanishes(journal_dir: Path, box: Path) -> None:
    """A file that is deleted is marked at the next walk; one that is renamed is not."""

    def change() -> None:
        (box / "project-one" / "one.jsonl").unlink()
        (box / "project-two" / "two.jsonl").rename(box / "two.jsonl")

    steps: Iterator[Callable[[], None] | None] = iter([None, change, *[None] * 12])
    left = 14

    def wait(seconds: float) -> bool:
        if not seconds:
            return False
        nonlocal left
        left -= 1
        if (step := next(steps, None)) is not None:
            step()
        return left < 0

    with Journal.open(journal_dir, fsync="never") as journal:
        report = following.follow(Importer(journal, "auto"), [box], wait)
    assert report.gone == 1
    assert gone(journal_dir) == {"one"}


def test_an_entry_of_an_earlier_version_is_completed(journal_dir: Path, box: Path) -> None:
    """Its source is read once more, which appends nothing; then its sessions are known."""
    take(journal_dir, box)
    folder = journal_dir / "imports"
    for file in folder.glob("*.json"):
        text = file.read_text("utf-8")
        file.write_text(text[: text.index(',"folders"')] + "}\n", encoding="utf-8")
    assert _named(Ledger(folder)) == set()
    assert take(journal_dir, box).messages == 0
    assert _named(Ledger(folder)) == {"one", "two"}
