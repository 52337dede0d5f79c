"""Every method of a store works in a child that is forked while threads use the store."""

from __future__ import annotations

import asyncio
import faulthandler
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.errors import JournalError
from journal.fs.directory import open_directory
from journal.verify import verify
from projector import NotProjected, Projection, ProjectionError, ProjectorBusy, SessionStore
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.run.build import rebuild
from projector.store import ABSENT, AsyncSessionStore
from projector.store.claims import Claims
from projector.store.keys import Keys
from tests.conftest import assert_function_of_the_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.format.position import Position
    from projector.store.claims import Claim

pytestmark = [
    pytest.mark.xdist_group("forks"),  # they share one busy store
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]

_SECONDS = 30
"""A child that takes longer is aborted, and prints where it was."""


def in_child(work: Callable[[], object]) -> None:
    """Run a function in a forked child, and fail with the child's traceback if it raises."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        code = 1
        try:
            faulthandler.enable(writer)
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - the parent reports it
            os.write(writer, traceback.format_exc().encode()[-60_000:])
        finally:
            os._exit(code)
    os.close(writer)
    trouble = b""
    with os.fdopen(reader, "rb", 0) as output:
        # the pipe closes when the child and every process that it forked have ended
        if not select.select([output], [], [], _SECONDS)[0]:
            os.kill(child, signal.SIGABRT)
        status = os.waitpid(child, 0)[1]
        while select.select([output], [], [], _SECONDS)[0] and (piece := output.read(65_536)):
            trouble += piece
    assert status == 0, f"{os.waitstatus_to_exitcode(status)}\n{trouble.decode()}"


class Crowd:
    """A store whose process appends, reads, projects and decides in threads all the time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = SessionStore.open(path, timeout=20)
        self.failures: list[BaseException] = []
        self.rounds = 0
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(work,))
            for work in (self._append, self._read, self._decide, self._project)
        ]
        self.store.append("s", "user", "hello world", id="m1")
        self.store.append("s", "assistant", "hello you", id="m2")
        self.store.messages("s")
        for thread in self._threads:
            thread.start()

    def _repeat(self, work: Callable[[int], None]) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            try:
                work(number)
            except ProjectorBusy:
                pass  # two of them are building
            except BaseException as error:  # noqa: BLE001 - the test fails of it
                self.failures.append(error)
                return

    def _append(self, number: int) -> None:
        self.store.append("busy", "user", f"word{number} " * 20, id=f"b{number}")
        time.sleep(0.002)

    def _read(self, _number: int) -> None:
        self.store.search("hello OR word1*")
        self.rounds += 1

    def _decide(self, number: int) -> None:
        assert self.store.keys.compare_and_set("count", number, expected=number - 1 or ABSENT)
        time.sleep(0.01)

    def _project(self, number: int) -> None:
        if number % 3:
            self.store.settle()
        else:
            rebuild(open_directory(self.path))

    def close(self) -> None:
        """End the threads."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self.store.close()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """A busy store; at the end of the tests, the journal is verified and compared to a rebuild."""
    path = tmp_path_factory.mktemp("forks") / "journal"
    crowd = Crowd(path)
    yield crowd
    crowd.close()
    assert crowd.failures == []
    assert verify(path / "lanes").problems == ()
    assert_function_of_the_events(path)
    locks = [generations(path).lock, generations(path).build_lock, path / "arbiter"]
    assert [ProcessLock(file).is_locked() for file in locks] == [False] * 3


def _claim(store: SessionStore) -> Claim:
    claim = store.claims.acquire("thing", holder=str(os.getpid()), seconds=60)
    assert claim is not None
    return claim


def _released(store: SessionStore, use: Callable[[Claim], object]) -> None:
    claim = _claim(store)
    try:
        assert use(claim)
    finally:
        store.claims.release(claim)


def _own(store: SessionStore) -> str:
    """Append two messages to a session of this process only, and return its id."""
    session = f"child-{os.getpid()}"
    store.append(session, "user", "hello from a child", id="c1")
    store.append(session, "assistant", "hello child", id="c2")
    return session


def _position(store: SessionStore) -> Position:
    store.append("child", "user", "hello")
    assert store.position is not None
    return store.position


def _rebuild_if_free(projection: Projection) -> None:
    """Rebuild, unless another process is building."""
    with suppress(ProjectorBusy):
        projection.rebuild()


STORE: dict[str, Callable[[SessionStore], object]] = {
    "add": lambda s: s.add([{"session": "s", "type": "session.reopened", "data": {}}]),
    "add_usage": lambda s: s.add_usage(_own(s), input_tokens=3),
    "append": lambda s: s.append("child", "user", "hello"),
    "archive_messages": lambda s: s.archive_messages(_own(s), ["c1"]),
    "claims.acquire": lambda s: _released(s, lambda claim: claim.token),
    "claim_title": lambda s: s.claim_title(_own(s), f"title of {os.getpid()}"),
    "clear": lambda s: s.clear(_own(s)),
    "close": lambda s: s.close(),
    "keys.compare_and_set": lambda s: s.keys.compare_and_set(f"k{os.getpid()}", 1, expected=ABSENT),
    "create": lambda s: s.create(),
    "decide": lambda s: s.decide(lambda _db: (1, [])),
    "delete": lambda s: s.delete(_own(s)),
    "end": lambda s: s.end(_own(s)),
    "ensure": lambda s: s.ensure("s", source="child"),
    "exists": lambda s: _true(s.exists(_own(s))),
    "facets": lambda s: s.facets(by="tool"),
    "flush": lambda s: _true(s.flush(f"f{os.getpid()}", [{"role": "user", "content": "flushed"}])),
    "keys.ask": lambda s: s.keys.ask(lambda keys: keys.get("count")),
    "keys.decide": lambda s: s.keys.decide(lambda keys: (keys.get("count"), [])),
    "keys.get": lambda s: s.keys.get("count"),
    "claims.get": lambda s: s.claims.get("thing"),
    "keys.items": lambda s: s.keys.items(),
    "messages": lambda s: _true(len(s.messages(_own(s))) == 2),
    "open": lambda s: SessionStore.open(s.journal.path).messages("s"),
    "prune": lambda s: s.prune("2001-01-01T00:00:00Z"),
    "read": lambda s: s.read(lambda db: db.execute("SELECT count(*) FROM _events").get),
    "read_all": lambda s: s.read_all(lambda db: db.execute("SELECT count(*) FROM _events").get),
    "claims.release": lambda s: _released(s, s.claims.release),
    "remove_messages": lambda s: s.remove_messages(_own(s), ["c1"]),
    "claims.renew": lambda s: _released(s, lambda claim: s.claims.renew(claim, seconds=60)),
    "reopen": lambda s: s.reopen(_own(s)),
    "replace_messages": lambda s: s.replace_messages(_own(s), [{"role": "user", "content": "new"}]),
    "restore_messages": lambda s: s.restore_messages(_own(s), ["c1"]),
    "revise": lambda s: s.revise(_own(s), model="m"),
    "revise_message": lambda s: s.revise_message(_own(s), "c1", content="revised"),
    "rewind": lambda s: _true(s.rewind(_own(s), "c2") == ["c2"]),
    "search": lambda s: _true(s.search("hello").hits),
    "session": lambda s: s.session(_own(s)),
    "sessions": lambda s: _true(s.sessions().items),
    "keys.set": lambda s: s.keys.set(f"k{os.getpid()}", 1),
    "set_usage": lambda s: s.set_usage(_own(s), input_tokens=3),
    "settle": lambda s: s.settle() if _own(s) else None,
    "set_title": lambda s: s.set_title(_own(s), "a title"),
    "keys.delete": lambda s: s.keys.delete("a"),
    "wait_for": lambda s: s.wait_for(_position(s), 20.0),
}
PROJECTION: dict[str, Callable[[Projection], object]] = {
    "after": lambda p: p.after(None, 1.0).read(lambda db: db.execute("SELECT 1").get),
    "behind": lambda p: p.behind(),
    "catch_up": lambda p: _true(p.catch_up(patience=20.0)),
    "close": lambda p: p.close(),
    "conversation": lambda p: _true(p.conversation("s")),
    "digest": lambda p: _check_digest(p.digest),
    "has": lambda p: _true(p.has(_one(p))),
    "machines": lambda p: p.machines(),
    "messages": lambda p: _true(p.messages("s")),
    "open": lambda p: Projection.open(_path(p)).messages("s"),
    "peek": lambda p: p.peek(lambda db: None if db is None else db.execute("SELECT 1").get),
    "read": lambda p: p.read(lambda db: db.execute("SELECT count(*) FROM fts").get),
    "whole": lambda p: p.whole(lambda db: db.execute("SELECT count(*) FROM fts").get),
    "rebuild": _rebuild_if_free,
    "search": lambda p: _true(p.search("hello world").hits),
    "session": lambda p: p.session("s"),
    "sessions": lambda p: _true(p.sessions()),
    "status": lambda p: _true(p.status().events),
    "facets": lambda p: p.facets(by="tool"),
    "usage": lambda p: p.usage(),
    "wait_for": lambda p: p.wait_for(_one(p), 20.0),
}


def _path(projection: Projection) -> Path:
    return projection._reader.journal.path


def _one(projection: Projection) -> Position:
    """Append a message, wait until it is applied, and return its position."""
    with Journal.open(_path(projection)) as journal:
        position = journal.append_message("child", "user", "hello")
    projection.wait_for(position, 20.0)
    return position


def _check_digest(ask: Callable[[], str]) -> None:
    """Compute the digest, which raises NotProjected while another process projects."""
    with suppress(NotProjected):
        assert len(ask()) == 64


def _true(value: object) -> None:
    assert value


def _public(of: type, prefix: str = "") -> set[str]:
    names = (name for name in dir(of) if not name.startswith("_"))
    return {prefix + name for name in names if callable(getattr(of, name))}


def test_every_method_is_tried() -> None:
    """The tables above name all public methods; a new method must be added."""
    methods = _public(SessionStore) | _public(Keys, "keys.") | _public(Claims, "claims.")
    assert methods - STORE.keys() == set()
    assert _public(Projection) - PROJECTION.keys() == set()


@pytest.mark.parametrize("name", sorted(STORE))
def test_a_child_uses_the_store_that_it_inherits(crowd: Crowd, name: str) -> None:
    """The child does not hang and gets right results, whatever other threads did at the fork."""
    in_child(lambda: STORE[name](crowd.store))
    before = crowd.rounds
    crowd.store.messages("s")
    _wait(lambda: crowd.rounds > before or bool(crowd.failures))
    assert crowd.failures == []


@pytest.mark.parametrize("name", sorted(PROJECTION))
def test_a_child_uses_the_projection_that_it_inherits(crowd: Crowd, name: str) -> None:
    """The same holds for `Projection`, the handle that only reads."""
    in_child(lambda: PROJECTION[name](crowd.store.projection))
    assert crowd.failures == []


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end
        time.sleep(0.01)


def _append_and_read(store: SessionStore, name: str) -> None:
    store.append(name, "user", f"hello from {name}")
    assert len(store.messages(name)) == 1


def test_workers_of_multiprocessing(crowd: Crowd) -> None:
    """Forked workers get the store as an argument, and use it at the same time."""
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=_append_and_read, args=(crowd.store, f"worker{number}"))
        for number in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(_SECONDS)
        assert worker.exitcode == 0
    assert {f"worker{number}" for number in range(4)} <= {
        view.session for view in crowd.store.sessions(limit=1000).items
    }


def test_a_daemon_that_forks_twice(crowd: Crowd) -> None:
    """A daemon that forked twice reopens what it inherited, although both parents have ended."""

    def daemonize() -> None:
        crowd.store.messages("s")  # it inherits connections through two forks
        os.setsid()
        between = os.getpid()
        if os.fork():
            return
        while os.getppid() == between:
            time.sleep(0.01)
        _append_and_read(crowd.store, "daemon")

    in_child(daemonize)
    _wait(lambda: crowd.store.exists("daemon"))


def test_a_program_that_is_started_with_a_preexec_fn(crowd: Crowd) -> None:
    """Python code between fork and exec may use the store, and leaves no lock held."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        preexec_fn=lambda: _append_and_read(crowd.store, "preexec"),  # noqa: PLW1509 - is tried
    )
    with process:
        assert crowd.store.exists("preexec")
        assert crowd.store.keys.compare_and_set("preexec", 1, expected=ABSENT)
    assert process.returncode == 0


