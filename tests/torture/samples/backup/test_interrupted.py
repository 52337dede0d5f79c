"""A sample of the step that interrupts backups, and faults that it detects."""

from __future__ import annotations

import re

import pytest

from journal.backup.copier import sweep
from tests.torture.steps.backup import interrupted


def test_an_interrupted_backup_is_the_old_or_the_new_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After a kill, a power loss or a full disk the backup is complete; the next try ends it."""
    assert interrupted.main(["--sample", "--seed", "3"]) == 0, capsys.readouterr().out
    count = re.search(r"([\d,]+) distinct disks", capsys.readouterr().out)
    assert count is not None
    assert int(count[1].replace(",", "")) >= 60


@pytest.mark.parametrize("lie", ["files", "folders"])
def test_a_disk_that_does_not_sync_is_detected(
    capsys: pytest.CaptureFixture[str], lie: str
) -> None:
    """The step fails if one kind of sync is left out."""
    assert interrupted.main(["--sample", "--lie", lie]) == 1
    printed = capsys.readouterr().out
    assert "lost after step" in printed
    assert "again: python -m tests.torture.steps.backup.interrupted --seed 0" in printed


def test_copies_that_are_removed_too_early_are_detected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A backup that removes copies before its new manifest is durable loses the previous one."""
    monkeypatch.setattr("journal.backup.make.sweep", lambda lanes, _wanted: sweep(lanes, ()))
    assert interrupted.main(["--sample"]) == 1
    assert "is missing" in capsys.readouterr().out
