"""A sample of the soak, and failures that its checks detect."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector import Projection
from tests.torture.soak import crowd, judging, programs, roles
from tests.torture.soak.forgetting import appends, model, remains, waits
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


@pytest.mark.slow
def test_a_few_seconds_of_forgetting_lose_nothing_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writers, readers, projectors and forgetters: what is forgotten is gone, and nothing else."""
    # beside other tests the disk delays write(2) itself: the ladder checks the time of appends
    monkeypatch.setattr(appends, "BOUND", 60_000_000)
    printed = run_sample("forgetting", capsys, "--sample", "--seconds", "3")
    assert re.search(r"forgotten=[1-9]", printed)
    assert re.search(r"never_beside=[1-9]", printed)


@pytest.mark.slow
def test_what_is_shown_after_it_was_forgotten_is_caught(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The scenario can fail: here no projection knows the newest requests."""
    arguments = ["--scenario", "forgetting", "--seed", "5", "--sample", "--sabotage", "shown"]
    assert soak.main(arguments) == 1
    assert "FAILED forgetting: " in capsys.readouterr().out


def wait_of(slept: int, others: int = 0, in_call: int = 0, began: int = 1_000_000) -> waits.Wait:
    """Return an append that slept, ran for 1 ms, and waited 70 ms for a processor."""
    return waits.Wait(began, slept + 71_000, 70_000, others, slept, "write", in_call)


def test_an_append_that_waits_beside_an_erasure_fails() -> None:
    """More than 50 ms are a failure at the levels that do not wait for the disk by themselves."""
    spans, bare = [(900_000, 1_000_100)], [wait_of(0)]
    found = {"never": [wait_of(49_000)], "always": [wait_of(90_000)]}
    assert appends.judge_appends(found, spans, bare)["always_longest_beside"] == 91.0
    found["never"].append(wait_of(90_000, others=50_000))
    assert appends.judge_appends(found, spans, bare)["never_longest_beside"] == 50.0
    found["never"].append(wait_of(50_000))
    with pytest.raises(programs.Failed, match=r"at never took 51\.0 ms .* slept for 50\.0 ms"):
        appends.judge_appends(found, spans, bare)
    with pytest.raises(programs.Failed, match="no append at never was made beside an erasure"):
        appends.judge_appends(found, [(0, 1)], bare)


def test_an_append_may_wait_for_the_disk_as_long_as_a_bare_write() -> None:
    """The bound is above the longest bare write at that time; the wait for a lock does not count.

    A block of 60 ms by compaction is found, also while the disk stalls for half a second.
    """
    spans = [(0, 20_000_000)]
    slow = {"interval": [wait_of(501_000, in_call=500_000)]}
    stall = wait_of(460_000, began=1_200_000)
    counts = appends.judge_appends(slow, spans, [wait_of(0), stall])
    assert (counts["bare_longest"], counts["interval_longest_beside"]) == (461.0, 502.0)
    for bare in ([wait_of(0)], [wait_of(440_000)], [wait_of(460_000, began=9_000_000)]):
        with pytest.raises(programs.Failed, match=r"at interval took 502\.0 ms"):
            appends.judge_appends(slow, spans, bare)
    in_a_lock = {"interval": [wait_of(60_000, in_call=1_000)]}
    with pytest.raises(programs.Failed, match=r"longest bare write at that time took 461\.0 ms"):
        appends.judge_appends(in_a_lock, spans, [stall])
    with pytest.raises(programs.Failed, match="the bare writer wrote nothing"):
        appends.judge_appends(slow, spans, [])


def test_what_is_left_of_a_forgotten_message_is_found(tmp_path: Path) -> None:
    """By its id, by its session, or by the end of its word; what others say may be there."""
    keys = [model.key("writer0", number) for number in range(30)]
    gone = model.Named([keys[9][0]], [])
    for number in (0, 9, 19):
        (tmp_path / "file").write_bytes(b"\0" + model.word("writer0", number)[5:].encode() + b"7")
        # message 19 repeats message 9 in another session, which was not forgotten
        assert bool(remains.find_remains(tmp_path, gone, keys)) == (number == 0)
    for text in keys[0]:
        (tmp_path / "file").write_text(f"<{text}>")
        assert remains.find_remains(tmp_path, gone, keys) == [f"{text} in file"]


def test_a_request_takes_what_repeats_a_message() -> None:
    """A single message goes with its replay; of a session's messages a replay may stay."""
    said, replay = model.key("writer0", 9), model.key("writer0", 19)
    assert model.message("writer0", 9)["data"] == model.message("writer0", 19)["data"]
    for one in (said, replay):
        assert {model.Named([], [one]).fate(key) for key in (said, replay)} == {"gone"}
    named = model.Named([said[0]], [])
    assert (named.fate(said), named.fate(replay)) == ("gone", "either")
    assert model.Named([], [model.key("writer0", 8)]).fate(said) == "kept"


def test_waits_for_a_processor_do_not_count() -> None:
    """What a call computes and sleeps is its own time; with other processes beside it, no more."""
    meter = waits.Meter()
    slept = meter.measure(lambda: time.sleep(0.03))
    with ExitStack() as stack:
        for _ in range((os.cpu_count() or 1) * 3):
            other = subprocess.Popen([sys.executable, "-ISc", "while True: pass"])
            stack.callback(other.wait)
            stack.callback(other.kill)
        time.sleep(0.2)
        ran = meter.measure(lambda: sum(range(2_000_000)))
    assert slept.own >= slept.slept >= 29_000
    assert ran.queued > ran.wall / 4
    assert ran.slept < ran.wall / 4
