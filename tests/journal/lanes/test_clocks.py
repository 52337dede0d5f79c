"""Clocks that are wrong by hours or years cause wrong dates, and never a wrong answer."""

from __future__ import annotations

import os
import shutil
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from journal import AppendError, ClockError, Journal
from journal.fs.directory import open_directory
from journal.lanes.frontier import Frontier
from journal.process import clock
from journal.process.boot import boot_id, since_boot
from journal.segments.listing import list_lanes
from journal.segments.reader import read_events
from journal.segments.segment import End, is_segment, read_end, read_last
from journal.status import read_status
from projector import ABSENT, SessionStore
from projector.upkeep.salvage import salvage
from tests.support.disks.faulty import faulty_disk, once
from tests.support.journals import headers, ids, lane_names, segments
from tests.support.projections import facts, message, write_lane

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.conftest import ExpectedProblems

    Start = Callable[..., subprocess.Popen[str]]

_HOUR = 3_600_000_000
_YEAR = 365 * 24 * _HOUR

_ELSEWHEN = """
import sys
from journal import Journal
from journal.process import clock
from projector import SessionStore
real = clock.wall
clock.wall = lambda: real() + int(sys.argv[2])
store = SessionStore.open(sys.argv[1])
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


class Elsewhen:
    """Another process with a store on the journal, whose clock is wrong."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def do(self, code: str) -> None:
        """Run a line of Python in that process, in which `store` is its store."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(code + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@pytest.fixture(params=[11 * _HOUR, 12 * _YEAR, -11 * _HOUR], ids=["hours", "years", "behind"])
def other(request: pytest.FixtureRequest, journal_dir: Path, start: Start) -> Elsewhen:
    """A process whose clock is hours or years ahead, or hours behind."""
    return Elsewhen(start(_ELSEWHEN, journal_dir, request.param))


@pytest.fixture
def store(journal_dir: Path) -> Iterator[SessionStore]:
    """A store whose clock is right."""
    with SessionStore.open(journal_dir) as store:
        yield store


def test_of_two_decisions_one_counts(store: SessionStore, other: Elsewhen) -> None:
    """A decision under a wrong clock does not override later decisions."""
    other.do("store.keys.set('schema', 1)")
    assert store.keys.compare_and_set("schema", 2, expected=1)
    assert not store.keys.compare_and_set("schema", 2, expected=1)
    assert store.keys.get("schema") == 2
    other.do("assert store.keys.compare_and_set('schema', 3, expected=2)")
    assert store.keys.compare_and_set("schema", 4, expected=3)
    assert store.keys.get("schema") == 4


def test_edits_have_a_higher_order_than_what_they_change(
    store: SessionStore, other: Elsewhen
) -> None:
    """A title, a value, a revision and a removal are in force, whichever clock wrote before."""
    other.do("store.append('s', 'user', 'one', id='m1'); store.append('s', 'user', 'two', id='m2')")
    other.do("store.set_title('s', 'old'); store.keys.set('k', 1); store.end('s')")
    store.set_title("s", "new")
    store.keys.set("k", 2)
    store.reopen("s")
    store.revise_message("s", "m1", content="ONE")
    store.remove_messages("s", ["m2"])
    assert store.session("s").title == "new"
    assert store.session("s").ended is None
    assert store.keys.get("k") == 2
    assert [m.content for m in store.messages("s")] == ["ONE"]
    other.do("store.set_title('s', 'newest'); store.restore_messages('s', ['m2'])")
    assert store.session("s").title == "newest"
    assert [m.content for m in store.messages("s")] == ["ONE", "two"]


def test_an_edit_without_a_read_has_a_higher_order_than_other_lanes(
    journal_dir: Path, store: SessionStore, other: Elsewhen
) -> None:
    """A program that has only written reads the end of each lane before an edit."""
    other.do("store.keys.set('k', 'theirs')")
    with Journal.open(journal_dir) as journal:
        journal.append(session="@keys", type="key.set", data={"key": "k", "value": "ours"})
        assert store.keys.get("k") == "ours"
        other.do("store.keys.set('k', 'theirs again')")
        journal.append(session="@keys", type="key.deleted", data={"key": "k"})
    assert store.keys.get("k") is None


def test_a_deletion_covers_what_its_author_had_read(store: SessionStore, other: Elsewhen) -> None:
    """Events before a sweep are hidden and events after it are not, whatever the clocks show."""
    other.do("store.append('s', 'user', 'old', id='m1')")
    store.delete("s")
    assert not store.exists("s")
    other.do("store.append('s', 'user', 'after the deletion', id='m2')")
    assert [m.content for m in store.messages("s")] == ["after the deletion"]
    other.do("store.clear('s')")
    store.append("s", "user", "after the clearing", id="m3")
    assert [m.content for m in store.messages("s")] == ["after the clearing"]
    assert store.projection.search("after").hits[0].id == "m3"
    assert len(store.projection.search("after").hits) == 1


def test_a_sweep_without_a_read_covers_every_lane(
    journal_dir: Path, store: SessionStore, other: Elsewhen
) -> None:
    """A deletion by a program that never read covers all lanes, and its own batch."""
    other.do("store.append('s', 'user', 'theirs', id='m1')")
    with Journal.open(journal_dir) as journal:
        journal.append_many(
            [
                {
                    "session": "s",
                    "id": "m2",
                    "type": "message.appended",
                    "data": {"role": "user", "content": "ours"},
                },
                {"session": "s", "type": "session.deleted", "data": {}},
                {
                    "session": "s",
                    "id": "m3",
                    "type": "message.appended",
                    "data": {"role": "user", "content": "behind"},
                },
            ]
        )
    assert [m.content for m in store.messages("s")] == ["behind"]


def test_a_prune_keeps_what_was_appended_after_its_read(
    store: SessionStore, other: Elsewhen
) -> None:
    """A session that ended and continues during a prune keeps only its new messages."""
    for name in ("s", "t"):
        store.append(name, "user", "old", id="m1")
        store.end(name)
    seen = store._seen(["s"])["s"]
    other.do("store.append('s', 'user', 'while it was pruned', id='m2')")
    store._delete({"s": seen})
    assert [m.content for m in store.messages("s")] == ["while it was pruned"]
    assert store.prune(clock.wall() + _YEAR) == ["t"]


def test_a_claim_has_one_holder(store: SessionStore, other: Elsewhen, journal_dir: Path) -> None:
    """A claim has one holder, and its tokens grow, whatever the clocks of the processes show."""
    other.do("mine = store.claims.acquire('job', holder='other', seconds=60)")
    other.do("assert mine.token == 1")
    assert store.claims.acquire("job", holder="us", seconds=60) is None
    other.do("assert store.claims.release(mine)")
    claim = store.claims.acquire("job", holder="us", seconds=60)
    assert claim is not None
    assert claim.token == 2
    other.do("assert store.claims.acquire('job', holder='other', seconds=60) is None")
    with SessionStore.open(journal_dir) as third:
        assert third.claims.acquire("job", holder="third", seconds=60) is None


def test_an_answer_is_after_its_question(store: SessionStore, other: Elsewhen) -> None:
    """A writer that read a message dates its own after it, whatever its clock shows."""
    other.do("store.append('s', 'user', 'question', id='q')")
    store.messages("s")
    store.append("s", "assistant", "answer", id="a")
    assert [m.content for m in store.messages("s")] == ["question", "answer"]


def test_a_handle_sees_its_own_writes(store: SessionStore, other: Elsewhen) -> None:
    """The next read includes what was written, beside a process with another clock."""
    for n in range(5):
        other.do(f"store.keys.set('k', {n}); store.append('s', 'user', 'x', id='o{n}')")
        store.keys.set("k", f"ours {n}")
        store.append("s", "user", "x", id=f"m{n}")
        assert store.keys.get("k") == f"ours {n}"
        assert f"m{n}" in [m.id for m in store.messages("s")]


def test_a_lane_that_is_dated_ahead_is_not_leased(journal_dir: Path, start: Start) -> None:
    """A writer with a right clock leases another lane, and dates its events by its clock."""
    before = Elsewhen(start(_ELSEWHEN, journal_dir, 12 * _YEAR))
    before.do("store.append('s', 'user', 'from 2038', id='m1')")
    before.process.communicate("", timeout=60)
    with Journal.open(journal_dir) as journal:
        journal.append_message("t", "user", "today", id="m2")
    assert lane_names(journal_dir) == ["1", "2"]
    [today] = [
        at for at in read_events(journal_dir / "lanes", lambda *_: None) if at.ref.lane == "2"
    ]
    assert abs(today.record.event.time - clock.wall()) < _HOUR
    assert read_status(open_directory(journal_dir)).ahead == ("1",)
    with SessionStore.open(journal_dir) as store:
        assert [view.session for view in store.sessions()] == ["t", "s"]
        # and a process with the wrong clock leases the other lane again
    again = Elsewhen(start(_ELSEWHEN, journal_dir, 12 * _YEAR))
    again.do("store.append('s', 'user', 'again', id='m3')")
    assert lane_names(journal_dir) == ["1", "2"]


def test_a_retired_lane_is_not_leased(journal_dir: Path) -> None:
    """A lane with a file `retired` is never leased again; readers still read it."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one", id="1")
    (journal_dir / "lanes/1/retired").touch(mode=0o600)
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "two", id="2")
    assert lane_names(journal_dir) == ["1", "2"]
    assert ids(journal_dir) == ["1", "2"]


