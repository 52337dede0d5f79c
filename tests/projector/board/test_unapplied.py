"""Decisions about tasks read what is not applied, and apply nothing while others wait."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from journal.format.event_types import KEY_DELETED, MESSAGE_APPENDED
from journal.format.new_event import new_event
from journal.lanes.edit_order import EditOrder
from projector import Board, NotFound, Selection, SessionStore, StaleClaim, forget
from projector.board import changes
from projector.board.names import names_of
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.forgetting import forget as forgetting
from projector.store.deciding import decisions
from projector.store.deciding.lanes import LaneTails
from projector.store.keys import key_event

if TYPE_CHECKING:
    from pathlib import Path

    from projector import TaskClaim
    from projector.store.deciding.unapplied import KeyValues

NAMES = names_of("board")
STATE = {"title": "x", "priority": 9, "after": [], "assignee": None, "state": "open"}
STATE |= {"token": 0, "number": 0}


@pytest.fixture
def boards(journal_dir: Path) -> Any:  # noqa: ANN401 - a fixture
    """Two handles on a board with six tasks that are applied."""
    with Board.open(journal_dir) as one, Board.open(journal_dir) as two:
        for number in range(6):
            one.add(f"task {number}", id=f"t{number}")
        assert len(two.tasks()) == 6
        yield one, two


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was asked with everything applied."""
    found: list[object] = []
    asks = decisions.Decisions._applied

    def ask(self: Any, question: Any) -> Any:  # noqa: ANN401 - any question
        found.append(question)
        return asks(self, question)

    monkeypatch.setattr(decisions.Decisions, "_applied", ask)
    return found


def claimed(board: Board, worker: str = "w") -> TaskClaim:
    """Claim a task that must be there."""
    claim = board.claim(worker=worker, seconds=60)
    assert claim is not None
    return claim


def test_workers_share_a_board_of_which_nothing_is_applied(
    boards: tuple[Board, Board], applied: list[object]
) -> None:
    """Each task is claimed once, completed once, and what waits for it becomes ready."""
    one, two = boards
    one.add("last", id="last", after=["t5"])
    before = one.store.projection.peek(lambda db: db and db.execute("PRAGMA data_version").get)
    done = Counter[str]()
    for _ in range(4):
        first, second = claimed(one, "w1"), claimed(two, "w2")
        assert first.task != second.task
        for board, claim in ((two, second), (one, first)):
            board.beat(claim)
            board.complete(claim)
            done[claim.task] += 1
        if len(done) == 6:
            break
    assert one.claim(worker="w2", seconds=60).task == "last"  # type: ignore[union-attr] # it is ready
    assert two.claim(worker="w1", seconds=60) is None
    assert set(done.values()) == {1}
    assert applied == []
    after = one.store.projection.peek(lambda db: db and db.execute("PRAGMA data_version").get)
    assert before == after
    assert {task.id for task in two.tasks(state="done")} == {f"t{number}" for number in range(6)}


