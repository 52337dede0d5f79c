"""What a board keeps in memory of its tasks is what the projection has."""

from __future__ import annotations

import random
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from journal.format.event_types import KEY_DELETED
from journal.format.new_event import new_event
from projector import Board, Selection, SessionStore, StaleClaim, forget
from projector.board import unfinished
from projector.board.names import names_of
from projector.board.stored import valid
from projector.board.unfinished import Unfinished
from projector.store.deciding.unapplied import KeyValues, UnappliedKeys
from projector.store.deciding.values import key_values
from projector.store.keys import key_event

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

NAMES = names_of("board")
STATE: dict[str, Any] = {
    "title": "raw",
    "after": [],
    "assignee": None,
    "state": "open",
    "token": 0,
    "number": 0,
}


def stored(board: Board, known: Unfinished) -> list[Any]:
    """Return what is known of the tasks of a board."""

    def query(db: Any) -> list[Any]:  # noqa: ANN401 - a connection
        return [list(known.by_priority(KeyValues(db))), known.by_change(db)]

    return board.store.read_all(query)


def all_unfinished(db: apsw.Connection) -> list[Any]:
    """Return what `stored` must return, from all key-values."""
    done = key_values(db, NAMES.done)
    query = "SELECT k.ord, k.key, k.value FROM _keys k JOIN _sessions s ON s.id = k.session"
    rows = db.execute(f"{query} WHERE s.session = ? AND k.value IS NOT NULL", (NAMES.tasks,))
    states = [(ord, key, valid(orjson.loads(value))) for ord, key, value in rows if key not in done]
    by_change = sorted(each for each in states if each[2] is not None)
    by_priority = sorted(by_change, key=lambda each: -(each[2] or {})["priority"])
    return [[each[1:] for each in by_priority], [each[1:] for each in by_change]]


def assert_known(board: Board, known: Unfinished) -> None:
    """Compare with a first look, and with all key-values."""
    expected = board.store.read_all(all_unfinished)
    assert stored(board, known) == stored(board, Unfinished(NAMES)) == expected


