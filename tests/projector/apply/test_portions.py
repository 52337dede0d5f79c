"""A transaction has a bounded number of changes, and a fold in several has the same result."""

from __future__ import annotations

import time
from functools import partial
from itertools import chain, pairwise, repeat
from typing import TYPE_CHECKING

import apsw
import pytest

from journal import Journal
from journal.fs.directory import open_directory
from projector import Projection, SessionStore
from projector.db.generations import generations
from projector.run import projector as project_module
from projector.run.build import rebuild
from projector.run.lock_holder import open_current
from tests.support.projections import projector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MESSAGES = 200


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a bound that a few messages reach."""
    monkeypatch.setattr(project_module, "_TRANSACTION", 20_000)


def _delete(store: SessionStore) -> None:
    store.delete("s")


def _clear(store: SessionStore) -> None:
    store.clear("s")


def _replace(store: SessionStore) -> None:
    new = [{"role": "user", "content": f"new {n}"} for n in range(MESSAGES)]
    store.replace_messages("s", new)


def _remove(store: SessionStore) -> None:
    store.remove_messages("s", [f"m{n}" for n in range(0, MESSAGES, 2)])


def _prune(store: SessionStore) -> None:
    for number in range(60):
        store.append(f"p{number}", "user", "word", timestamp=10**15)
        store.end(f"p{number}")
    store.projection.sessions()
    store.prune(2 * 10**15)


ACTS = [_delete, _clear, _replace, _remove, _prune]


@pytest.fixture
def filled(journal_dir: Path) -> Path:
    """A journal with a session of many messages, all applied."""
    with Journal.open(journal_dir) as journal:
        for number in range(MESSAGES):
            journal.append_message("s", "user", f"word {number} " * 20, id=f"m{number}")
    with Projection.open(journal_dir) as projection:
        projection.sessions()
    return journal_dir


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("act", ACTS)
def test_a_fold_in_several_transactions_gives_the_same_result(
    filled: Path, act: Callable[[SessionStore], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest is that of a rebuild, and the fold took several transactions."""
    with SessionStore.open(filled) as store:
        act(store)
    with projector(filled) as running:
        assert running.catch_up().commits > 2
    with Projection.open(filled) as projection:
        digest = projection.digest()
        monkeypatch.setattr(project_module, "_TRANSACTION", 4 * 1024 * 1024)
        rebuild(open_directory(filled))
        assert projection.digest() == digest


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("act", ACTS)
def test_an_interrupted_fold_is_continued(
    filled: Path, act: Callable[[SessionStore], None]
) -> None:
    """Between two transactions answers are behind; the next projector continues the fold."""
    with SessionStore.open(filled) as store:
        act(store)
        position = store.position
    assert position is not None
    rounds = 0
    with Projection.open(filled) as projection:
        while True:
            rounds += 1
            with projector(filled) as running:
                asked = chain([False] * 60, repeat(object=True))
                running.catch_up(stop=partial(next, asked))
                _, fresh = projection.read(lambda _: None, patience=0)
                if fresh:
                    break
                assert fresh.behind is not None
                assert not projection.has(position)
    assert rounds > 1