def test_without_the_lanes_two_workers_get_one_task(
    boards: tuple[Board, Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is applied is not enough to decide on."""
    monkeypatch.setattr(LaneTails, "read", lambda *_, **__: [])
    one, two = boards
    assert claimed(one).task == claimed(two).task


def test_a_stale_claim_is_refused_by_what_is_not_applied(
    boards: tuple[Board, Board], applied: list[object]
) -> None:
    """The other worker's claim is in a lane, and in no projection."""
    one, two = boards
    stale = one.claim(worker="w1", seconds=0.001, task="t0")
    assert stale is not None
    time.sleep(0.005)
    now = two.claim(worker="w2", seconds=60, task="t0")
    assert now is not None
    assert now.token == stale.token + 1
    with pytest.raises(StaleClaim):
        one.complete(stale)
    two.release(now)
    with pytest.raises(StaleClaim):
        two.complete(now)
    assert [event.event for event in one.history("t0")] == [
        "added",
        "claimed",
        "claimed",
        "released",
    ]
    assert applied == []


def test_a_heartbeat_that_is_not_applied_keeps_a_claim_in_force(
    boards: tuple[Board, Board], applied: list[object]
) -> None:
    """It is read from the lane of its worker."""
    one, two = boards
    claim = one.claim(worker="w1", seconds=0.001, task="t0")
    assert claim is not None
    one.beat(type(claim)(claim.task, claim.worker, claim.token, claim.expires, 60.0))
    assert two.claim(worker="w2", seconds=60, task="t0") is None
    assert applied == []


def test_a_projector_that_hangs_keeps_nobody_from_deciding(
    boards: tuple[Board, Board], journal_dir: Path
) -> None:
    """It has the lock of the projection, and applies nothing."""
    one, two = boards
    lock = ProcessLock(generations(journal_dir).lock)
    assert lock.acquire()
    try:
        assert claimed(one).task != claimed(two).task
    finally:
        lock.release()


@pytest.mark.usefixtures("boards")
def test_boards_that_decide_on_private_copies_share_the_tasks(journal_dir: Path) -> None:
    """At `always`, what an answer rests on is applied; a projector that hangs does not do it."""
    lock = ProcessLock(generations(journal_dir).lock)
    assert lock.acquire()
    try:
        with (
            Board.open(journal_dir, fsync="always") as one,
            Board.open(journal_dir, fsync="always") as two,
        ):
            tasks = [claimed(board).task for _ in range(3) for board in (one, two)]
    finally:
        lock.release()
    assert sorted(tasks) == [f"t{number}" for number in range(6)]


@pytest.mark.parametrize("what", ["again", "odd key", "no key-value", "deleted", "requested"])
def test_what_is_not_clear_before_it_is_applied_is_applied(
    boards: tuple[Board, Board],
    applied: list[object],
    journal_dir: Path,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An id that was used twice, a namespace that is deleted, a request to forget, odd data."""
    one, two = boards
    if what == "again":
        one.add("another title", id="t0", priority=5)
    elif what == "odd key":
        one.store.add([{**key_event(NAMES.tasks, "t0", 1), "id": "add:t1"}])
    elif what == "no key-value":
        one.store.add([new_event(NAMES.tasks, "message.appended", {"role": "user"})])
    elif what == "deleted":
        one.store.delete(NAMES.tasks)
    else:
        with monkeypatch.context() as patch:
            patch.setattr(forgetting, "finish_requested", lambda *_, **__: None)
            forget(journal_dir, Selection(sessions=("t0",)))
    if what == "deleted":
        with pytest.raises(NotFound):
            two.claim(worker="w", seconds=60, task="t0")
        assert two.claim(worker="w", seconds=60) is None
    elif what == "requested":
        assert claimed(two).task == "t1"
    else:
        assert two.claim(worker="w", seconds=60, task="t0") is not None
    assert applied


def test_after_a_request_to_forget_a_decision_applies_nothing(
    boards: tuple[Board, Board], applied: list[object], journal_dir: Path
) -> None:
    """It hides what is not applied as the projection does."""
    one, two = boards
    forget(journal_dir, Selection(sessions=("t0",)))
    one.tasks()
    for number in range(2):
        claim = claimed(one if number else two)
        two.complete(claim)
    applied.clear()
    assert claimed(two).task == "t3"
    with pytest.raises(NotFound):
        two.claim(worker="w", seconds=60, task="t0")
    assert claimed(one).task == "t4"
    assert not applied
    # a session that is forgotten stays so; a task that is added again is another one
    said = {"role": "system", "content": "Claimed"}
    one.store.add([new_event("t0", MESSAGE_APPENDED, said, id=f"{changes.HISTORY}1")])
    assert claimed(two).task == "t5"
    assert applied
    one.tasks()
    applied.clear()
    one.store.add([key_event(NAMES.tasks, "t0", STATE)])
    assert claimed(two).task == "t0"
    assert not applied
    assert [task.id for task in one.tasks(state="claimed")] == ["t3", "t4", "t5", "t0"]


def test_without_the_key_of_a_request_all_is_applied(
    boards: tuple[Board, Board], applied: list[object], journal_dir: Path
) -> None:
    """What the request forgets is not known then."""
    forget(journal_dir, Selection(sessions=("t0",)))
    boards[0].tasks()
    key = (journal_dir / "key").read_bytes()
    (journal_dir / "key").unlink()
    with Board.open(journal_dir) as board:
        assert claimed(board).task == "t1"
    assert applied
    (journal_dir / "key").write_bytes(key)
    (journal_dir / "key").chmod(0o600)


def test_values_are_those_of_the_last_writer(journal_dir: Path, applied: list[object]) -> None:
    """Whatever lane an event is in, and whether it is applied."""
    with SessionStore.open(journal_dir) as one, Board.open(journal_dir) as board:
        other = board.store
        found: list[object] = []

        def look(values: KeyValues) -> object:
            return values.get(NAMES.beats, "a"), values.get(NAMES.beats, "b", "none")

        for number, writer in enumerate((one, other, one, other)):
            writer.add([key_event(NAMES.beats, "a", number)])
            if number == 1:
                one.add([key_event(NAMES.beats, "b", 7)])
                assert len(one.sessions(limit=9)) >= 0  # it applies everything
            found.append(other.decisions.ask_on(board._unapplied, look))
        one.add([new_event(NAMES.beats, KEY_DELETED, {"key": "a"})])
        one.add([new_event(NAMES.beats, KEY_DELETED, {"key": "b"})])
        found.append(other.decisions.ask_on(board._unapplied, look))
    assert found == [(0, "none"), (1, 7), (2, 7), (3, 7), (None, "none")]
    assert len(applied) == 1  # the first one: there was no projection


def test_a_worker_applies_what_many_decisions_have_left(
    boards: tuple[Board, Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each decision would look at more and more of it."""
    monkeypatch.setattr(decisions, "_FAR", 10)
    monkeypatch.setattr(decisions, "_REST", 0.0)
    one, _ = boards
    for _ in range(6):
        one.complete(claimed(one))
    behind = one.store.projection.behind()
    assert behind is None or behind.events <= 12


def test_a_heartbeat_after_a_claim_reads_no_lane(
    boards: tuple[Board, Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place in the order follows from what the claim has read; later it is read again."""
    one, two = boards
    looks: list[object] = []
    look = EditOrder.look

    def counted(self: EditOrder, *args: Any) -> Any:  # noqa: ANN401 - as `look`
        looks.append(self)
        return look(self, *args)

    monkeypatch.setattr(EditOrder, "look", counted)
    claim = claimed(one)
    one.beat(claim)
    one.complete(claim)
    assert looks == []
    two.beat(claim)
    assert len(looks) == 1
