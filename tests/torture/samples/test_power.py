"""Tests of the functions behind the power cuts, and real cuts on request."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from journal.verify.checks import Problem
from tests.torture.power import file_system, needs
from tests.torture.power.image import FlushedImage
from tests.torture.power.loss import LOSSES, Cut, Loss, kept, last_flush, writes
from tests.torture.power.operations import Flush, Operation, Write, decode, encode
from tests.torture.power.promises import (
    INTERVAL,
    Promise,
    Story,
    Wait,
    oldest_lost,
    required,
    unexplained,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
MS = 1_000_000
SECTOR = 512
_MISSING = needs.missing() if os.environ.get("POWER_CUTS") else "POWER_CUTS is not set"
on_request = pytest.mark.skipif(_MISSING is not None, reason=f"no power is cut: {_MISSING}")
"""Skips tests that mount file systems, unless POWER_CUTS is set and the machine can do it."""


def write(at: int, sector: int, sectors: int = 1) -> Write:
    """Return a write of complete sectors, each filled with its time and its index in the write."""
    data = b"".join(bytes([at, number]) * (SECTOR // 2) for number in range(sectors))
    return Write(at, sector * SECTOR, data)


def chance(seed: int) -> Random:
    """Return a random generator, the same for each seed."""
    return Random(seed)


def cut(loss: Loss, done: int = 0, sector: int = SECTOR) -> Cut:
    """Return a cut."""
    return Cut(done, 0, loss, sector)


ASKED: tuple[Operation, ...] = (write(1, 0), Flush(2), write(3, 1), write(4, 0, 4), Flush(5))


def test_a_log_has_all_operations() -> None:
    """Writes and flushes are decoded as they were encoded, in order."""
    assert tuple(decode(b"".join(map(encode, ASKED)))) == ASKED


@pytest.mark.parametrize("length", [1, 20, 21, 30, 532])
def test_a_truncated_log_is_an_error(length: int) -> None:
    """The log of a disk that died while it wrote the log cannot be used."""
    with pytest.raises(ValueError, match="ends within an operation, at byte 0"):
        tuple(decode(encode(ASKED[0])[:length]))


def test_a_log_of_something_else_is_refused() -> None:
    """The error has the offset of the bytes that are no operation."""
    with pytest.raises(ValueError, match="no operation at byte 21"):
        tuple(decode(encode(Flush(1)) + b"x" + bytes(20)))


@pytest.mark.parametrize(("done", "durable"), [(0, 0), (1, 0), (2, 2), (4, 2), (5, 5)])
def test_a_flush_makes_all_earlier_writes_durable(done: int, durable: int) -> None:
    """The last flush that was answered before the cut makes all writes before it durable."""
    assert last_flush(ASKED, done) == durable


def test_none_and_all_make_no_random_choice() -> None:
    """Either no unflushed write is kept, or each of them is."""
    unflushed = writes(ASKED)
    assert kept(unflushed, cut("none"), chance(1)) == []
    assert kept(unflushed, cut("all"), chance(1)) == unflushed


def test_a_prefix_is_any_number_of_first_writes() -> None:
    """A random number of the first writes is kept, and never a later one alone."""
    unflushed = [write(at, at) for at in range(4)]
    drawn = {tuple(kept(unflushed, cut("prefix"), chance(seed))) for seed in range(100)}
    assert drawn == {tuple(unflushed[:count]) for count in range(5)}


def test_half_is_any_set_of_writes_in_order() -> None:
    """Each write may be kept without those before it, but only completely."""
    unflushed = [write(at, at) for at in range(3)]
    drawn = {tuple(kept(unflushed, cut("half"), chance(seed))) for seed in range(200)}
    assert len(drawn) == 2**3
    assert all(list(each) == sorted(each, key=lambda one: one.at) for each in drawn)


def test_a_torn_write_is_cut_at_the_end_of_a_sector() -> None:
    """Writes before the torn one are complete, and of that one the first sectors are kept."""
    unflushed = [write(1, 0), write(2, 3, 4)]
    lengths = set()
    for seed in range(200):
        drawn = kept(unflushed, cut("torn"), chance(seed))
        data = b"".join(one.data for one in drawn)
        assert data in (unflushed[0].data + unflushed[1].data)[: len(data)]
        assert all(one.offset % SECTOR == 0 and len(one.data) == SECTOR for one in drawn)
        lengths.add(len(data) // SECTOR)
    assert lengths == {0, 1, 2, 3, 4, 5}


@pytest.mark.parametrize(("sector", "pieces"), [(512, 5), (1024, 3), (4096, 1)])
def test_sectors_are_aligned_to_the_disk(sector: int, pieces: int) -> None:
    """A write that begins within a larger sector is cut at that sector's end."""
    one = write(1, 9, 5)
    drawn = {
        (part.offset, part.data)
        for seed in range(100)
        for part in kept([one], cut("sectors", sector=sector), chance(seed))
    }
    assert len(drawn) == pieces
    assert b"".join(data for _, data in sorted(drawn)) == one.data
    assert all(offset % sector == 0 for offset, _ in drawn if offset != one.offset)


