"""Every kind of damage, at places chosen by seed, and what the projector applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import journal.format.scan
from journal.segments.segment import open_segment
from projector.run.projector import Projector
from tests.support.damage.damages import KINDS
from tests.support.projections import (
    catch_up,
    counters,
    facts,
    header,
    line,
    message,
    scratch,
    write_lane,
    write_segment,
)
from tests.torture.steps import damage

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path


def test_a_sample_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Several damages at once, before and after projecting, and with real lines of 16 MiB."""
    assert damage.main(["--sample"]) == 0
    printed = capsys.readouterr().out
    assert "damage: seeds 0 to 79: " in printed
    assert "0 seeds failed" in printed


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_damage_loses_only_the_damaged_records(kind: str) -> None:
    """All records around the damage are applied, and the damage is reported with its place."""
    done = damage.run(range(5), kind)
    assert done.failed == {}
    assert done.kinds[kind] == 5


def test_a_search_that_misses_records_is_detected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the search in damaged bytes, seeds fail, and the report says how to repeat them."""
    monkeypatch.setattr(journal.format.scan, "_TRIES", 0)
    monkeypatch.setattr(journal.format.scan, "_PATIENCE", 0)
    assert damage.main(["--seeds", "40", "--kind", "changed line ends"]) == 1
    printed = capsys.readouterr().out
    assert "Lost: whole and not applied" in printed
    assert "again: python -m tests.torture.steps.damage --seed " in printed


FIRST, SECOND, THIRD = facts(message("m1", "a"), message("m2", "b"), message("m3", "c"))


@pytest.mark.parametrize("is_new", [False, True], ids=["the same projector", "a new projector"])
def test_an_emptied_segment_does_not_block_its_lane(tmp_path: Path, *, is_new: bool) -> None:
    """Events that are appended after a segment that lost everything are applied."""
    lanes = tmp_path / "lanes"
    path = write_lane(lanes, "1", [FIRST, SECOND])
    with scratch(tmp_path / "1.db") as db:
        running = Projector(db, lanes)
        running.catch_up()
        path.write_bytes(b"")
        write_segment(lanes, "1", 2, header("L1", 2, seq=3) + line(THIRD))
        (Projector(db, lanes) if is_new else running).catch_up()
        assert counters(db)["events"] == 3


def test_a_replaced_segment_is_read_again_although_the_first_try_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the disk is full during the read of a replaced segment, the next run reads it again."""
    lanes = tmp_path / "lanes"
    path = write_lane(lanes, "1", [FIRST, SECOND])
    with scratch(tmp_path / "1.db") as db:
        # transactions can be rolled back only with a rollback journal
        db.pragma("journal_mode", "memory")
        catch_up(db, lanes)
        size = path.stat().st_size
        other = write_segment(lanes, "9", 1, header("L1") + line(THIRD))
        other.rename(path)
        assert path.stat().st_size < size
        path.write_bytes(path.read_bytes().ljust(size - 1, b" ") + b"\n")
        running = Projector(db, lanes)
        with monkeypatch.context() as patch:
            patch.setattr("projector.run.ingest.Intake.save", _refuse)
            with pytest.raises(OSError, match="No space"):
                running.catch_up()
        running.catch_up()
        assert counters(db)["events"] == 3


@pytest.mark.parametrize("number", [1, 2], ids=["a final segment", "the active segment"])
def test_a_segment_replaced_by_one_of_its_size_is_read_again(tmp_path: Path, number: int) -> None:
    """A running projector notices it at its next check, although no size has changed."""
    lanes = tmp_path / "lanes"
    paths = [
        write_segment(lanes, "1", k, header("L1", k, seq=k) + line(fact))
        for k, fact in enumerate((FIRST, SECOND), 1)
    ]
    with scratch(tmp_path / "1.db") as db:
        running = Projector(db, lanes)
        running.catch_up()
        assert not running.catch_up().events
        path = paths[number - 1]
        other = tmp_path / "other"
        other.write_bytes(header("L1", number, seq=number) + line(THIRD))
        assert other.stat().st_size == path.stat().st_size
        other.replace(path)
        assert running.catch_up().events == 1
        assert counters(db)["events"] == 3
        assert counters(db)["reread"] == 1


def test_a_check_of_idle_lanes_opens_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check of unchanged lanes is one listing, so it can be repeated every second."""
    lanes = tmp_path / "lanes"
    path = write_lane(lanes, "1", [FIRST, SECOND])
    opened: list[Path] = []

    def open_and_note(path: Path) -> FileIO:
        opened.append(path)
        return open_segment(path)

    with scratch(tmp_path / "1.db") as db:
        running = Projector(db, lanes)
        running.catch_up()
        running.catch_up()
        monkeypatch.setattr("projector.run.open_segments.open_segment", open_and_note)
        running.catch_up()
        assert opened == []
        path.chmod(0o400)  # a change of something else than the bytes: the open file is read
        running.catch_up()
        running.catch_up()
        assert opened == []


def _refuse(*_: object) -> None:
    raise OSError(28, "No space left on device")
