"""A handle keeps its projector between two calls, and detects changes by others."""

from __future__ import annotations

import gc
import os
import shutil
import time
import weakref
from typing import TYPE_CHECKING

import pytest

from journal import Journal, JournalOpenError
from journal.fs.directory import open_directory
from journal.process import fork
from projector import Projection, SessionStore
from projector.db import fork_safety
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.run.build import rebuild

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def store(journal_dir: Path) -> Iterator[SessionStore]:
    """A store that has appended and read, so that it has a projector."""
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "first")
        assert contents(store) == ["first"]
        yield store


def contents(store: SessionStore | Projection) -> list[object]:
    """Return the contents of the messages of session s."""
    return [message.content for message in store.messages("s")]


def test_between_two_calls_the_lock_is_free(store: SessionStore) -> None:
    """Between two calls another process may become the projector; the handle then waits for it."""
    assert not store.projection.status().projector_running
    lock = ProcessLock(generations(store.journal.path).lock)
    assert lock.acquire()
    store.append("s", "user", "second")
    _, fresh = store.projection.read(lambda _: None, patience=0)
    assert not fresh
    lock.release()
    assert contents(store) == ["first", "second"]


def test_two_handles_that_project_in_turn_see_each_others_changes(store: SessionStore) -> None:
    """Cached rowids, counters and places are read again after another connection wrote."""
    with SessionStore.open(store.journal.path) as other:
        for number in range(5):
            for handle in (store, other):
                handle.append("s", "user", f"{number}", parent="nowhere")
                handle.append(f"new {number}", "user", "word")
                assert len(contents(handle)) == len(contents(other))
    assert len(contents(store)) == 11
    assert store.projection.status().events == 21


def rebuilt(path: Path) -> None:
    """Publish another generation."""
    rebuild(open_directory(path))


def removed(path: Path) -> None:
    """Remove the projection."""
    shutil.rmtree(path / "projection")


def moved(path: Path) -> None:
    """Move the projection away."""
    (path / "projection").rename(path / f".projection {time.monotonic_ns()}")


def without_database(path: Path) -> None:
    """Delete the database and leave the rest."""
    kept = generations(path)
    kept.path(kept.in_use()).unlink()


def without_lock(path: Path) -> None:
    """Delete the lock file."""
    (path / "projection/lock").unlink()


def removed_and_rebuilt(path: Path) -> None:
    """Remove the projection, and have another handle build it under the same number."""
    removed(path)
    with Projection.open(path) as projection:
        projection.sessions()
    assert generations(path).current() == 1


@pytest.mark.parametrize(
    "act", [rebuilt, removed, moved, without_database, without_lock, removed_and_rebuilt]
)
def test_a_change_to_the_projection_is_noticed(
    store: SessionStore, act: Callable[[Path], None]
) -> None:
    """After each change, all handles give current answers."""
    act(store.journal.path)
    store.append("s", "user", "second")
    assert contents(store) == ["first", "second"]
    act(store.journal.path) if act is not removed_and_rebuilt else None
    store.append("s", "user", "third")
    assert contents(store) == ["first", "second", "third"]
    with Projection.open(store.journal.path) as projection:
        assert contents(projection) == ["first", "second", "third"]


def test_a_journal_that_was_replaced_is_an_error(tmp_path: Path) -> None:
    """The handle raises an error that names the new journal; a new handle reads the new one."""
    path, other = tmp_path / "journal", tmp_path / "other"
    for folder, content in ((path, "old"), (other, "new")):
        with Journal.open(folder) as journal:
            journal.append_message("s", "user", content)
        with Projection.open(folder) as projection:
            assert contents(projection) == [content]
    with Projection.open(path) as projection:
        assert contents(projection) == ["old"]
        path.rename(tmp_path / "away")
        other.rename(path)
        with pytest.raises(JournalOpenError, match=r"was replaced.*open it again"):
            contents(projection)
    with Projection.open(path) as projection:
        assert contents(projection) == ["new"]


