"""A board: tasks, claims that expire, heartbeats, dependencies, and what a crash leaves."""

from __future__ import annotations

import math
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

import journal.arbiter
from journal import EventError, Journal
from journal.fs import disk
from projector import (
    Board,
    ClosedError,
    DependencyCycle,
    NotFound,
    QueryError,
    Selection,
    SessionStore,
    StaleClaim,
    Task,
    TaskClaim,
    forget,
)
from projector.board import changes
from projector.board.names import names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CONTENDERS = 32


@pytest.fixture
def board(journal_dir: Path) -> Iterator[Board]:
    """A board in a new journal."""
    with Board.open(journal_dir) as board:
        yield board


def claimed(
    board: Board, worker: str = "w1", seconds: float = 60, task: str | None = None
) -> TaskClaim:
    """Claim the task that is ready."""
    claim = board.claim(worker=worker, seconds=seconds, task=task)
    assert claim is not None
    return claim


class CountingDisk(disk.Disk):
    """A disk that counts writes."""

    writes = 0

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write, and count it."""
        type(self).writes += 1
        return super().write(fd, data)


def titles(tasks: list[Task]) -> list[str]:
    """Return the titles of tasks."""
    return [task.title for task in tasks]


def test_a_task_goes_from_open_to_done(board: Board) -> None:
    """What was done to it is in its history, and what was said in its comments."""
    id = board.add("Write the parser", body="As in\n\nthe format.", priority=2)
    claim = claimed(board)
    assert (claim.task, claim.worker, claim.token) == (id, "w1", 1)
    assert board.claim(worker="w2") is None
    board.comment(id, "Half of it.", author="w1")
    board.complete(claim, result={"lines": 30})
    found = board.task(id)
    assert (found.task.state, found.task.ready, found.task.holder) == ("done", False, "w1")
    assert found.task.result == {"lines": 30}
    assert found.body == "As in\n\nthe format."
    assert [(c.author, c.text) for c in board.comments(id)] == [("w1", "Half of it.")]
    happened = [(e.number, e.event, e.by, e.token) for e in board.history(id)]
    assert happened == [(0, "added", None, 0), (1, "claimed", "w1", 1), (2, "completed", "w1", 1)]
    assert [task.id for task in board.tasks(state="done")] == [id]


def test_the_highest_priority_is_claimed_first_and_then_the_longest_unchanged(board: Board) -> None:
    """A task that was given back waits behind the others of its priority."""
    for title, priority in (("low", -1), ("first", 0), ("second", 0), ("high", 7)):
        board.add(title, priority=priority)
    assert titles(board.ready()) == ["high", "first", "second", "low"]
    board.complete(claimed(board))
    board.release(claimed(board), "tired")
    assert titles(board.ready()) == ["second", "first", "low"]


def test_a_task_is_found_by_its_title_its_body_and_its_comments(board: Board) -> None:
    """A search of the journal finds them; the history comes as messages of a machine."""
    id = board.add("A zorglub", body="with flumox")
    board.comment(id, "and quibble")
    board.release(claimed(board), "no wombat")
    for word in ("zorglub", "flumox", "quibble", "wombat"):
        assert {hit.session for hit in board.store.search(word)} == {id}, word
    assert board.store.session(id).title == "A zorglub"
    assert [m.by_machine for m in board.store.messages(id)] == [False, False, True, True]


def test_the_same_task_again_has_no_effect(board: Board) -> None:
    """A caller that lost the answer of `add` can repeat it, also when the task is done."""
    board.add("Once", id="t1", after=[board.add("Before", id="t0")])
    assert board.add("Once", id="t1", after=["t0"]) == "t1"
    board.complete(claimed(board))
    board.complete(claimed(board))
    board.add("Once", id="t1", after=["t0"])
    assert board.ready() == []
    assert len(board.store.messages("t1")) == 3
    assert board.store.projection.status().conflicts == 0


def test_one_of_many_processes_gets_a_task(board: Board) -> None:
    """32 processes that try at once: one has the claim, and none an error."""
    board.add("Only one")
    board.store.settle()
    read, write = os.pipe()
    children = []
    for number in range(_CONTENDERS):
        if (child := os.fork()) == 0:
            os.close(write)
            code = 9
            try:
                os.read(read, 1)  # returns when the parent closes its end
                with Board.open(board.store.journal.path, timeout=60) as own:
                    code = 0 if own.claim(worker=f"w{number}") is None else 1
            finally:
                os._exit(code)
        children.append(child)
    os.close(read)
    os.close(write)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert sorted(codes) == [0] * (_CONTENDERS - 1) + [1]
    (task,) = board.tasks()
    assert (task.state, task.holder, task.token) == ("claimed", f"w{codes.index(1)}", 1)


def test_a_claim_that_expired_is_replaced_and_its_holder_is_refused(board: Board) -> None:
    """The new claim has a higher token; the old one can neither complete, block nor release."""
    id = board.add("Slow")
    stale = claimed(board, "w1", 0.02)
    time.sleep(0.03)
    assert [task.ready for task in board.tasks()] == [True]
    fresh = claimed(board, "w2")
    assert fresh.token == stale.token + 1
    before = board.history(id)
    refused: list[Callable[[], None]] = [
        lambda: board.complete(stale),
        lambda: board.block(stale, "why"),
        lambda: board.release(stale),
    ]
    for call in refused:
        with pytest.raises(StaleClaim, match=r"'w1' does not hold .* it is claimed by 'w2'"):
            call()
    assert board.history(id) == before
    board.complete(fresh)
    with pytest.raises(StaleClaim, match="done by 'w2'"):
        board.complete(stale)


def test_an_expired_claim_that_nobody_replaced_can_still_complete(board: Board) -> None:
    """Only another claim makes one stale."""
    board.add("Late")
    claim = claimed(board, seconds=0.01)
    time.sleep(0.02)
    board.complete(claim)
    assert [task.state for task in board.tasks()] == ["done"]


def test_a_heartbeat_extends_a_claim(board: Board) -> None:
    """A claim is in force for its seconds after the last heartbeat."""
    id = board.add("Long")
    claim = claimed(board, seconds=2)
    for _ in range(3):
        time.sleep(0.8)
        beaten = board.beat(claim)
        assert beaten.expires > claim.expires
        assert board.claim(worker="w2") is None
    assert board.task(id).task.expires == beaten.expires
    time.sleep(2.05)
    assert claimed(board, "w2").token == 2


def test_a_heartbeat_of_a_stale_claim_does_not_touch_the_new_one(board: Board) -> None:
    """Each claim has heartbeats of its own."""
    board.add("Contested")
    stale = claimed(board, "w1", 0.01)
    time.sleep(0.02)
    fresh = claimed(board, "w2", 0.05)
    fresh = board.beat(TaskClaim(fresh.task, "w2", fresh.token, fresh.expires, 60))
    board.beat(stale)
    assert board.tasks()[0].expires == fresh.expires
    time.sleep(0.06)
    assert board.claim(worker="w3") is None


def test_heartbeats_comments_and_new_tasks_take_no_lock(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They append once each, while another process holds the lock of decisions."""
    id = board.add("Held")
    claim = claimed(board)
    locked: list[object] = []
    monkeypatch.setattr(journal.arbiter, "lock_in_turn", lambda *_: locked.append(1))
    monkeypatch.setattr(disk, "in_use", CountingDisk())
    board.beat(claim)
    board.comment(id, "still at it")
    board.add("another")
    assert CountingDisk.writes == 3
    assert locked == []