def test_a_clock_that_steps_back_keeps_the_order(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that is written while the clock goes back an hour is read in order."""
    now = time.time_ns()
    with SessionStore.open(journal_dir) as store:
        for n, back in enumerate([0, 3600, 1800, 0]):
            monkeypatch.setattr("time.time_ns", lambda back=back: now - back * 10**9)
            store.append("s", "user", f"{n}", id=f"m{n}")
            store.keys.set("k", n)
            assert store.keys.get("k") == n
        assert [m.content for m in store.messages("s")] == ["0", "1", "2", "3"]
        times = [m.time for m in store.messages("s")]
        assert times[1] < times[2] < times[0]


def test_a_message_that_is_dated_ahead_moves_later_ones(store: SessionStore) -> None:
    """A message without a date never comes before an earlier one of its lane and session."""
    store.append("s", "user", "dated", id="m1", timestamp=clock.wall() + 5 * _HOUR)
    store.append("s", "user", "undated", id="m2")
    assert [m.id for m in store.messages("s")] == ["m1", "m2"]
    store.append("s", "user", "undated", id="m3")
    assert [m.id for m in store.messages("s")] == ["m1", "m2", "m3"]
    [m1, m2, m3] = store.messages("s")
    assert m2.time < m3.time < m1.time


@pytest.mark.parametrize("wall", [-1, 2**52 + 1, 2**63])
def test_a_clock_out_of_range_is_an_error(
    journal_dir: Path, wall: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock before 1970 or after 2112 raises an error that says so, and nothing is written."""
    with Journal.open(journal_dir) as journal:
        monkeypatch.setattr(clock, "wall", lambda: wall)
        with pytest.raises(ClockError, match=f"clock is at {wall} microseconds.*set the clock"):
            journal.append_message("s", "user", "hello")
        monkeypatch.undo()
        journal.append_message("s", "user", "hello", id="m1")
    assert ids(journal_dir) == ["m1"]


def test_the_highest_order_stops_edits_and_no_messages(journal_dir: Path) -> None:
    """After a record with the highest order, messages are appended, and an edit is refused."""
    write_lane(
        journal_dir / "lanes",
        "1",
        facts(replace(message("m0", "forged"), time=10**15, order=clock.MAX_ORDER - 1)),
    )
    with SessionStore.open(journal_dir) as store:
        store.messages("s")
        store.journal.append_many(
            [
                {
                    "session": "s",
                    "id": f"m{n}",
                    "type": "message.appended",
                    "data": {"role": "user"},
                }
                for n in range(1, 4)
            ]
        )
        assert [m.id for m in store.messages("s")] == ["m0", "m1", "m2", "m3"]
        with pytest.raises(AppendError, match=r"order of events in .* is at its end"):
            store.keys.set("k", 1)
        with pytest.raises(AppendError, match="at its end"):
            store.clear("s")
        with pytest.raises(AppendError, match="at its end"):
            store.keys.compare_and_set("k", 1, expected=ABSENT)
        store.append("s", "user", "one more", id="m4")
        assert [m.id for m in store.messages("s")][-1] == "m4"
    orders = [at.record.event.order for at in read_events(journal_dir / "lanes", lambda *_: None)]
    assert max(orders) == clock.MAX_ORDER


def test_orders_of_one_journal_do_not_affect_another(journal_dir: Path, tmp_path: Path) -> None:
    """Orders that were read in one journal do not change those of another."""
    clock.of(tmp_path / "elsewhere").observe(clock.MAX_ORDER)
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello")
    [at] = read_events(journal_dir / "lanes", lambda *_: None)
    assert at.record.event.order == at.record.event.time


def test_the_highest_order_that_any_thread_read_counts() -> None:
    """The highest order counts, in whatever order the threads run."""
    shared = clock.Clock()

    def read(first: int) -> None:
        for order in range(first, 16_000, 8):
            shared.observe(order)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared.read == 15_999


def test_a_claim_expires_by_the_boot_clock(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Setting the wall clock neither ends nor extends a claim; the boot clock counts."""
    claim = store.claims.acquire("job", holder="us", seconds=60)
    assert claim is not None
    real = clock.wall()
    for skew in (12 * _YEAR, -12 * _YEAR):
        monkeypatch.setattr(clock, "wall", lambda skew=skew: real + skew)
        assert store.claims.get("job") == claim
    monkeypatch.undo()
    later = since_boot() + 61_000_000
    monkeypatch.setattr("projector.store.claims.since_boot", lambda: later)
    assert store.claims.get("job") is None


def test_after_a_restart_a_claim_expires_by_the_wall_clock(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The boot clock cannot be compared with that of an earlier start of the machine."""
    claim = store.claims.acquire("job", holder="us", seconds=60)
    monkeypatch.setattr("projector.store.claims.boot_id", lambda: "another")
    assert store.claims.get("job") == claim
    real = clock.wall()
    monkeypatch.setattr(clock, "wall", lambda: real + 61_000_000)
    assert store.claims.get("job") is None
    assert store.claims.acquire("job", holder="them", seconds=60) is not None


def test_after_a_restart_a_lane_folder_gets_a_new_lane(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers that a power loss may have removed are not assigned again under one uuid."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one", id="1")
    monkeypatch.setattr("journal.lanes.lane.boot_id", lambda: "another")
    monkeypatch.setattr("journal.segments.segment_file.boot_id", lambda: "another")
    with Journal.open(journal_dir) as journal:
        position = journal.append_message("s", "user", "two", id="2")
    first, second = headers(journal_dir)
    assert (first.boot, second.boot) == (boot_id(), "another")
    assert first.lane != second.lane == position.lane
    assert position.seq == 1
    assert lane_names(journal_dir) == ["1"]
    assert ids(journal_dir) == ["1", "2"]


def test_a_frontier_reads_only_lanes_that_grew(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit examines each lane, and reads only those that grew."""
    with Journal.open(journal_dir) as one, Journal.open(journal_dir) as two:
        for journal in (one, two):
            journal.append_message("s", "user", "hello")
        frontier = Frontier(journal_dir / "lanes")
        reads: list[object] = []

        def counted(lane: Path, numbers: Sequence[int]) -> End | None:
            reads.append(lane)
            return read_end(lane, numbers)

        def counted_last(path: Path) -> tuple[int, int] | None:
            reads.append(path)
            return read_last(path)

        monkeypatch.setattr("journal.lanes.frontier.read_end", counted)
        monkeypatch.setattr("journal.lanes.frontier.read_last", counted_last)
        assert sorted(frontier.look().values()) == [1, 1]
        assert len(reads) == 2
        assert frontier.look() == frontier.look()
        assert len(reads) == 2
        two.append_message("s", "user", "more")
        assert sorted(frontier.look().values()) == [1, 2]
        assert len(reads) == 3


@pytest.mark.parametrize("skew", [-_HOUR, _HOUR])
def test_a_frontier_sees_a_lane_that_was_made_within_the_same_tick(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch, skew: int
) -> None:
    """Two changes of a folder can have one time, and a wrong clock does not show how old it is."""
    real, lanes = time.time_ns, journal_dir / "lanes"
    monkeypatch.setattr("time.time_ns", lambda: real() + skew * 1_000)
    with Journal.open(journal_dir) as one:
        one.append_message("s", "user", "hello")
        frontier, changed = Frontier(lanes), lanes.stat().st_mtime_ns
        assert len(frontier.look()) == 1
        with Journal.open(journal_dir) as two:
            two.append_message("s", "user", "hello")
            os.utime(lanes, ns=(changed, changed))
            assert len(frontier.look()) == 2


def test_a_frontier_lists_the_lanes_again_only_where_they_may_have_changed(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing counts if the time of the last change was seen a few ticks before it."""
    now, listed = [0], []

    def counted(path: Path) -> list[str]:
        listed.append(path)
        return list_lanes(path)

    monkeypatch.setattr("journal.lanes.frontier.list_lanes", counted)
    monkeypatch.setattr("journal.lanes.frontier.monotonic_ns", lambda: now[0])
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello")
        os.utime(journal_dir / "lanes", ns=(10**18 + 1, 10**18 + 1))
        frontier, counts = Frontier(journal_dir / "lanes"), []
        for ms in (0, 10, 30, 31, 10_000):
            now[0] = ms * 1_000_000
            frontier.look()
            counts.append(len(listed))
        assert counts == [1, 2, 3, 3, 3]


def test_a_frontier_examines_one_segment_when_a_folder_changes(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a hundred segments it examines the last one that is a regular file."""
    monkeypatch.setattr("journal.lanes.writer.ROLL_SIZE", 1)
    looked: list[str] = []

    def noted(path: Path) -> bool:
        looked.append(path.name)
        return is_segment(path)

    with Journal.open(journal_dir, fsync="never") as journal:
        for _ in range(100):
            journal.append_message("s", "user", "hello")
        (journal_dir / "lanes/1/000101.jsonl").mkdir()
        frontier = Frontier(journal_dir / "lanes")
        monkeypatch.setattr("journal.lanes.frontier.is_segment", noted)
        assert list(frontier.look().values()) == [100]
        assert looked == ["000101.jsonl", "000100.jsonl"]
        (journal_dir / "lanes/1/000101.jsonl").rmdir()
        assert list(frontier.ends().values()) == [100]


def test_a_writer_that_loses_its_lane_continues_with_higher_orders(
    journal_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that was ahead is right again; orders in the next lane are higher all the same."""
    real = clock.wall
    monkeypatch.setattr("journal.lanes.recovery.LOOK_EVERY", -1.0)
    monkeypatch.setattr("journal.lanes.group_commit.monotonic", lambda: float("inf"))
    with Journal.open(journal_dir, fsync="never") as journal:
        monkeypatch.setattr(clock, "wall", lambda: real() + 8 * _HOUR)
        journal.append_message("s", "user", "1", id="1")
        monkeypatch.setattr(clock, "wall", real)
        shutil.copytree(journal_dir / "lanes/1", tmp_path / "copy")
        shutil.rmtree(journal_dir / "lanes/1")
        with pytest.raises(AppendError, match="vanished"):
            journal.append_message("s", "user", "2", id="2")
        journal.append_message("s", "user", "2", id="2")
    (tmp_path / "copy").rename(journal_dir / "lanes/2")
    events = [at.record.event for at in read_events(journal_dir / "lanes", lambda *_: None)]
    orders = {event.id: event.order for event in events}
    assert orders["2"] > orders["1"]


def test_compare_and_set_of_an_absent_key(store: SessionStore, other: Elsewhen) -> None:
    """A deleted key counts as absent, whichever process deleted it."""
    other.do("store.keys.set('k', 1); store.keys.delete('k')")
    assert store.keys.compare_and_set("k", 2, expected=ABSENT)
    other.do("store.keys.delete('k')")
    assert store.keys.get("k") is None


def test_an_edit_in_a_handler_has_a_higher_order_than_its_handle(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler during its own thread's append uses another lane, with a higher order."""
    real = clock.wall
    monkeypatch.setattr(clock, "wall", lambda: real() + 5_000_000)
    with Journal.open(journal_dir) as journal:
        first = journal.append(session="@keys", type="key.set", data={"key": "k", "value": "first"})
        monkeypatch.undo()
        lanes = [first.lane]

        def handler() -> None:
            data = {"key": "k", "value": "second"}
            lanes.append(journal.append(session="@keys", type="key.set", data=data).lane)

        once(faulty_disk(monkeypatch), "in_write", handler)
        journal.append_message("s", "user", "in the middle of which a signal comes")
    assert len(set(lanes)) == 2
    with SessionStore.open(journal_dir) as store:
        assert store.keys.get("k") == "second"


def test_sweeps_cover_events_behind_a_damaged_header(
    journal_dir: Path, expect_problems: ExpectedProblems
) -> None:
    """Events whose lane is unknown are cleared and deleted like all others."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one", id="m1")
    path = segments(journal_dir)[0]
    path.write_bytes(b"X" + path.read_bytes()[1:])
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "two", id="m2")
        assert len(store.messages("s")) == 2
        store.clear("s")
        assert list(store.messages("s")) == []
        store.delete("s")
        assert not store.exists("s")
    expect_problems("damage", "header")


def test_a_deletion_covers_events_that_only_the_projection_has(journal_dir: Path) -> None:
    """Events that the journal lost and a reader still sees are deleted with their session."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "lost", id="m1")
    with SessionStore.open(journal_dir) as store:
        assert len(store.messages("s")) == 1
    segments(journal_dir)[0].unlink()
    with SessionStore.open(journal_dir) as store:
        store.delete("s")
        assert not store.exists("s")
    assert salvage(open_directory(journal_dir)).events == 1
    with SessionStore.open(journal_dir) as store:
        assert not store.exists("s")