def test_a_segment_that_was_put_back_is_read_again(journal_dir: Path) -> None:
    """An open segment whose file was replaced under its name is opened and read again."""
    segment = journal_dir / "lanes/1/000001.jsonl"
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "first")
        backup = segment.read_bytes()
        journal.append_message("s", "user", "lost")
    with Projection.open(journal_dir) as projection:
        assert contents(projection) == ["first", "lost"]
        segment.unlink()
        segment.write_bytes(backup)
        segment.chmod(0o600)
        with Journal.open(journal_dir) as journal:
            journal.append_message("s", "user", "second, " + "longer than what was lost" * 10)
        assert len(contents(projection)) == 3
        rebuild(open_directory(journal_dir))
        assert len(contents(projection)) == 2


def in_child(act: Callable[[], bool]) -> bool:
    """Run a function in a forked child, and return whether it succeeded."""
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if act() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_forked_child_projects_with_a_connection_of_its_own(store: SessionStore) -> None:
    """Parent and child continue, in any order, and see what the other has appended."""

    def act() -> bool:
        store.append("s", "user", "of the child")
        return contents(store) == ["first", "second", "of the child"]

    store.append("s", "user", "second")
    assert in_child(act)
    store.append("s", "user", "of the parent")
    assert contents(store) == ["first", "second", "of the child", "of the parent"]


def test_a_forked_child_releases_all_beside_a_closed_connection(
    store: SessionStore,
) -> None:
    """A closed connection that is still referenced accepts no calls; the others are released."""
    closed = fork_safety.live()
    store.projection._reader.release()
    assert contents(store) == ["first"]
    store.append("s", "user", "second")
    assert in_child(lambda: contents(store) == ["first", "second"])
    assert len(closed) >= 2


def test_a_forked_child_releases_all_although_one_cleanup_fails(store: SessionStore) -> None:
    """If one cleanup raises, the child still releases every other lock."""

    class Refuses:
        def after_fork_in_child(self) -> None:
            raise ValueError("made to fail")

    refuses = [Refuses() for _ in range(20)]
    for one in refuses:
        fork.register(one)
    store.append("s", "user", "second")
    assert in_child(lambda: contents(store) == ["first", "second"])


class _Last(weakref.WeakSet[fork.Forkable]):
    """The registered objects, with the register of connections at the end."""

    def __iter__(self) -> Iterator[fork.Forkable]:
        return iter(
            sorted(set(super().__iter__()), key=lambda one: one is fork_safety._connections)
        )


def test_a_forked_child_closes_no_connection_of_its_parent(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child keeps a reference to each inherited connection: to close it may hang."""
    monkeypatch.setattr(fork, "_registered", _Last(fork._registered))
    gc.collect()  # connections of earlier tests that are garbage would be gone at the fork
    before = len(fork_safety.live())
    assert before >= 2
    assert in_child(lambda: len(fork_safety._connections.inherited) == before)
    assert contents(store) == ["first"]


IMPORTING = """
import importlib.abc, os, signal, sys, threading, time
from projector import Projection

LATE = "projector.run.build"
assert LATE not in sys.modules
begun = threading.Event()

class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == LATE:
            begun.set()
            time.sleep(4)  # longer than a fork waits for a thread that works with a database
        return None

sys.meta_path.insert(0, Slow())
with Projection.open(sys.argv[1]) as first, Projection.open(sys.argv[1]) as second:
    thread = threading.Thread(target=first.sessions)
    thread.start()
    begun.wait()
    child = os.fork()
    if not child:
        signal.alarm(10)
        os._exit(len(second.sessions()))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    thread.join()
"""


def test_a_child_that_is_forked_during_a_late_import_does_not_wait_for_it(
    store: SessionStore, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """The import lock of a module belongs to a thread that the child does not have."""
    store.append("s", "user", "to be applied by what is imported late")
    process = start(IMPORTING, store.journal.path)
    assert process.communicate(timeout=60)[0] == "1\n"


def test_events_are_applied_also_where_the_first_look_takes_longer_than_the_patience(
    store: SessionStore,
) -> None:
    """Else an answer on a busy machine blames a projector that does not run."""
    store.append("s", "user", "second")
    with Projection.open(store.journal.path) as projection:
        _, fresh = projection.read(lambda _: None, patience=0)
    assert fresh


def test_an_answer_that_had_no_time_to_apply_anything_says_so(store: SessionStore) -> None:
    """It names the time limit, and no projector."""
    store.append("s", "user", "second")
    with Projection.open(store.journal.path, timeout=1e-9) as projection:
        _, fresh = projection.read(lambda _: None)
    assert fresh.behind is not None
    assert "takes longer than 1e-09 s" in fresh.behind.why