@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_is_lost_without_unflushed_writes(loss: Loss) -> None:
    """After a cut immediately after a flush there is one disk, for every kind of loss."""
    assert kept([], cut(loss), chance(1)) == []


def test_the_image_after_a_cut_has_flushed_and_kept_writes(tmp_path: Path) -> None:
    """It has all flushed writes, later ones as the cut says, and it only moves forward."""
    base, target = tmp_path / "base", tmp_path / "target"
    base.write_bytes(bytes(4 * SECTOR))
    image = FlushedImage(base, ASKED)
    first = ASKED[0]
    assert isinstance(first, Write)
    image.lose(cut("none", done=4), 2, chance(1), target)
    assert target.read_bytes() == first.data + bytes(3 * SECTOR)
    image.lose(cut("prefix", done=3), 2, chance(3), target)
    assert target.read_bytes()[:SECTOR] == first.data
    image.lose(cut("all", done=4), 2, chance(1), target)
    assert target.read_bytes() == write(4, 0, 4).data
    assert base.read_bytes() == first.data + bytes(3 * SECTOR)
    image.lose(cut("none", done=5), 5, chance(1), target)
    assert target.read_bytes() == write(4, 0, 4).data
    with pytest.raises(ValueError, match="already at 5, behind 2"):
        image.lose(cut("none", done=2), 2, chance(1), target)


def story(*promises: Promise, waits: tuple[Wait, ...] = ()) -> Story:
    """Return the record of a program."""
    return Story({id: 0 for promise in promises for id in promise.ids}, promises, waits)


def test_always_promises_at_once() -> None:
    """At `always` an event must exist from the nanosecond in which its append returned."""
    one = story(Promise(10, 0, ("a",)), Promise(20, 0, ("b", "c")))
    assert [required(one, moment) for moment in (9, 10, 19, 20)] == [
        set(),
        {"a"},
        {"a"},
        {"a", "b", "c"},
    ]


def test_interval_promises_after_200_ms() -> None:
    """Before that it may be lost; an early sync does not change that."""
    one = story(Promise(0, INTERVAL, ("a",)), waits=(Wait(90 * MS, 99 * MS),))
    assert required(one, INTERVAL - 1) == set()
    assert required(one, INTERVAL) == {"a"}


def test_a_slow_disk_delays_the_promise_of_interval() -> None:
    """Syncs of 150 ms in all, one of them half over before, delay the promise by 50 ms."""
    slow = (Wait(40 * MS, 160 * MS), Wait(210 * MS, 300 * MS))
    before = story(Promise(100 * MS, INTERVAL, ("a",)), waits=slow)
    assert required(before, 349 * MS) == set()
    assert required(before, 350 * MS) == {"a"}
    after = story(Promise(300 * MS, INTERVAL, ("a",)), waits=slow)
    assert required(after, 500 * MS) == {"a"}
    threads = (Wait(0, 120 * MS), Wait(30 * MS, 120 * MS), Wait(120 * MS, 130 * MS))
    together = story(Promise(0, INTERVAL, ("a",)), waits=threads)
    assert [required(together, moment * MS) for moment in (229, 230)] == [set(), {"a"}]
    at_once = story(Promise(10 * MS, 0, ("a",)), waits=(Wait(10 * MS, 900 * MS),))
    assert required(at_once, 10 * MS) == {"a"}


def test_the_oldest_event_that_is_lost_is_measured() -> None:
    """Its age counts from its acknowledgement, and later events do not count."""
    one = story(Promise(10, INTERVAL, ("a", "b")), Promise(30, INTERVAL, ("c",)))
    assert oldest_lost(one, 25, {"a", "b"}) == 0
    assert oldest_lost(one, 25, {"a"}) == 15
    assert oldest_lost(one, 40, {"a", "b"}) == 10


def test_a_power_loss_explains_only_damage_behind_promised_records() -> None:
    """Damage before a promised record is not explained: its bytes were flushed with the record."""
    damage = Problem("damage", "1", 1, 400, 0, "no record")
    assert list(unexplained([damage], {("1", 1): 400}, 1)) == []
    assert list(unexplained([damage], {("2", 1): 900}, 1)) == []
    assert list(unexplained([damage], {("1", 1): 401}, 1)) == [damage]
    assert list(unexplained([damage], {}, 0)) == [damage]