def test_a_task_waits_for_those_before_it(board: Board) -> None:
    """It is ready when all of them are done."""
    first, second = board.add("first"), board.add("second")
    last = board.add("last", after=[first, second], priority=9)
    assert titles(board.ready()) == ["first", "second"]
    assert board.claim(worker="w1", task=last) is None
    board.complete(claimed(board, task=first))
    assert titles(board.ready()) == ["second"]
    board.complete(claimed(board))
    assert claimed(board).task == last


def test_dependencies_that_would_be_a_cycle_are_refused(board: Board) -> None:
    """The error names the chain, and nothing is written."""
    first = board.add("first", id="a")
    board.add("second", id="b", after=[first])
    board.add("third", id="c", after=["b"])
    with pytest.raises(DependencyCycle, match="'a' → 'c' → 'b' → 'a'"):
        board.depend("a", ["c"])
    with pytest.raises(DependencyCycle):
        board.depend("a", ["a"])
    with pytest.raises(DependencyCycle):
        board.add("own", id="d", after=["d"])
    with pytest.raises(NotFound, match="no task 'missing'"):
        board.add("own", id="d", after=["missing"])
    assert [len(board.history(id)) for id in "abc"] == [1, 1, 1]
    board.depend("c", [], by="lead")
    assert titles(board.ready()) == ["first", "third"]
    board.depend("a", ["c"])
    assert titles(board.ready()) == ["third"]
    assert board.history("c")[-1].note == "nothing"