@pytest.mark.parametrize("few", [1, 3, 64])
@pytest.mark.parametrize("seed", range(3))
def test_after_any_change_it_is_what_a_first_look_finds(
    journal_dir: Path, seed: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other handles changed tasks, too, and a look may have missed many changes."""
    monkeypatch.setattr(unfinished, "_FEW", few)
    monkeypatch.setattr(unfinished, "_GROWTH", 2)
    rng = random.Random(seed)  # noqa: S311 - no secret
    known, ahead, begun = Unfinished(NAMES), Unfinished(NAMES), Unfinished(NAMES)
    with Board.open(journal_dir) as board, Board.open(journal_dir) as other:
        unapplied = UnappliedKeys(journal_dir, (NAMES.tasks, NAMES.done, NAMES.beats), "board:")
        for number in range(60):
            actor = rng.choice((board, other))
            what = rng.choice(("add", "claim", "claim", "complete", "release", "again", "raw"))
            claim = actor.claim(worker="w", seconds=60) if what in ("claim", "complete") else None
            if what == "add" or number < 5:
                actor.add(f"task {number}", id=f"t{number}", priority=rng.randrange(3))
            elif what == "again":  # an event under an id that there is: a conflict
                actor.add(f"again {number}", id=f"t{rng.randrange(5)}", priority=9)
            elif what == "raw":
                key = f"t{rng.randrange(60)}"
                events = [key_event(NAMES.tasks, key, rng.choice(("no state", {"title": 1})))]
                events.append(new_event(NAMES.tasks, KEY_DELETED, {"key": key}))
                events.append(new_event(NAMES.done, KEY_DELETED, {"key": key}))
                priority = rng.choice((5, -5, 0, 2.5, "high", True, 2**63 + 1, 2**63 + 2))
                events.append(key_event(NAMES.tasks, key, {**STATE, "priority": priority}))
                actor.store.add(rng.sample(events, rng.choice((1, 2))))
            elif claim is not None and what == "complete":
                actor.complete(claim)
            elif claim is not None and rng.random() < 0.5:
                actor.release(claim)
            if rng.random() < 0.5:
                count = rng.choice((1, 1, 2, 100))

                def first(known: Unfinished, values: KeyValues, count: int = count) -> list[Any]:
                    return list(islice(known.by_priority(values), count))

                found = board.store.decisions.ask_on(unapplied, lambda values: first(ahead, values))
                assert found == stored(board, known)[0][:count]
                assert board.store.read_all(lambda db: first(begun, KeyValues(db))) == found
                assert_known(board, known)
        assert_known(board, known)


def test_tasks_that_are_not_all_read_are_in_order(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite takes a large number for a float, and a task that is done may still have its state."""
    monkeypatch.setattr(unfinished, "_FEW", 2)
    known = Unfinished(NAMES)
    with SessionStore.open(journal_dir) as store:
        board = Board(store)
        for number in range(4):
            state = {**STATE, "priority": 2**63 + number}
            store.add([key_event(NAMES.tasks, f"large {number}", state)])
        assert_known(board, known)
        assert next(iter(stored(board, known)[0]))[0] == "large 3"
        store.delete(NAMES.tasks)
        for number in range(4):
            board.add("task", id=f"t{number}")
        store.add([key_event(NAMES.done, "t0", {**STATE, "priority": 0, "state": "done"})])
        assert_known(board, known)
        first = board.store.read_all(
            lambda db: next(Unfinished(NAMES).by_priority(KeyValues(db)))  # the others are not read
        )
        assert first[0] == "t1"


def test_a_task_that_is_not_read_yet_is_found_by_what_is_not_applied(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing behind the snapshot has its state."""
    monkeypatch.setattr(unfinished, "_FEW", 1)
    unapplied = UnappliedKeys(journal_dir, (NAMES.tasks, NAMES.done, NAMES.beats), "board:")
    with Board.open(journal_dir) as board:
        for number in range(3):
            board.add("task", id=f"t{number}")
        board.tasks()
        board.store.add([new_event(NAMES.done, KEY_DELETED, {"key": "t2"})])
        found = board.store.decisions.ask_on(
            unapplied, lambda values: list(Unfinished(NAMES).by_priority(values))
        )
    assert unapplied.count == 1
    assert [task for task, _ in found] == ["t0", "t1", "t2"]


def test_a_first_claim_decodes_a_few_tasks(
    board_of_many: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers that begin together would wait until each has decoded all tasks."""
    decoded = 0

    def loads(data: bytes | str) -> Any:  # noqa: ANN401 - any JSON
        nonlocal decoded
        decoded += 1
        return orjson.loads(data)

    monkeypatch.setattr(unfinished, "_FEW", 10)
    board_of_many.tasks()
    with Board.open(board_of_many.store.journal.path) as board:
        monkeypatch.setattr(unfinished, "orjson", SimpleNamespace(loads=loads))
        assert board.claim(worker="w", seconds=60) is not None
    assert 0 < decoded < 20


def test_it_follows_a_rebuild_and_a_request_to_forget(journal_dir: Path) -> None:
    """Another generation is read from its beginning."""
    known = Unfinished(NAMES)
    with Board.open(journal_dir) as board:
        for number in range(3):
            board.add(f"task {number}", id=f"t{number}")
        assert_known(board, known)
        board.store.projection.rebuild()
        board.add("task 3", id="t3")
        assert_known(board, known)
        forget(journal_dir, Selection(sessions=("t1",)))
        assert [task for task, _ in stored(board, known)[0]] == ["t0", "t2", "t3"]
        assert_known(board, known)


def test_a_namespace_that_is_deleted_takes_its_tasks_with_it(journal_dir: Path) -> None:
    """No key of it was set or deleted by itself."""
    known = Unfinished(NAMES)
    with SessionStore.open(journal_dir) as store:
        board = Board(store)
        board.add("gone")
        assert len(stored(board, known)[0]) == 1
        store.delete(NAMES.tasks)
        assert stored(board, known) == [[], []]
        board.add("new")
        assert_known(board, known)


def test_a_search_for_work_reads_what_was_changed(board_of_many: Board) -> None:
    """Among a hundred tasks a claim and a completion read a few key-values."""
    db = board_of_many.store.projection
    read: list[str] = []

    def steps(query: str) -> None:
        read.append(query)

    def trace(connection: Any) -> None:  # noqa: ANN401 - a connection
        connection.trace_v2(1, lambda event: steps(event["sql"]))

    claim = board_of_many.claim(worker="w", seconds=60)
    assert claim is not None
    db.read(trace)
    again = board_of_many.claim(worker="w", seconds=60)
    assert again is not None
    with pytest.raises(StaleClaim):
        board_of_many.complete(type(again)(again.task, "x", again.token, again.expires, 60))
    assert 0 < sum("FROM _keys" in query for query in read) < 20
    assert not any("SELECT key, value, ord FROM _keys" in query for query in read)


@pytest.fixture
def board_of_many(journal_dir: Path) -> Any:  # noqa: ANN401 - a fixture
    """A board with a hundred tasks."""
    with Board.open(journal_dir) as board:
        for number in range(100):
            board.add(f"task {number}")
        yield board
