"""A sample of random forks, and sabotages that the step detects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.torture.steps.forks", *arguments],
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.timeout(300)
def test_a_few_seconds_of_forks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads are busy, children and parents are killed: no process hangs, and nothing is lost."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = _run("--seconds", "4", "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " forked" in done.stdout


@pytest.mark.timeout(400)
def test_the_step_detects_forks_that_do_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Children that keep locks and SQLite's mutexes hang, block others, or answer wrongly."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    # a fault ends it; a busy machine needs more rounds until a fork meets a lock
    done = _run("--seconds", "90", "--seed", "3", "--sabotage")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAULT" in done.stdout
