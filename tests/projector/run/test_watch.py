"""A projector that watches: it is fast, the only one, and ends on signals only."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from journal import Journal
from journal.fs.directory import open_directory
from projector import Projection, ProjectorBusy
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.run.build import rebuild
from projector.run.watch import Bell, Watch
from tests.support.projections import facts, header, line, message, write_segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchdog.events import FileSystemEvent

PROJECTOR = str(Path(sys.executable).with_name("projector"))
PATIENCE = 20.0

Run = subprocess.Popen[str]


@pytest.fixture
def run(journal_dir: Path) -> Iterator[Callable[[], Run]]:
    """Start `projector run`, and return it when it watches; end it after the test."""
    started: list[Run] = []

    def run() -> Run:
        command = [PROJECTOR, "--journal", str(journal_dir), "run"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("projecting")
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate(timeout=60)


class Watching:
    """A watch in a thread of this process."""

    def __init__(self, path: Path) -> None:
        self.warnings: list[str] = []
        self.watch = Watch(open_directory(path), self.warnings.append)
        self._thread = threading.Thread(target=self.watch.run)

    def __enter__(self) -> Self:
        self.watch.take_over()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.stop()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the watch does not stop"


def _stop(process: Run, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, errors


def test_an_appended_message_is_found_at_once(journal_dir: Path) -> None:
    """An appended event is found within milliseconds, before the next sweep."""
    with (
        Watching(journal_dir),
        Journal.open(journal_dir) as journal,
        Projection.open(journal_dir) as projection,
    ):
        projection.wait_for(journal.append_message("s", "user", "warm up"), timeout=PATIENCE)
        took = []
        for number in range(20):
            began = time.perf_counter()
            position = journal.append_message("s", "user", f"word{number}x")
            projection.wait_for(position, timeout=PATIENCE)
            took.append(time.perf_counter() - began)
            assert len(projection.search(f"word{number}x").hits) == 1
    assert sorted(took)[10] < 0.25, f"the bell is not heard: {took}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(
    journal_dir: Path, run: Callable[[], Run], number: signal.Signals
) -> None:
    """SIGTERM and SIGINT commit, close and end with 0; the next projector continues."""
    process = run()
    projection = Projection.open(journal_dir)
    with Journal.open(journal_dir) as journal:
        projection.wait_for(journal.append_message("s", "user", "alpha"), timeout=PATIENCE)
        assert projection.status().projector_running
        projection.close()
        code, errors = _stop(process, number)
        assert (code, errors) == (0, "stopped\n")
        files = sorted(path.name for path in (journal_dir / "projection").iterdir())
        assert files == ["1.db", "CURRENT", "build.lock", "lock"], "the WAL was not written back"
        run()
        with Projection.open(journal_dir) as projection:
            projection.wait_for(journal.append_message("s", "user", "beta"), timeout=PATIENCE)


_STOPPED = """
import os, sys
from projector.cli import cli
from projector.run.ingest import Intake

take_block = Intake.take_block

def take_block_and_stop(*arguments):
    size = take_block(*arguments)
    print(size, flush=True)
    os.kill(os.getpid(), int(sys.argv[2]))
    return size

Intake.take_block = take_block_and_stop
cli(["--journal", sys.argv[1], "run"])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_first_build(
    journal_dir: Path, start: Callable[..., Run], number: signal.Signals
) -> None:
    """The first build stops at the end of a block, keeps its work, and exits with 0."""
    with Journal.open(journal_dir) as one, Journal.open(journal_dir) as other:
        one.append_message("s", "user", "alpha")
        other.append_message("s", "user", "alpha")
    output, errors = (process := start(_STOPPED, journal_dir, int(number))).communicate(timeout=60)
    assert (process.returncode, errors.splitlines()[1:]) == (0, ["stopped"])
    assert len(output.splitlines()) == 1
    left = sorted(path.name for path in (journal_dir / "projection").iterdir())
    assert left == ["1.db", "CURRENT", "build.lock", "lock"]
    with Projection.open(journal_dir) as projection:
        assert len(projection.search("alpha").hits) == 2


