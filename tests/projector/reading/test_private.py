"""What must have everything waits for no process that projects: it is answered from a copy."""

from __future__ import annotations

import os
import random
import signal
import threading
from contextlib import contextmanager, suppress
from itertools import chain, cycle
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from journal import Journal, new_event
from projector import NotProjected, Projection, QueryTimeout, SessionStore
from projector.db.digest import digest
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.reading.private import beside
from projector.reading.private.copy import copy_of
from projector.reading.whole import WholeReader
from tests.support.forgetting.requests import ask
from tests.support.journals import FORK_OF_A_THREADED_PROCESS, segments
from tests.support.projections import projector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the projector's lock, as a process does that is suspended before it applied anything."""
    lock = ProcessLock(generations(path).lock)
    assert lock.acquire(1.0), "another projector runs"
    try:
        yield
    finally:
        lock.release()


@contextmanager
def stopped(path: Path) -> Iterator[None]:
    """Hold lock and database, as a process that is suspended in the middle of a transaction."""
    with projector(path) as running:
        running._db.execute("BEGIN IMMEDIATE")
        running._db.execute("DELETE FROM _events")
        yield
        running._db.execute("ROLLBACK")


def contents(store: SessionStore, session: str) -> list[Any]:
    """Return the contents of a transcript, in order."""
    return [message.content for message in store.messages(session)]


def count(db: apsw.Connection) -> int:
    """Count the messages of all sessions."""
    found: int = db.execute("SELECT count(*) FROM messages").get
    return found


def late(db: apsw.Connection) -> list[Any]:
    """Return session and content of the messages whose content begins with `in `."""
    query = "SELECT session, content FROM messages WHERE content LIKE 'in %'"
    return db.execute(query).fetchall()


@pytest.fixture
def store(journal_dir: Path) -> Iterator[SessionStore]:
    """A store without patience, in a journal of which three events are projected."""
    with SessionStore.open(journal_dir, timeout=0.0) as opened:
        for number in range(3):
            opened.append("s1", "user", f"early {number}")
        assert len(contents(opened, "s1")) == 3
        yield opened


@pytest.mark.parametrize("suspended", [held, stopped])
def test_nobody_waits_for_a_suspended_projector(
    store: SessionStore,
    journal_dir: Path,
    suspended: Any,  # noqa: ANN401 - one of the two above
) -> None:
    """Reads have what was appended since, own and of others; decisions are made; no time passes."""
    with SessionStore.open(journal_dir) as other, suspended(journal_dir):
        store.append("s1", "user", "own")
        other.append("s1", "user", "of another")
        other.append("s2", "user", "of another session")
        assert contents(store, "s1")[3:] == ["own", "of another"]
        assert store.read_all(count) == 6
        assert store.keys.compare_and_set("k", 1, expected=None) is False
        store.claim_title("s1", "Plan")
        other.append("s1", "user", "later")
        assert contents(store, "s1")[3:] == ["own", "of another", "later"]
        assert store.session("s1").title == "Plan"
        assert store.projection.peek(lambda db: db is not None and count(db)) == 3
    assert store.read_all(count) == 7


def test_the_first_read_of_a_journal_waits_for_no_build(journal_dir: Path) -> None:
    """While another process builds the first generation, sessions are read and decided on."""
    with SessionStore.open(journal_dir, timeout=0.0) as store:
        store.append("s1", "user", "hello")
        generations(journal_dir).folder.mkdir(mode=0o700, exist_ok=True)
        with held(journal_dir):
            assert contents(store, "s1") == ["hello"]
            assert store.claims.acquire("work", holder="me", seconds=60) is not None
            assert store.claims.acquire("work", holder="you", seconds=60) is None
            assert store.projection.peek(lambda db: db is None)
        assert contents(store, "s1") == ["hello"]


@FORK_OF_A_THREADED_PROCESS
@pytest.mark.slow
def test_a_reader_that_was_suspended_has_not_lost_its_patience(
    store: SessionStore, journal_dir: Path
) -> None:
    """It goes on after longer than its patience, beside a projector that is suspended still."""
    ready, answer = os.pipe(), os.pipe()
    with held(journal_dir):
        store.append("s1", "user", "late")
        pid = os.fork()
        if not pid:
            try:
                with SessionStore.open(journal_dir, timeout=0.2) as reader:
                    os.write(ready[1], b"r")
                    found = [len(contents(reader, "s1")) for _ in range(200)]
                    os.write(answer[1], bytes([min(found), max(found)]))
            finally:
                os._exit(0)
        os.read(ready[0], 1)
        os.kill(pid, signal.SIGSTOP)
        threading.Event().wait(0.4)
        os.kill(pid, signal.SIGCONT)
        os.waitpid(pid, 0)
        os.set_blocking(answer[0], False)
        assert os.read(answer[0], 2) == bytes([4, 4])