def test_a_blocked_task_waits_until_it_is_unblocked(board: Board) -> None:
    """Its reason is shown meanwhile."""
    id = board.add("Stuck")
    board.block(claimed(board), "no key")
    found = board.tasks(state="blocked")
    assert [(task.reason, task.holder, task.ready) for task in found] == [("no key", "w1", False)]
    assert board.claim(worker="w2") is None
    assert board.unblock(id, by="lead")
    assert not board.unblock(id)
    assert claimed(board, "w2").token == 2
    assert [e.event for e in board.history(id)] == [
        *("added", "claimed", "blocked", "unblocked", "claimed")
    ]


def test_an_assigned_task_is_claimed_by_its_worker_only(board: Board) -> None:
    """Others do not see it as ready."""
    board.add("Mine", assignee="w2")
    assert board.ready(worker="w1") == []
    assert board.claim(worker="w1") is None
    assert titles(board.ready(worker="w2")) == ["Mine"]
    assert claimed(board, "w2").token == 1


def test_a_claim_that_ran_out_shows_when_its_last_heartbeat_ended(board: Board) -> None:
    """The end of a task's claim is the same before and after it."""
    board.add("Slow")
    claim = claimed(board, "w1", seconds=0.05)
    beaten = board.beat(claim)
    assert beaten.expires > claim.expires
    time.sleep(0.1)
    (task,) = board.tasks()
    assert (task.ready, task.expires) == (True, beaten.expires)


def test_a_worker_that_dies_loses_its_task_when_the_claim_expires(board: Board) -> None:
    """The kernel frees its lock, and the task is neither lost nor done."""
    id = board.add("Deadly")
    if (child := os.fork()) == 0:
        try:
            with Board.open(board.store.journal.path) as own:
                own.claim(worker="dead", seconds=0.3)
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert board.claim(worker="w2") is None
    time.sleep(0.35)
    claim = claimed(board, "w2")
    board.complete(claim)
    assert [(e.event, e.by) for e in board.history(id)] == [
        ("added", None),
        ("claimed", "dead"),
        ("claimed", "w2"),
        ("completed", "w2"),
    ]