@pytest.mark.slow
def test_a_large_deletion_keeps_the_wal_small_and_the_time_limit(journal_dir: Path) -> None:
    """One event deletes 20,000 messages: the WAL stays small, and each transaction is short."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_many(
            {
                "session": "s",
                "type": "message.appended",
                "data": {"role": "user", "content": f"alpha {n} " + "filler words here " * 20},
            }
            for n in range(20_000)
        )
    rebuild(open_directory(journal_dir))
    with SessionStore.open(journal_dir) as store:
        store.delete("s")
    wal = generations(journal_dir).path(1).with_name("1.db-wal")
    sizes: list[int] = []
    moments = [time.monotonic()]

    def note(_: object) -> None:
        sizes.append(wal.stat().st_size)
        moments.append(time.monotonic())

    with projector(journal_dir) as running:
        running.catch_up(on_commit=note)
    assert len(sizes) > 3
    assert max(sizes) < 48 * 1024 * 1024
    assert max(behind - before for before, behind in pairwise(moments)) < 5
    with Projection.open(journal_dir) as projection:
        assert projection.search("alpha").hits == ()


@pytest.mark.slow
def test_a_first_build_that_a_time_limit_ends_is_continued(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers come from what is built so far, and the next query continues the build."""
    with Journal.open(journal_dir) as journal:
        for number in range(400):
            journal.append_message("s", "user", f"alpha {number} " + "x" * 20_000)
    monkeypatch.setattr(project_module, "_TRANSACTION", 100_000)
    with Projection.open(journal_dir, timeout=60) as projection:
        stops = iter([False] * 7)
        with monkeypatch.context() as patch:
            patch.setattr(
                "projector.reading.deadline.Deadline.is_over", lambda _: next(stops, True)
            )
            results = projection.search("alpha", limit=1000)
        assert results.behind is not None
        assert 0 < len(results.hits) < 400
        applied = projection.read(lambda db: db.execute("SELECT count(*) FROM _events").get)[0]
        assert applied == 400
        assert generations(journal_dir).current() == 1
        assert projection.search("alpha").fresh


def test_a_build_that_a_projector_began_is_continued(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After SIGTERM in the first build of `projector run`, the next build continues it."""
    with Journal.open(journal_dir) as journal:
        for number in range(200):
            journal.append_message("s", "user", f"alpha {number} " + "x" * 20_000)
    monkeypatch.setattr(project_module, "_TRANSACTION", 100_000)
    stops = iter([False] * 5)
    number, opened = open_current(open_directory(journal_dir), stop=lambda: next(stops, True))
    try:
        assert opened.marks
        assert opened.catch_up().events > 0
    finally:
        opened.close()
    assert number == 1


PRUNED = 1_500


@pytest.fixture
def pruned(journal_dir: Path) -> Path:
    """A journal in which many sessions were deleted, after they were applied."""
    with Journal.open(journal_dir, fsync="never") as journal:
        for number in range(PRUNED):
            session = f"p{number}"
            journal.append_many(
                [
                    {"session": session, "type": "session.created", "data": {"title": session}},
                    {"session": session, "type": "message.appended", "data": {"role": "user"}},
                    {"session": session, "type": "usage.added", "data": {"input_tokens": 1}},
                    {"session": session, "type": "key.set", "data": {"key": "k", "value": 1}},
                ]
            )
        rebuild(open_directory(journal_dir))
        journal.append_many(
            {"session": f"p{number}", "type": "session.deleted", "data": {}}
            for number in range(PRUNED)
        )
    return journal_dir


@pytest.mark.slow
@pytest.mark.parametrize("before", [10, 1_600, 4_000, 5_500])
def test_a_prune_of_many_sessions_ends_soon_after_the_time_limit(
    pruned: Path, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is folded at the limit is committed, and the next projector continues."""
    asked = chain([False] * before, repeat(object=True))
    statements: list[str] = []
    after: list[int] = []

    def stop() -> bool:
        is_over = next(asked)
        if is_over and not after:
            after.append(len(statements))
        return is_over

    def note(_cursor: object, sql: str, _bindings: object) -> bool:
        statements.append(sql)
        return True

    hooks = [*apsw.connection_hooks, lambda db: setattr(db, "exec_trace", note)]
    monkeypatch.setattr(apsw, "connection_hooks", hooks)
    with projector(pruned) as running:
        done = running.catch_up(stop=stop)
        assert done.commits >= 1
        # what is left to be folded is written to the database, one row each
        rest = [sql for sql in statements[after[0] :] if "_unfolded" not in sql]
        assert len(rest) < 100
    with Projection.open(pruned) as projection:
        assert list(projection.sessions()) == []


@pytest.mark.slow
def test_a_statement_that_takes_too_long_is_interrupted(
    pruned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Transactions before it stay committed, and the next projector continues from there."""
    monkeypatch.setattr(project_module, "STEPS", 1)
    with projector(pruned) as running:
        assert running.catch_up(abort=lambda: True).commits == 0
        monkeypatch.undo()
        assert running.catch_up().commits > 0
    with Projection.open(pruned) as projection:
        assert list(projection.sessions()) == []
