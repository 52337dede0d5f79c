"""A second projector that waits takes over when the first one ends, however it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector import Projection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECTOR = str(Path(sys.executable).with_name("projector"))
Run = subprocess.Popen[str]


@pytest.fixture
def run(journal_dir: Path) -> Iterator[Callable[..., Run]]:
    """Start `projector run`, and return it after its first line; end it after the test."""
    started: list[Run] = []

    def run(*options: str) -> Run:
        command = [PROJECTOR, "--journal", str(journal_dir), "run", *options]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        started.append(process)
        line(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate(timeout=60)


def line(process: Run) -> str:
    """Return the next line that a projector prints."""
    assert process.stderr is not None
    return process.stderr.readline()


def test_it_takes_over_within_a_second_of_a_kill(
    journal_dir: Path, run: Callable[..., Run]
) -> None:
    """The lock of a killed projector is free at once, and the waiting one polls it often enough."""
    first = run()
    second = run("--standby")
    first.kill()
    killed = time.monotonic()
    assert line(second).startswith("projecting")
    assert time.monotonic() - killed < 1.5, "a second, and what a busy machine takes"
    with Journal.open(journal_dir) as journal, Projection.open(journal_dir) as projection:
        projection.wait_for(journal.append_message("s", "user", "alpha"), timeout=20)
        assert projection.status().projector_running


def test_it_projects_at_once_without_another_projector(run: Callable[..., Run]) -> None:
    """Without another projector it projects at once."""
    assert line(run("--standby")).startswith("projecting")


def test_it_can_be_stopped_while_it_waits(run: Callable[..., Run]) -> None:
    """A signal ends the waiting projector, and not the running one."""
    first, second = run(), run("--standby")
    second.terminate()
    _, errors = second.communicate(timeout=20)
    assert (second.returncode, errors) == (0, "stopped\n")
    assert first.poll() is None
