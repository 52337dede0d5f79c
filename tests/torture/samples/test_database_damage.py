"""A sample of damages of the database, and a sabotage that the step detects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from projector.db import connections
from tests.torture.steps import database_damage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the step make its files in the test's folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_some_damages_are_answered_by_a_rebuild(capsys: pytest.CaptureFixture[str]) -> None:
    """Each answer is that of the undamaged projection, for every kind of damage."""
    code = database_damage.main(["--damages", "25", "--seed", "5"])
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert "seed 5: 25 damages" in printed


def test_without_checksums_the_step_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SQLite alone does not notice a changed text, and the step reports that."""
    monkeypatch.setattr(connections, "vfs", lambda: None)
    assert database_damage.main(["--damages", "40", "--seed", "1"]) == 1
    assert "is another" in capsys.readouterr().out
