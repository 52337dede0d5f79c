"""A sample of the step that interrupts backups, and that it catches a sync that is left out."""

from __future__ import annotations

import re

import pytest

from journal.backup.copier import sweep
from tests.torture.steps.backup import interrupted


def test_an_interrupted_backup_leaves_the_old_or_the_new_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Killed, without power or on a full disk: what is there is whole, and the next try ends it."""
    assert interrupted.main(["--sample", "--seed", "3"]) == 0, capsys.readouterr().out
    count = re.search(r"([\d,]+) distinct disks", capsys.readouterr().out)
    assert count is not None
    assert int(count[1].replace(",", "")) >= 60


@pytest.mark.parametrize("lie", ["files", "folders"])
def test_a_disk_that_does_not_sync_is_caught(capsys: pytest.CaptureFixture[str], lie: str) -> None:
    """The step would notice if one kind of sync were left out: it can fail."""
    assert interrupted.main(["--sample", "--lie", lie]) == 1
    printed = capsys.readouterr().out
    assert "lost after step" in printed
    assert "again: python -m tests.torture.steps.backup.interrupted --seed 0" in printed


def test_copies_that_go_before_the_new_manifest_are_caught(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A backup that removes what it does not need, too early, loses the one from before."""
    monkeypatch.setattr("journal.backup.make.sweep", lambda lanes, _wanted: sweep(lanes, ()))
    assert interrupted.main(["--sample"]) == 1
    assert "is missing" in capsys.readouterr().out
