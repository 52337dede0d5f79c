"""A sample of the soak, and failures that its checks detect."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector import Projection
from tests.torture.soak import crowd, judging, programs, roles
from tests.torture.steps import soak

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the step make its files in the test's folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def run_sample(scenario: str, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a small scenario; return its output."""
    code = soak.main(["--scenario", scenario, "--seed", "5", *arguments])
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert f"soak: seed 5, {scenario}: " in printed
    return printed


@pytest.mark.slow
def test_a_few_seconds_of_everything_together_lose_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Writers, projectors, readers, rebuilds and kills: all messages exist once, without errors."""
    printed = run_sample("everything", capsys, "--sample", "--seconds", "3")
    assert re.search(r"acknowledged=[1-9]", printed)


@pytest.mark.slow
def test_each_message_of_a_crowd_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    """Eight writers start at once beside a projector; each message is found by its own word."""
    assert "messages=400, " in run_sample("crowd", capsys, "--seconds", "0.5")


@pytest.mark.slow
def test_short_processes_share_a_few_lanes(capsys: pytest.CaptureFixture[str]) -> None:
    """Hundreds of processes append one message each: none is lost, and lanes are used again."""
    printed = run_sample("hooks", capsys, "--seconds", "1")
    assert "processes=150, at_once=8, " in printed


def journal_of(path: Path, count: int) -> Path:
    """Return a journal with messages of one writer of a crowd."""
    with Journal.open(path / "journal") as journal:
        for number in range(count):
            journal.append_message("s0", "user", roles.crowd_word(0, number), id=f"m{number}")
    return path / "journal"


def test_a_lost_acknowledged_message_fails(tmp_path: Path) -> None:
    """The check names the message; if none was acknowledged at all, that fails, too."""
    remains = judging.judge(journal_of(tmp_path, 3))
    assert remains.keys == {("s0", "m0"), ("s0", "m1"), ("s0", "m2")}
    judging.check_all_there(set(remains.keys), remains)
    with pytest.raises(programs.Failed, match=r"1 acknowledged and lost, such as .*'m3'"):
        judging.check_all_there({("s0", "m2"), ("s0", "m3")}, remains)
    with pytest.raises(programs.Failed, match="nothing was acknowledged"):
        judging.check_all_there(set(), remains)


def test_damage_that_no_death_explains_fails(tmp_path: Path) -> None:
    """A changed byte is a problem of a kind that no scenario allows."""
    path = journal_of(tmp_path, 3)
    (segment,) = (path / "lanes").glob("*/*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b"w0x1z", b"w0x9z"))
    with pytest.raises(programs.Failed, match="verify finds"):
        judging.judge(path)


def test_a_word_that_finds_another_message_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure names the message that was found instead."""
    monkeypatch.setattr(crowd, "WRITERS", 1)
    with Projection.open(journal_of(tmp_path, 3)) as projection:
        crowd._find_all(projection, 3)
        with pytest.raises(programs.Failed, match=r"w0x3z finds \[\]"):
            crowd._find_all(projection, 4)


def test_descriptors_and_memory_are_compared_by_thirds(tmp_path: Path) -> None:
    """Growth is detected, and a temporary rise is not reported."""
    program = programs.Program("leaky", [], tmp_path, killable=False)
    program.samples = [programs.Sample(n, 10 + n // 2 + n % 3, 1000 + n) for n in range(100)]
    files, before, after = program.growth()
    assert (files, before, after) == (33, 1016, 1083)
    program.samples = [programs.Sample(n, 10 + n % 3, 1000 + n % 7) for n in range(100)]
    files, before, after = program.growth()
    assert (files, before, after) == (0, 1003, 1003)


def test_a_program_that_ends_by_itself_fails_with_its_output(tmp_path: Path) -> None:
    """A reader that got an error ends the soak, and the error is printed."""
    argv = [sys.executable, "-c", "raise ValueError('database is locked')"]
    program = programs.Program("reader7", argv, tmp_path, killable=False)
    program.start()
    assert program.process is not None
    program.process.wait()
    with pytest.raises(programs.Failed, match=r"reader7 ended by itself with 1: [\s\S]* is locked"):
        program.check()
