"""Hostile objects in a journal's folder, at places chosen by seed, and how commands end."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from tests.support.journals import FORK_OF_A_THREADED_PROCESS
from tests.torture.steps import hostile

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

pytestmark = FORK_OF_A_THREADED_PROCESS


def test_commands_survive_hostile_folders(capfd: pytest.CaptureFixture[str]) -> None:
    """Every command ends by itself, without a traceback and without control characters."""
    assert hostile.main(["--sample"]) == 0, capfd.readouterr().out
    printed = capfd.readouterr().out
    assert "hostile: rounds 0 to 11: " in printed
    assert "0 rounds failed" in printed


def _one(tmp_path: Path, command: str) -> tuple[int, str]:
    path = hostile.make(tmp_path)
    return hostile._look(command, path, tmp_path)


def test_text_that_is_not_cleaned_is_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the cleaning, the step names the written control characters."""
    monkeypatch.setattr("journal.cli.kit.clean._block", lambda: re.compile("(?!)"))
    monkeypatch.setattr("journal.cli.kit.clean._line", lambda: re.compile("(?!)"))
    code, wrong = _one(tmp_path, "projector show s1")
    assert code == 0
    assert wrong.startswith("it wrote ")
    assert r"\x1b]0;OWNED" in wrong


def test_a_command_that_waits_for_a_pipe_is_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the flag that opens a pipe at once, the command hangs, and the step ends it."""
    path = hostile.make(tmp_path)
    (path / "journal.json").unlink()
    os.mkfifo(path / "journal.json", 0o600)
    assert hostile._look("journal cat", path, tmp_path) == (1, "")
    monkeypatch.setattr("journal.fs.ownership._FLAGS", os.O_RDONLY)
    monkeypatch.setattr(hostile, "_PATIENCE", 0.5)
    code, wrong = hostile._look("journal cat", path, tmp_path)
    assert (code, wrong) == (-1, "it still ran after 0.5 s")


def test_an_unexpected_exception_is_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected exception is a traceback, and no documented exit code."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("journal.fs.directory._read_mark", fail)
    path = tmp_path / "journal"
    path.mkdir(mode=0o700)
    code, wrong = hostile._look("journal status", path, tmp_path)
    assert code == 99
    assert "ZeroDivisionError" in wrong


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that needs more memory than the bound is named with its KiB."""
    monkeypatch.setattr(hostile, "_MEMORY", 1024)
    _, wrong = _one(tmp_path, "journal status")
    assert wrong.endswith("KiB in memory")