def test_a_child_has_threads_of_its_own_for_an_event_loop(crowd: Crowd) -> None:
    """A child starts its own threads for the event loop; those of its parent are not in it."""
    store = AsyncSessionStore(crowd.store)
    assert asyncio.run(store.messages("s"))
    in_child(lambda: _true(asyncio.run(store.messages("s"))))
    assert asyncio.run(store.messages("s"))


def test_a_fork_in_the_middle_of_a_query(journal_dir: Path) -> None:
    """The child repeats the query; the parent's query continues in its snapshot."""
    children: list[int] = []
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "hello")

        def query(db: Any) -> int:  # noqa: ANN401 - apsw's
            if not children:
                children.append(os.fork())
            return int(db.execute("SELECT count(*) FROM _events").get)

        answer, _ = store.read(query)
        if not children[0]:
            os._exit(0 if answer == 1 and len(store.messages("s")) == 1 else 1)
        assert os.waitpid(children[0], 0)[1] == 0
        assert answer == 1
        assert len(store.messages("s")) == 1


def test_a_fork_in_the_middle_of_a_decision(journal_dir: Path) -> None:
    """Only the parent holds the arbiter, so only the parent decides."""
    children: list[int] = []
    with SessionStore.open(journal_dir) as store:
        store.keys.set("x", 0)

        def question(_db: object) -> tuple[bool, list[dict[str, Any]]]:
            if not children:
                children.append(os.fork())
            data = {"key": "x", "value": "parent" if children[0] else "child"}
            return True, [{"session": "@keys", "type": "key.set", "data": data}]

        try:
            store.decide(question)
        except JournalError as error:
            if not children[0]:
                os._exit(0 if "nothing was decided" in str(error) else 1)
            raise
        if not children[0]:
            os._exit(2)
        assert os.waitpid(children[0], 0)[1] == 0
        assert store.keys.get("x") == "parent"


