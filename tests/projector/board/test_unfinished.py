"""What a board keeps in memory of its tasks is what the projection has."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from journal.format.event_types import KEY_DELETED
from journal.format.new_event import new_event
from projector import Board, Selection, SessionStore, StaleClaim, forget
from projector.board.names import names_of
from projector.board.unfinished import Unfinished
from projector.store.deciding.unapplied import KeyValues, UnappliedKeys
from projector.store.keys import key_event

if TYPE_CHECKING:
    from pathlib import Path

NAMES = names_of("board")


def stored(board: Board, known: Unfinished) -> list[Any]:
    """Return what is known of the tasks of a board."""

    def query(db: Any) -> list[Any]:  # noqa: ANN401 - a connection
        return [list(known.by_priority(KeyValues(db))), known.by_change(db)]

    return board.store.read_all(query)


def assert_known(board: Board, known: Unfinished) -> None:
    """Compare with a first look."""
    assert stored(board, known) == stored(board, Unfinished(NAMES))


@pytest.mark.parametrize("seed", range(3))
def test_after_any_change_it_is_what_a_first_look_finds(journal_dir: Path, seed: int) -> None:
    """Other handles changed tasks, too, and a look may have missed many changes."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    known, ahead = Unfinished(NAMES), Unfinished(NAMES)
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
                actor.store.add(rng.sample(events, rng.choice((1, 2))))
            elif claim is not None and what == "complete":
                actor.complete(claim)
            elif claim is not None and rng.random() < 0.5:
                actor.release(claim)
            if rng.random() < 0.5:
                found = board.store.decisions.ask_on(
                    unapplied, lambda values: list(ahead.by_priority(values))
                )
                assert found == stored(board, known)[0]
                assert_known(board, known)
        assert_known(board, known)


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
