"""A sample of the step that removes segments under readers, and what it detects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal.segments import gone
from tests.torture.steps.erasure import removed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_no_reader_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever reads a journal gets all of it while files of joined segments are removed."""
    assert removed.main(["--sample", "--seed", "1"]) == 0, capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["poll", "verify", "status", "requests"])
def test_a_reader_that_lists_only_once_is_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    """A reader that does not list the segments again fails at one of the moments."""
    monkeypatch.setattr(gone, "_MOST", 0)
    removed.fill(tmp_path / "template")
    found = (removed.trouble(tmp_path / "template", reader, at)[0] for at in range(12))
    assert any(wrong and "No such file or directory" in wrong for wrong in found)