@pytest.mark.parametrize("kept", [1, 2])
def test_a_change_that_a_crash_cut_short_is_whole(journal_dir: Path, kept: int) -> None:
    """The first event is the decision: the next change appends what the crash lost."""
    names = names_of("board")
    with Board.open(journal_dir) as board:
        id = board.add("Cut")
        claim = claimed(board)
        state = board.store.keys.get(id, namespace=names.tasks)
        after = changes.ended(state, "done", result=5)
        events = changes.changed(names, id, state, after, event="completed", by="w1")
        board.store.add(events[:kept])
        assert [task.state for task in board.tasks()] == ["done"]
        assert [e.event for e in board.history(id)] == ["added", "claimed", "completed"]
        board.complete(claim)  # as a worker does that got no answer
        assert board.claim(worker="w2") is None

        other = board.add("Cut, too")
        state = board.store.keys.get(other, namespace=names.tasks)
        after = changes.claimed(state, "w1", 0.01)
        events = changes.changed(names, other, state, after, event="claimed", by="w1")
        board.store.add(events[:1])
        time.sleep(0.02)
        assert claimed(board, "w2").token == 2
        assert [m.id for m in board.store.messages(other)] == ["task", "board:1", "board:2"]
        assert [(e.event, e.by) for e in board.history(other)[1:]] == [
            ("claimed", "w1"),
            ("claimed", "w2"),
        ]


def test_the_same_claim_completes_once(board: Board) -> None:
    """A worker that got no answer repeats the call; another outcome of the same claim is stale."""
    id = board.add("Twice")
    claim = claimed(board)
    board.complete(claim)
    board.complete(claim)
    assert len(board.history(id)) == 3
    with pytest.raises(StaleClaim):
        board.release(claim)


def test_what_other_programs_set_does_not_stop_a_board(board: Board) -> None:
    """A key-value that is no task is passed over, and a heartbeat that is none does not count."""
    names = names_of("board")
    good = board.add("Good")
    values: list[object] = [None, 5, [], {}, {"title": "x"}]
    values.append({"title": "x", "priority": True, "state": "open"})
    for number, value in enumerate(values):
        board.store.keys.set(f"bad{number}", value, namespace=names.tasks)
        board.store.keys.set(f"bad{number}", value, namespace=names.done)
        board.store.keys.set(f"{good}_1", value, namespace=names.beats)
    assert titles(board.tasks()) == ["Good"]
    claim = claimed(board, seconds=0.01)
    assert claim.task == good
    time.sleep(0.02)
    assert titles(board.ready()) == ["Good"]


def test_a_board_is_the_same_after_a_rebuild(board: Board) -> None:
    """Its tasks and their histories are a function of the events."""
    first = board.add("first", id="a")
    board.add("second", id="b", after=[first])
    board.complete(claimed(board))
    board.comment("b", "soon", id="c1")
    board.block(claimed(board), "no")
    before = board.tasks(), board.task("a"), board.task("b")
    board.store.projection.rebuild()
    assert (board.tasks(), board.task("a"), board.task("b")) == before


def test_boards_of_one_journal_are_apart(journal_dir: Path) -> None:
    """Each has tasks of its own; a store that is open can be used."""
    with SessionStore.open(journal_dir) as store:
        left, right = Board(store, name="left"), Board(store, name="right")
        left.add("L")
        right.add("R")
        assert (titles(left.tasks()), titles(right.tasks())) == (["L"], ["R"])
        with pytest.raises(NotFound, match="the board 'right' has no task"):
            right.task(left.tasks()[0].id)


def test_a_board_that_was_closed_refuses_every_call(journal_dir: Path) -> None:
    """`close` may be called again."""
    board = Board.open(journal_dir)
    id = board.add("x")
    claim = claimed(board)
    board.close()
    board.close()
    calls: list[Callable[[], object]] = [
        lambda: board.add("y"),
        lambda: board.claim(worker="w"),
        lambda: board.beat(claim),
        lambda: board.comment(id, "x"),
        lambda: board.complete(claim),
        board.ready,
        lambda: board.task(id),
    ]
    for call in calls:
        with pytest.raises(ClosedError):
            call()