def test_a_fork_in_the_middle_of_projecting(journal_dir: Path) -> None:
    """A child neither continues its parent's transaction nor rolls it back."""
    children: list[int] = []
    with Journal.open(journal_dir) as journal:
        for number in range(3000):
            journal.append_message("s", "user", f"hello {number} " * 200)
    directory = open_directory(journal_dir)
    with Projection.open(journal_dir) as projection:

        def fork(_progress: object) -> None:
            if not children:
                children.append(os.fork())

        try:
            rebuild(directory, fork)
        except ProjectionError as error:
            if not children[0]:
                is_told = "forked in the middle" in str(error)
                os._exit(0 if is_told and len(projection.messages("s")) == 3000 else 1)
            raise
        if not children[0]:
            os._exit(2)
        assert os.waitpid(children[0], 0)[1] == 0
        assert len(projection.messages("s")) == 3000


def test_a_worker_continues_to_read_when_its_parent_closes(journal_dir: Path) -> None:
    """Changes that other processes make to the database's files do not reach a child's memory."""
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "hello")
        store.messages("s")
        if (child := os.fork()) == 0:
            try:
                signal.alarm(_SECONDS)
                for number in range(150):
                    store.append("w", "user", f"message {number} " + "text " * 50)
                    assert len(store.messages("w")) == number + 1
                os._exit(0)
            finally:
                os._exit(1)
    search = (
        "from projector import Projection; import sys; Projection.open(sys.argv[1]).search('x')"
    )
    status = 0, 0
    while status == (0, 0):
        subprocess.run([sys.executable, "-c", search, journal_dir], check=True, timeout=60)
        status = os.waitpid(child, os.WNOHANG)
    assert status[1] == 0
