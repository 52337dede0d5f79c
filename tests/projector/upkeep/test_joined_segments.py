"""What a projector makes of segments that compaction has joined."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

import pytest

from journal import Journal, compact
from journal.erasure.eraser import erase
from journal.erasure.files import joining
from journal.fs.directory import open_directory
from journal.verify import verify as verify_lanes
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.projection import Projection
from projector.store.session_store import SessionStore
from projector.upkeep.verify import verify
from tests.support.erasing import named
from tests.support.journals import segments
from tests.support.projections import counters, projector

if TYPE_CHECKING:
    from pathlib import Path


def fill(path: Path, *numbers: int) -> None:
    """Append messages, each in a segment of its own."""
    with pytest.MonkeyPatch.context() as patch, Journal.open(path) as handle:
        patch.setattr("journal.lanes.writer.ROLL_SIZE", 1)
        for number in numbers:
            handle.append_message("s", "user", f"hello {number}", id=f"m{number}")


def counted(path: Path) -> dict[str, int]:
    """Catch up, and return the counters."""
    with projector(path) as running:
        running.catch_up()
        return counters(running._db)


@pytest.mark.parametrize("grace", [0.0, 3600.0])
@pytest.mark.parametrize("applied", [0, 3, 9])
@pytest.mark.slow
def test_each_event_is_applied_once(
    journal_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    grace: float,
    applied: int,
) -> None:
    """Whatever was applied before: nothing counts as a duplicate, and no segment as gone."""
    monkeypatch.setattr(joining, "GRACE", grace)
    fill(journal_dir, *range(applied))
    if applied:
        counted(journal_dir)
    fill(journal_dir, *range(applied, 9))
    before = len(segments(journal_dir))
    assert compact(journal_dir).joined == before - 1
    fill(journal_dir, 9)
    with caplog.at_level(logging.WARNING, "projector"):
        found = counted(journal_dir)
        monkeypatch.setattr(joining, "GRACE", 0.0)
        compact(journal_dir)
        again = counted(journal_dir)
    assert (found["events"], found["duplicates"], found["reread"]) == (10, 0, 0)
    assert again == found | {"latest": again["latest"]}
    assert not caplog.records
    assert not verify(open_directory(journal_dir))


def test_joined_and_then_rewritten(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment may be joined, erased from and joined again before a projector sees it."""
    monkeypatch.setattr(joining, "GRACE", 0.0)
    fill(journal_dir, *range(6))
    counted(journal_dir)
    compact(journal_dir)
    erase(open_directory(journal_dir), named(), patience=0)
    fill(journal_dir, 6, 7)
    compact(journal_dir)
    found = counted(journal_dir)
    assert (found["events"], found["duplicates"]) == (8, 0)


@pytest.mark.slow
def test_the_digest_stays(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, while the files stay, afterwards, and in a rebuild."""
    fill(journal_dir, *range(6))
    with Projection.open(journal_dir) as projection:
        wanted = projection.digest()
        for grace in (3600.0, 0.0):
            monkeypatch.setattr(joining, "GRACE", grace)
            compact(journal_dir)
            assert projection.digest() == wanted
            projection.rebuild()
            assert projection.digest() == wanted


def test_a_store_flushes_and_reads_on(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handle that has read the lanes goes on behind joined segments, and adds nothing twice."""
    monkeypatch.setattr(joining, "GRACE", 0.0)
    talk = [{"role": "user", "content": f"said {number}"} for number in range(4)]
    with SessionStore.open(journal_dir) as store, Journal.open(journal_dir) as other:
        store.flush("s", talk)
        fill(journal_dir, *range(6))
        other.append_message("s", "user", "in between", id="between")
        store.flush("s", talk)
        compact(journal_dir)
        talk.append({"role": "user", "content": "said last"})
        report = store.flush("s", talk)
        assert len(report.added) == 1
        assert [m.content for m in store.messages("s")].count("said 1") == 1
        store.clear("s")
        assert store.messages("s") == []


def test_an_old_copy_of_a_lane_is_rewritten_without_a_warning(
    journal_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It was passed over, since the rewritten original supersedes it; then it is rewritten, too."""
    fill(journal_dir, *range(3))
    shutil.copytree(journal_dir / "lanes/1", journal_dir.parent / "copy")
    directory = open_directory(journal_dir)
    counted(journal_dir)
    forget(journal_dir, Selection(messages=(("s", "m1"),)))
    counted(journal_dir)
    shutil.copytree(journal_dir.parent / "copy", journal_dir / "lanes/7")
    with caplog.at_level(logging.WARNING, "projector"):
        counted(journal_dir)
        finish_forgetting(journal_dir)
        assert counted(journal_dir)["reread"] == 0
    assert not caplog.records
    assert not verify(directory)
    report = verify_lanes(directory.lanes)
    assert report.problems == ()
    assert {note.kind for note in report.notes} == {"copy"}