BAD: dict[str, tuple[str, Callable[[Board, TaskClaim], object]]] = {
    "title": ("title must not be empty", lambda b, _: b.add(" ")),
    "title lines": ("title must be one line", lambda b, _: b.add("a\nb")),
    "title length": ("title must have at most 1,000", lambda b, _: b.add("a" * 1_001)),
    "id length": ("id must have at most 1,000 characters", lambda b, _: b.add("a", id="x" * 1_001)),
    "body": ("body", lambda b, _: b.add("a", body=5)),  # type: ignore[arg-type]
    "priority": ("priority must be a whole", lambda b, _: b.add("a", priority=1.5)),  # type: ignore[arg-type]
    "priority bool": ("priority must be a whole", lambda b, _: b.add("a", priority=True)),
    "after": ("after", lambda b, _: b.add("a", after="abc")),
    "after item": (r"after\[0\]", lambda b, _: b.add("a", after=[5])),  # type: ignore[list-item]
    "assignee": ("assignee", lambda b, _: b.add("a", assignee="")),
    "id": ("id must not be empty", lambda b, _: b.add("a", id="")),
    "worker": ("worker", lambda b, _: b.claim(worker="")),
    "seconds": ("seconds", lambda b, _: b.claim(worker="w", seconds=0)),
    "seconds nan": ("seconds", lambda b, _: b.claim(worker="w", seconds=math.nan)),
    "beat": ("claim must be a TaskClaim", lambda b, _: b.beat("t")),  # type: ignore[arg-type]
    "complete": ("claim must be a TaskClaim", lambda b, _: b.complete(None)),  # type: ignore[arg-type]
    "result": ("result", lambda b, c: b.complete(c, result=math.nan)),
    "reason": ("reason must not be empty", lambda b, c: b.block(c, "")),
    "comment": ("text must not be empty", lambda b, _: b.comment("t", " ")),
    "comment task": ("task", lambda b, _: b.comment("", "x")),
    "by": ("by", lambda b, _: b.unblock("t", by=5)),  # type: ignore[arg-type]
    "large": ("16,777,216", lambda b, _: b.add("a", body="x" * 2**24)),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_argument_is_named_and_nothing_is_written(board: Board, name: str) -> None:
    """The error says what it must be."""
    message, call = BAD[name]
    board.add("Good")
    claim = claimed(board)
    events = board.store.projection.status().events
    with pytest.raises(EventError, match=message):
        call(board, claim)
    assert board.store.projection.status().events == events


def test_a_wrong_name_is_refused(board: Board, tmp_path: Path) -> None:
    """Also before a journal is made for it."""
    for name in ("", "a/b", "x" * 5_000):
        with pytest.raises(EventError, match="name must be"):
            Board.open(tmp_path / "new", name=name)
    assert not (tmp_path / "new").exists()
    with pytest.raises(EventError, match="store must be a SessionStore"):
        Board(str(tmp_path))  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="state must be"):
        board.tasks(state="gone")  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        board.claim(worker="w", task="missing")


def test_secrets_are_replaced_on_a_board_that_redacts(journal_dir: Path) -> None:
    """Titles, bodies, comments and reasons have marks, in messages and in key-values."""
    secret = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    with Board.open(journal_dir, redact=True) as board:
        id = board.add(f"Use {secret}", body=secret)
        board.comment(id, f"with {secret}")
        board.release(claimed(board), f"bad {secret}")
        assert board.tasks()[0].title.startswith("Use ")
    with Journal.open(journal_dir) as plain:
        lanes = plain.path / "lanes"
    assert secret.encode() not in b"".join(p.read_bytes() for p in lanes.rglob("*.jsonl"))


def test_a_task_can_be_forgotten(journal_dir: Path) -> None:
    """Its session, its state and its heartbeats go; a task that no longer waits for it stays."""
    with Board.open(journal_dir) as board:
        board.add("zorglub", id="task-one")
        board.add("after it", id="task-two", after=["task-one"])
        board.beat(claimed(board))
        board.depend("task-two", [])
    forget(journal_dir, Selection(sessions=("task-one",)))
    with Board.open(journal_dir) as board:
        assert titles(board.tasks()) == ["after it"]
        assert not board.store.search("zorglub")
        board.complete(claimed(board))
    held = b"".join(path.read_bytes() for path in (journal_dir / "lanes").rglob("*.jsonl"))
    assert b"zorglub" not in held
    assert b"task-one_1" not in held
