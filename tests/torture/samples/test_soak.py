"""A sample of the soak."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.torture.steps import soak

if TYPE_CHECKING:
    from pathlib import Path


def test_a_few_seconds_of_everything_together_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Writers, projectors, readers, rebuilds and kills: all is there once, and nobody complains."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = soak.main(["--sample", "--seed", "5"])
    said = capsys.readouterr().out
    assert code == 0, said
    assert "soak: seed 5" in said
    assert "acknowledged=0" not in said


def test_descriptors_and_memory_are_compared_by_thirds(tmp_path: Path) -> None:
    """What grows is seen to grow, and what only comes and goes is not."""
    program = soak.Program("leaky", [], tmp_path, killable=False)
    program.samples = [soak.Sample(n, 10 + n // 2 + n % 3, 1000 + n) for n in range(100)]
    files, before, after = program.growth()
    assert (files, before, after) == (33, 1016, 1083)
    program.samples = [soak.Sample(n, 10 + n % 3, 1000 + n % 7) for n in range(100)]
    files, before, after = program.growth()
    assert (files, before, after) == (0, 1003, 1003)


def test_a_program_that_ends_by_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    """A reader that got an error ends the soak, and the error is shown."""
    argv = [sys.executable, "-c", "raise ValueError('database is locked')"]
    program = soak.Program("reader7", argv, tmp_path, killable=False)
    program.start()
    assert program.process is not None
    program.process.wait()
    with pytest.raises(soak.Failed, match=r"reader7 ended by itself with 1: [\s\S]* is locked"):
        program.check()
