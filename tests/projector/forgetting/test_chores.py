"""Commands that `projector run` starts beside its work."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.cli.kit.exits import BUSY, INCOMPLETE
from journal.fs.directory import open_directory
from journal.lanes.roll_request import ROLL
from projector import Projection
from projector.forgetting import chores
from projector.forgetting.chores import Chores
from projector.forgetting.erasures import erasures
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

HOUR, DAY = 3600.0, 86_400.0


class _Process:
    """A process that ends when the test says so."""

    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.code = -15

    def wait(self) -> int:
        assert self.code is not None
        return self.code


class _Machine:
    """The clock, the started processes and the warnings."""

    def __init__(self, path: Path) -> None:
        self.now = 0.0
        self.started: list[list[str]] = []
        self.processes: list[_Process] = []
        self.warnings: list[str] = []
        directory = open_directory(path)
        self.chores = Chores(directory, self.warnings.append, self._start, lambda: self.now)

    def _start(self, arguments: list[str]) -> _Process:
        self.started.append(arguments)
        self.processes.append(_Process())
        return self.processes[-1]

    def after(self, seconds: float) -> list[list[str]]:
        """Move the clock by some seconds, and return the commands that were started."""
        self.started.clear()
        self.now += seconds
        self.chores()
        return self.started


@pytest.fixture
def path(journal_dir: Path) -> Path:
    """A journal with a session."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s1", "user", "a", id="m1", timestamp=10**15)
    return journal_dir


@pytest.fixture
def machine(path: Path) -> _Machine:
    """The chores of that journal."""
    return _Machine(path)


def test_without_requests_no_command_is_started(machine: _Machine) -> None:
    """No command is started, however many days pass."""
    assert machine.after(0) == []
    assert machine.after(9 * DAY) == []
    assert machine.warnings == []


@pytest.mark.slow
def test_pending_requests_are_finished_when_the_lessee_has_rolled(path: Path) -> None:
    """One process runs at a time; after BUSY, it is started again when the lessee has rolled."""
    with Journal.open(path) as sleeper:
        sleeper.append_message("s1", "user", "b", id="m2")
        sleeper.append_message("s2", "user", "c", id="m1")
        forget(path, Selection(sessions=("s1",)))
        machine = _Machine(path)
        assert machine.after(0) == [["forget", "--finish"]]
        assert machine.after(120) == []  # the first one still runs
        machine.processes[-1].code = BUSY
        assert machine.after(120) == []
        (path / "lanes/1" / ROLL).unlink()
        assert machine.after(120) == [["forget", "--finish"]]
        machine.processes[-1].code = INCOMPLETE
        assert machine.after(120) == []  # to repeat it at once changes nothing
        forget(path, Selection(messages=(("s2", "m1"),)))
        # what cannot be checked does not delay a new request that is pending
        assert machine.after(120) == [["forget", "--finish"]]
        machine.processes[-1].code = 1
        assert machine.after(120) == []  # after a failure it is started once an hour
        assert machine.after(HOUR) == [["forget", "--finish"]]
    finish_forgetting(path)
    with Projection.open(path) as projection:
        projection.sessions()
    machine.processes[-1].code = 0
    assert machine.after(120) == []


def test_forgotten_events_that_reappear_are_looked_for_once_a_day(path: Path) -> None:
    """A lane that was copied into the journal, for example, has them again."""
    forget(path, Selection(sessions=("s1",)))
    with Projection.open(path) as projection:
        projection.sessions()
    machine = _Machine(path)
    assert machine.after(120) == []
    assert machine.after(HOUR) == [["forget", "--finish"]]
    machine.processes[-1].code = 0
    assert machine.after(DAY / 2) == []
    assert machine.after(DAY) == [["forget", "--finish"]]


def test_a_policy_is_applied_once_a_day_if_it_says_so(machine: _Machine, path: Path) -> None:
    """Without `automatic` it is not applied; an invalid policy is one warning a day."""
    policy = path / "retention.toml"
    policy.touch(mode=0o600)
    policy.write_text("[[rule]]\nolder_than = '90d'\n", encoding="utf-8")
    assert machine.after(0) == []
    policy.write_text("automatic = true\n[[rule]]\nolder_than = '90d'\n", encoding="utf-8")
    assert machine.after(120) == []
    assert machine.after(DAY) == [["retain", "--yes"]]
    machine.processes[-1].code = 0
    policy.write_text("automatic = 'yes'", encoding="utf-8")
    assert machine.after(120) == []
    assert machine.after(DAY) == []
    (warning,) = machine.warnings
    assert "automatic must be true or false" in warning


def test_a_warning_that_repeats_itself_is_written_once(machine: _Machine, path: Path) -> None:
    """A key that cannot be read is looked at every ten seconds."""
    forget(path, Selection(sessions=("s1",)))
    with Projection.open(path) as projection:
        projection.sessions()
    key = (path / "key").read_bytes()
    (path / "key").write_bytes(b"damaged")
    for _ in range(3):
        assert machine.after(20) == []
    (path / "key").write_bytes(key)
    machine.after(20)
    (path / "key").write_bytes(b"damaged")
    machine.after(20)
    assert [warning.count("key is damaged") for warning in machine.warnings] == [1, 1]
    (path / "key").write_bytes(key)


@pytest.mark.slow
def test_a_process_that_runs_ends_with_the_projector(path: Path) -> None:
    """A command that still runs is ended with the projector; it can be repeated."""
    with Journal.open(path) as sleeper:
        sleeper.append_message("s1", "user", "b", id="m2")
        forget(path, Selection(sessions=("s1",)))
    machine = _Machine(path)
    machine.after(0)
    machine.chores.close()
    assert machine.processes[-1].code == -15
    machine.chores.close()
    finish_forgetting(path)


def test_a_projector_that_runs_finishes_what_is_pending(
    path: Path, start_command: Callable[..., subprocess.Popen[str]]
) -> None:
    """`projector run` starts the command itself as soon as it has caught up."""
    with Journal.open(path) as sleeper:
        sleeper.append_message("s1", "user", "b", id="m2")
        forget(path, Selection(sessions=("s1",)))
    assert erasures(path)[0].receipt is None
    projector = Path(sys.executable).with_name("projector")
    process = start_command(projector, "--journal", path, "run")
    until = time.monotonic() + 60
    while erasures(path)[0].receipt is None and time.monotonic() < until:
        time.sleep(0.1)
    process.terminate()
    assert process.wait(30) == 0
    assert erasures(path)[0].receipt is not None


def test_the_exit_code_of_the_command_reports_pending_requests() -> None:
    """The real command exits with the code that the chores expect."""
    assert chores._BUSY == BUSY