def test_a_snapshot_may_have_more_of_a_lane_than_was_listed(
    store: SessionStore, journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A projector went on with one lane after the list was read, and hangs before the next lane."""
    beside_it = WholeReader._ask_beside
    one_block = chain([False], cycle([True]))
    with SessionStore.open(journal_dir, timeout=0.0) as reader, projector(journal_dir) as running:
        store.append("s1", "user", "listed")
        reader.append("s1", "user", "of another lane")

        def later(*asked: Any) -> Any:  # noqa: ANN401 - as the method
            store.append("s1", "user", "applied since")
            running.catch_up(enough=one_block.__next__)
            return beside_it(*asked)

        monkeypatch.setattr(WholeReader, "_ask_beside", later)
        assert reader.read_all(count) == 6


def test_a_copy_is_what_a_projection_is(store: SessionStore, journal_dir: Path) -> None:
    """Whatever changes come after a snapshot, its copy has the digest of the projection."""
    with Projection.open(journal_dir) as projection:
        for step in range(4):
            with held(journal_dir):
                store.append("s1", "user", f"{step}", id=f"m{step}")
                store.flush("s2", [{"role": "user", "content": f"{n}"} for n in range(step + 1)])
                store.remove_messages("s1", [f"m{step - 1}"]) if step else None
                store.keys.set("k", step)
                store.add_usage("s1", input_tokens=5)
                store.delete("s3") if step == 2 else store.append("s3", "user", "gone?")
                found, fresh = projection.whole(digest, patience=0.0)
                assert fresh
                some, _ = projection.whole(count, patience=0.0, sessions=["s1"])
            assert projection.digest() == found
            assert some <= projection.read(count)[0]


def test_only_what_is_asked_for_is_applied(store: SessionStore, journal_dir: Path) -> None:
    """A read that names its sessions has all of these, whatever their names, and none of others."""
    names = ["plain", 'quo"te', "back\\slash", "Ünïcödé", '"session":"plain']
    with Projection.open(journal_dir) as projection, held(journal_dir):
        for name in names:
            store.append(name, "user", f"in {name}", extra={"session": "plain"})
        for name in names:
            rows, fresh = projection.whole(late, patience=0.0, sessions=[name])
            assert fresh
            assert (name, f"in {name}") in rows
        with Projection.open(journal_dir) as only:
            assert only.whole(count, patience=0.0, sessions=["plain"])[0] == 4


def test_what_is_too_much_is_waited_for(
    store: SessionStore, journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a projector that hangs, an answer that would need too much is refused."""
    monkeypatch.setattr(beside, "LIMIT", 1_000)
    with held(journal_dir):
        store.append("s1", "user", "x" * 2_000)
        with pytest.raises(NotProjected, match="would lack events"):
            store.read_all(count)
    assert store.read_all(count) == 4


def test_what_only_a_projector_understands_is_left_to_it(
    store: SessionStore,
    journal_dir: Path,
    expect_problems: Any,  # noqa: ANN401 - a fixture
) -> None:
    """A damaged line, or a unknown lines, are not read beside it."""
    expect_problems("damage")
    with held(journal_dir):
        store.append("s1", "user", "whole")
        assert len(contents(store, "s1")) == 4
        with segments(journal_dir)[0].open("ab") as segment:
            segment.write(b"no record\n")
        with pytest.raises(NotProjected):
            store.read_all(count)


def test_no_copy_shows_what_is_to_be_forgotten(store: SessionStore, journal_dir: Path) -> None:
    """A request among the events that are not applied ends the reads beside the projector."""
    store.append("s2", "user", "secret")
    assert store.read_all(count) == 4
    with Projection.open(journal_dir, timeout=0.2) as projection, held(journal_dir):
        ask(journal_dir, sessions=["s2"])
        for sessions in (None, ["s2"]):
            with pytest.raises(QueryTimeout):
                projection.whole(count, patience=0.0, sessions=sessions)
    assert store.read_all(count) == 3


def test_a_copy_is_not_written_to_by_queries(store: SessionStore, journal_dir: Path) -> None:
    """A query that writes fails, and the next one sees no difference."""
    with held(journal_dir):
        store.append("s1", "user", "late")
        with pytest.raises(Exception, match="readonly"):
            store.read_all(lambda db: db.execute("DELETE FROM _events").get)
        assert store.read_all(count) == 4


@FORK_OF_A_THREADED_PROCESS
@pytest.mark.slow
def test_a_forked_child_makes_a_copy_of_its_own(store: SessionStore, journal_dir: Path) -> None:
    """Parent and child go on reading beside a projector that is suspended."""
    with held(journal_dir):
        store.append("s1", "user", "late")
        assert store.read_all(count) == 4
        pid = os.fork()
        if not pid:
            os._exit(0 if store.read_all(count) == 4 else 1)
        assert os.waitpid(pid, 0)[1] == 0
        store.append("s1", "user", "later")
        assert store.read_all(count) == 5


@pytest.mark.slow
def test_a_copy_is_whole_while_the_projector_writes_back(journal_dir: Path) -> None:
    """Copies that are made at any moment of commits and checkpoints have no damage."""
    moments = random.Random(17)  # noqa: S311 - no secret
    with Journal.open(journal_dir) as journal, Projection.open(journal_dir) as projection:
        journal.append_message("s", "user", "first", id="first")
        projection.read(count)
        over, text = threading.Event(), "x" * 900

        def project() -> None:
            try:
                with projector(journal_dir) as running:
                    for number in range(60):
                        journal.append_many(
                            new_event("s", "message.appended", {"role": "user", "content": text})
                            for _ in range(moments.randint(1, 40))
                        )
                        running.catch_up()
                        if not number % 3:
                            running.wal.checkpoint(above=0)
                        if not number % 7:
                            # busy if the reader's snapshot is older: then as much as it allows
                            with suppress(apsw.BusyError):
                                running._db.wal_checkpoint(mode=2)
            finally:
                over.set()

        thread = threading.Thread(target=project)
        thread.start()
        reader, made = projection._reader, 0
        while not over.is_set() or made < 5:
            with reader.peeking() as db:
                assert db is not None
                db.execute("BEGIN")
                before = count(db)
                copy = copy_of(db, reader._in_use.path)
                assert copy.pragma("integrity_check") == "ok"
                assert count(copy) >= before
                copy.close()
                db.execute("ROLLBACK")
            made += 1
        thread.join()