def test_a_second_one_names_the_running_one(journal_dir: Path, run: Callable[[], Run]) -> None:
    """A second projector exits with 7, and names the process that runs."""
    process = run()
    for command in ("run", "sync"):
        second = subprocess.run(
            [PROJECTOR, "--journal", str(journal_dir), command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert second.returncode == 7
        assert f"process {process.pid} on " in second.stderr
        assert not second.stdout


def test_a_killed_one_leaves_nothing_locked(journal_dir: Path, run: Callable[[], Run]) -> None:
    """The lock of a dead projector is free at once for readers and the next projector."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "alpha")
    process = run()
    process.kill()
    process.wait()
    with Projection.open(journal_dir) as projection:
        assert projection.search("alpha").fresh
    run()


def test_it_may_be_started_before_the_first_writer(
    journal_dir: Path, run: Callable[[], Run]
) -> None:
    """A journal that does not exist is created; the first lane is noticed when it is made."""
    run()
    with Projection.open(journal_dir) as projection, Journal.open(journal_dir) as journal:
        projection.wait_for(journal.append_message("s", "user", "alpha"), timeout=PATIENCE)
        assert len(projection.search("alpha").hits) == 1


def test_new_lanes_and_segments_are_seen(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New lanes and segments that are made while it runs are applied."""
    monkeypatch.setattr("journal.lanes.writer.ROLL_SIZE", 300)
    with Watching(journal_dir), Projection.open(journal_dir) as projection:
        journals = [Journal.open(journal_dir) for _ in range(3)]
        positions = [j.append_message("s", "user", "alpha") for j in journals for _ in range(5)]
        for position in positions:
            projection.wait_for(position, timeout=PATIENCE)
        for journal in journals:
            journal.close()
        status = projection.status()
        assert (status.lanes, status.messages) == (3, 15)
        assert status.segments > 3


def test_without_notifications_it_polls(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system has no notifications left, it reports that and polls."""

    def start(_self: object) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr("watchdog.observers.Observer.start", start, raising=True)
    with (
        Watching(journal_dir) as watching,
        Journal.open(journal_dir) as journal,
        Projection.open(journal_dir) as projection,
    ):
        projection.wait_for(journal.append_message("s", "user", "alpha"), timeout=PATIENCE)
    assert len(watching.warnings) == 1
    assert "inotify watch limit reached" in watching.warnings[0]


def test_a_lost_notification_delays_events(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any notification, events are applied after a delay."""
    monkeypatch.setattr(Bell, "on_any_event", lambda _self, _event: None)
    with (
        Watching(journal_dir),
        Journal.open(journal_dir) as journal,
        Projection.open(journal_dir) as projection,
    ):
        projection.wait_for(journal.append_message("s", "user", "alpha"), timeout=PATIENCE)


def test_a_lane_without_notifications_is_applied_beside_one_that_has_them(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a second all lanes are looked at, also while one of them rings all the time."""
    real = Bell.on_any_event

    def but_of_the_second(bell: Bell, event: FileSystemEvent) -> None:
        if "/lanes/2" not in os.fsdecode(event.src_path):
            real(bell, event)

    monkeypatch.setattr(Bell, "on_any_event", but_of_the_second)
    with (
        Journal.open(journal_dir) as ringing,
        Journal.open(journal_dir) as silent,
        Projection.open(journal_dir) as projection,
    ):
        for lane in (ringing, silent):
            lane.append_message("s", "user", "first")
        with Watching(journal_dir):
            projection.wait_for(silent.append_message("s", "user", "second"), timeout=PATIENCE)
            position = silent.append_message("s", "user", "third")
            until = time.monotonic() + PATIENCE
            while not projection.has(position):
                assert time.monotonic() < until
                ringing.append_message("s", "user", "again")
                time.sleep(0.02)


def test_a_rebuild_beside_it_disturbs_no_reader(journal_dir: Path) -> None:
    """It switches to the new generation; repeated searches never fail and never miss an event."""
    with Watching(journal_dir), Journal.open(journal_dir) as journal:
        with Projection.open(journal_dir) as projection:
            # the first build is over when events behind it are applied
            for text in ("first", "second"):
                position = journal.append_message("s", "user", text)
                projection.wait_for(position, timeout=PATIENCE)
        position = journal.append_many(
            {
                "session": "s",
                "id": f"m{n}",
                "type": "message.appended",
                "data": {"role": "user", "content": f"alpha {n}"},
            }
            for n in range(300)
        )[-1]
        with Projection.open(journal_dir) as projection:
            projection.wait_for(position, timeout=PATIENCE)
            done = threading.Event()
            found: list[int] = []
            searching = threading.Thread(
                target=_search_until, args=(journal_dir, done, found), daemon=True
            )
            searching.start()
            directory = open_directory(journal_dir)
            numbers = [rebuild(directory) for _ in range(3)]
            done.set()
            searching.join(PATIENCE)
            assert found
            assert set(found) == {300}
            assert numbers == sorted(set(numbers))
            position = journal.append_message("s", "user", "after")
            projection.wait_for(position, timeout=PATIENCE)
            assert projection.status().generation == numbers[-1]
            assert projection.status().messages == 303


def _search_until(path: Path, done: threading.Event, found: list[int]) -> None:
    with Projection.open(path) as projection:
        while not done.is_set():
            found.append(len(projection.search("alpha", limit=1000).hits))


def test_it_waits_for_another_build(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process builds the first generation, it waits, and then uses that one."""
    directory = open_directory(journal_dir)
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "alpha")
    building = ProcessLock(generations(directory.path).build_lock)
    assert building.acquire()
    waits = threading.Event()
    wait = Bell.wait

    def wait_and_tell(bell: Bell) -> None:
        waits.set()
        wait(bell)

    monkeypatch.setattr(Bell, "wait", wait_and_tell)
    with Watching(journal_dir) as watching:
        assert waits.wait(PATIENCE), "it does not wait for the build"
        assert watching._thread.is_alive()
        building.release()
        with Projection.open(journal_dir) as projection:
            until = time.monotonic() + PATIENCE
            while not projection.status().messages:
                assert time.monotonic() < until
                time.sleep(0.01)


def test_one_watch_at_a_time_in_a_process(journal_dir: Path) -> None:
    """A second watch in another thread is refused; the lock is free after the first one ends."""
    with Watching(journal_dir), pytest.raises(ProjectorBusy, match=f"process {os.getpid()} on"):
        Watch(open_directory(journal_dir), print).take_over()
    with Watching(journal_dir):
        pass


def test_damage_met_while_watching_does_not_end_it(
    journal_dir: Path, expect_problems: Callable[..., None]
) -> None:
    """A damaged line is quarantined, and the next one is applied."""
    expect_problems("damage")
    open_directory(journal_dir)
    first, second = facts(message("m1", "alpha"), message("m2", "beta"))
    with Watching(journal_dir), Projection.open(journal_dir) as projection:
        lanes = journal_dir / "lanes"
        write_segment(lanes, "1", 1, header("L1") + line(first) + b"damage\n" + line(second))
        until = time.monotonic() + PATIENCE
        while (status := projection.status()).messages < 2:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert status.quarantined == 1


def test_a_segment_replaced_while_watching_is_read_again(tmp_path: Path) -> None:
    """Another file of the same size under the same name is noticed by the sweep."""
    path = tmp_path / "journal"
    lanes = open_directory(path).lanes
    first, second = facts(message("m1", "alpha"), message("m2", "omega"))
    segment = write_segment(lanes, "1", 1, header("L1") + line(first))
    with Watching(path), Projection.open(path) as projection:
        assert len(projection.search("alpha").hits) == 1
        other = tmp_path / "other"
        other.write_bytes(header("L1") + line(second))
        other.replace(segment)
        until = time.monotonic() + PATIENCE
        while not projection.search("omega").hits:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert projection.status().reread == 1


def test_old_generations_are_removed_while_it_watches(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old generations are removed while no event arrives, and never the one in use."""
    monkeypatch.setattr("projector.db.generations._GRACE", 0.0)
    monkeypatch.setattr("projector.run.watch._SWEEP", 0.05)
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "alpha")
    directory = open_directory(journal_dir)
    kept = generations(directory.path)
    rebuild(directory)
    number = rebuild(directory)
    with Watching(journal_dir):
        until = time.monotonic() + PATIENCE
        while kept.path(1).exists():
            assert time.monotonic() < until
            time.sleep(0.01)
    assert kept._numbers() == [number]