def test_a_gap_needs_a_lost_event() -> None:
    """Numbers are missing with lost events; if every event exists, a gap is a fault."""
    gap = Problem("gap", "1", 1, 4, 0, "7 missing")
    torn = Problem("torn", "1", 1, 4, 0, "unfinished")
    duplicate = Problem("duplicate", "1", 1, 4, 0, "twice")
    assert list(unexplained([gap, torn, duplicate], {}, 1)) == [duplicate]
    assert list(unexplained([gap, torn], {}, 0)) == [gap]


def test_without_root_the_step_is_skipped_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason names what is missing, and what to do about it."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert needs.missing() == "it mounts file systems, which needs root"


def test_threads_of_the_programs_run_before_other_work() -> None:
    """Else the age of a lost event would include how long a thread waited for a core."""
    code = (
        "import os, threading\n"
        "from tests.torture.power.priority import PROGRAMS, run_first\n"
        "run_first(PROGRAMS)\n"
        "show = lambda: print(os.sched_getscheduler(0) == os.SCHED_RR)\n"
        "thread = threading.Thread(target=show)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "PermissionError" in ended.stderr:
        pytest.skip("this user may not use real-time priorities")
    assert (ended.stdout, ended.stderr) == ("True\n", "")


def test_a_file_system_that_cannot_be_made_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason names the package that is needed; the other file systems are used."""
    monkeypatch.setattr("shutil.which", lambda name: None if name == "mkfs.xfs" else "/bin/true")
    monkeypatch.setattr(needs, "_known", lambda name: name != "btrfs")
    found, why = needs.usable(file_system.FILE_SYSTEMS)
    assert [system.name for system in found] == ["ext4"]
    assert why == {
        "xfs": "mkfs.xfs is not installed (apt-get install xfsprogs)",
        "btrfs": "the kernel does not know btrfs",
    }


def test_a_skipped_step_has_its_own_exit_code(tmp_path: Path) -> None:
    """The ladder distinguishes it from success; without tools in PATH nothing can be mounted."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture.steps.power_cut", "--cuts", "1"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == needs.SKIPPED, done.stderr
    assert done.stdout.startswith("power cuts: skipped: ")


def cut_power(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Cut the power of one file system; disks with failures are kept in `folder`."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.torture.steps.power_cut",
            "--fs",
            "ext4",
            "--work",
            "1",
            *arguments,
        ],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@on_request
def test_promised_events_survive_a_real_power_loss(tmp_path: Path) -> None:
    """At each level, at a few random moments, on a real file system."""
    done = cut_power(tmp_path, "--cuts", "6")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "power cuts: 18 moments, 1 file systems, 0 failed; seed 1" in done.stdout


@on_request
@pytest.mark.parametrize("lie", ["fdatasync", "flush"])
@pytest.mark.parametrize("level", ["always", "interval", "sync"])
def test_a_sync_that_is_left_out_is_detected(tmp_path: Path, lie: str, level: str) -> None:
    """A writer that does not sync, or a disk that does not flush, loses promised events."""
    done = cut_power(tmp_path, "--cuts", "8", "--level", level, "--lie", lie)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "was promised and is lost" in done.stderr
    assert any(tmp_path.glob("power-cut-*/image"))


@on_request
def test_a_folder_that_is_not_synced_is_detected(tmp_path: Path) -> None:
    """Without fsync of files and folders the journal cannot be opened again."""
    done = cut_power(tmp_path, "--cuts", "8", "--level", "always", "--lie", "fsync")
    assert done.returncode == 1, done.stdout + done.stderr


def remains(folder: Path) -> list[str]:
    """Return the processes and loop devices with a folder in their names."""
    found = []
    for pattern in ("/proc/[0-9]*/cmdline", "/sys/block/loop*/loop/backing_file"):
        for path in Path("/").glob(pattern[1:]):
            try:
                content = path.read_bytes()
            except OSError:  # it has just ended
                continue
            if bytes(folder) in content:
                found.append(str(path))
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; fail after some seconds."""
    end = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@on_request
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    """Processes, mounts and loop devices end with it; a kill leaves an empty folder at most."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.torture.steps.power_cut", "--fs", "ext4"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    try:
        wait_until(lambda: any("loop" in name for name in remains(tmp_path)))
        process.send_signal(number)
        assert process.wait(30) != 0
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: not remains(tmp_path))
    left = [path for path in tmp_path.rglob("*") if not path.is_dir()]
    assert left == []
    assert number == signal.SIGKILL or list(tmp_path.iterdir()) == []
