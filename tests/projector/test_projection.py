"""The handle for programs that read: it applies events, reports its age, survives damage."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import pytest

from journal import Journal, NotAJournalError, Position
from journal.fs.directory import open_directory
from projector import NotProjected, Projection, ProjectionError, ProjectorBusy
from projector.db.checksums import vfs
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.reading import reader as reader_module
from projector.run.build import building, rebuild
from tests.support.projections import facts, header, line, message, projector, write_segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECTOR = str(Path(sys.executable).with_name("projector"))


@pytest.fixture
def journal(journal_dir: Path) -> Iterator[Journal]:
    """A journal with three messages."""
    with Journal.open(journal_dir) as journal:
        for number, text in enumerate(["alpha", "beta", "gamma"], 1):
            journal.append_message("s1", "user", text, id=f"m{number}")
        yield journal


@pytest.fixture
def projection(journal: Journal) -> Iterator[Projection]:
    """The projection of that journal; at the end it must equal a rebuild."""
    with Projection.open(journal.path) as projection:
        yield projection
    with Projection.open(journal.path) as again:
        before = again.digest()
        rebuild(open_directory(journal.path))
        assert again.digest() == before


def _ids(projection: Projection, query: str) -> list[str]:
    return sorted(hit.id for hit in projection.search(query).hits)


def test_without_a_projector_a_query_catches_up(journal: Journal, projection: Projection) -> None:
    """Every answer, the first and later ones, includes what was appended before the query."""
    results = projection.search("alpha")
    assert [hit.id for hit in results.hits] == ["m1"]
    assert results.fresh
    journal.append_message("s1", "user", "delta", id="m4")
    assert _ids(projection, "delta") == ["m4"]
    assert len(projection.messages("s1")) == 4
    assert projection.sessions()[0].messages == 4


def test_status_changes_nothing(journal: Journal, projection: Projection) -> None:
    """`status` builds no projection; afterwards the lag is what was appended since."""
    status = projection.status()
    assert (status.generation, status.messages, status.unprojected) == (0, 0, 3)
    assert status.lag_bytes > 0
    assert not generations(journal.path).current()
    projection.sessions()
    status = projection.status()
    assert (status.generation, status.messages, status.unprojected) == (1, 3, 0)
    assert status.lag_bytes == 0
    journal.append_message("s1", "user", "delta")
    assert projection.status().unprojected == 1
    assert not projection.status().projector_running


def test_wait_for_returns_when_the_position_is_applied(
    journal: Journal, projection: Projection
) -> None:
    """After `wait_for`, the message is in the projection, and nothing more needs to be applied."""
    position = journal.append_message("s1", "user", "delta")
    projection.wait_for(position)
    assert projection.status().messages == 4


def test_wait_for_says_when_the_position_is_not_reached(projection: Projection) -> None:
    """A position that no lane has raises an error that names it."""
    nowhere = Position("no-such-lane", 10)
    with pytest.raises(NotProjected, match=r"no-such-lane:10 within 0\.05 s"):
        projection.wait_for(nowhere, timeout=0.05)
    with pytest.raises(TimeoutError):
        projection.wait_for(nowhere, timeout=0)


def test_with_a_running_projector_a_query_waits_for_it(
    journal: Journal, projection: Projection
) -> None:
    """A query waits for the running projector and applies nothing itself."""
    projection.sessions()
    with projector(journal.path) as running:
        journal.append_message("s1", "user", "delta", id="m4")
        soon = threading.Timer(0.1, running.catch_up)
        soon.start()
        results = projection.search("delta")
        soon.join()
    assert [hit.id for hit in results.hits] == ["m4"]
    assert results.fresh


def test_an_answer_that_is_behind_is_not_fresh(
    journal: Journal, projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a projector that applies nothing, a query answers in bounded time, not fresh."""
    monkeypatch.setattr(reader_module, "PATIENCE", 0.05)
    projection.sessions()
    with projector(journal.path) as running:
        journal.append_message("s1", "user", "delta", id="m4")
        began = time.monotonic()
        results = projection.search("delta OR alpha")
        assert time.monotonic() - began < 2
        assert [hit.id for hit in results.hits] == ["m1"]
        assert not results.fresh
        running.catch_up()
        assert projection.search("delta").fresh


def test_answers_beside_a_stopped_projector_are_not_fresh(
    journal: Journal, projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the projector is stopped, answers are not fresh; after SIGCONT they are."""
    monkeypatch.setattr(reader_module, "PATIENCE", 0.1)
    command = [PROJECTOR, "--journal", str(journal.path), "run"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            process.stderr.readline()
            projection.wait_for(journal.append_message("s1", "user", "delta"), timeout=20)
            os.kill(process.pid, signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            position = journal.append_message("s1", "user", "late")
            results = projection.search("late")
            assert (results.hits, results.fresh) == ((), False)
            with pytest.raises(NotProjected):
                projection.wait_for(position, timeout=0.05)
            os.kill(process.pid, signal.SIGCONT)
            projection.wait_for(position, timeout=20)
            assert len(projection.search("late").hits) == 1
        finally:
            process.kill()


def test_a_growing_journal_does_not_keep_a_query_waiting(
    journal: Journal, projection: Projection
) -> None:
    """A query waits only for events that existed when it began, however fast writers are."""
    done = threading.Event()

    def write() -> None:
        with Journal.open(journal.path, fsync="never") as other:
            while not done.wait(0.0005):
                other.append_message("s2", "user", "noise")

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for _ in range(20):
            began = time.monotonic()
            assert projection.search("alpha").fresh
            assert time.monotonic() - began < 5
    finally:
        done.set()
        writing.join()


def test_threads_share_a_handle(journal: Journal, projection: Projection) -> None:
    """Threads may query one handle at the same time while the journal grows."""
    found: list[list[str]] = []

    def ask() -> None:
        for number in range(10):
            journal.append_message("s2", "user", f"noise {number}")
            found.append(_ids(projection, "alpha"))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["m1"]] * 60
    assert projection.sessions()[0].messages == 60


_READ = """
import sys
from projector import Projection
with Projection.open(sys.argv[1]) as projection:
    for _ in range(5):
        assert len(projection.search("alpha").hits) == 1
        assert len(projection.messages("s1")) >= 3
    print(projection.digest())
"""


def test_processes_read_at_the_same_time(
    journal: Journal, projection: Projection, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """Of several processes without a projection one builds it, and all of them read it."""
    processes = [start(_READ, journal.path) for _ in range(4)]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, answers
    assert {digest for digest, _ in answers} == {f"{projection.digest()}\n"}
    assert generations(journal.path).current() == 1


def test_a_reader_follows_generations(journal: Journal, projection: Projection) -> None:
    """A handle that stays open across rebuilds reads the newest generation at its next query."""
    assert _ids(projection, "alpha") == ["m1"]
    directory = open_directory(journal.path)
    for expected in (2, 3):
        assert rebuild(directory) == expected
        journal.append_message("s1", "user", f"more{expected}")
        assert len(projection.search(f"more{expected}").hits) == 1
        assert projection.status().generation == expected


def test_a_rebuild_publishes_a_new_generation(journal: Journal, projection: Projection) -> None:
    """The answers are the same; a rebuild beside another one raises an error."""
    journal.append_message("s", "user", "hello")
    answer, before = projection.messages("s"), projection.status().generation
    projection.rebuild()
    assert projection.status().generation > before
    assert projection.messages("s") == answer
    with building(open_directory(journal.path)), pytest.raises(ProjectorBusy):
        projection.rebuild()


def test_a_query_waits_for_the_first_build(journal: Journal, projection: Projection) -> None:
    """While `projector rebuild` makes the first generation, a query waits and does not fail."""
    building = ProcessLock(generations(journal.path).build_lock)
    assert building.acquire()
    soon = threading.Timer(0.2, building.release)
    soon.start()
    assert _ids(projection, "alpha") == ["m1"]
    soon.join()


def _garbage(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _gone(path: Path) -> None:
    path.unlink()


def _foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine(x)")
    db.close()


def _older(path: Path) -> None:
    with apsw.Connection(str(path), vfs=vfs()) as db:
        db.pragma("user_version", 999)
    db.close()


def _of_another_journal(path: Path) -> None:
    with apsw.Connection(str(path), vfs=vfs()) as db:
        db.execute("UPDATE _meta SET value = 'another' WHERE key = 'journal'")
    db.close()


def _without_a_table(path: Path) -> None:
    with apsw.Connection(str(path), vfs=vfs()) as db:
        db.execute("DROP TABLE _segments")
    db.close()


def _current_gone(path: Path) -> None:
    path.with_name("CURRENT").unlink()


def _current_garbage(path: Path) -> None:
    path.with_name("CURRENT").write_bytes(b"\xff\0what")


def _current_nowhere(path: Path) -> None:
    path.with_name("CURRENT").write_bytes(b"77\n")


def _all_gone(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()


FAULTS = [
    _garbage,
    _truncated,
    _emptied,
    _gone,
    _foreign,
    _older,
    _of_another_journal,
    _without_a_table,
    _current_gone,
    _current_garbage,
    _current_nowhere,
    _all_gone,
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("again", [False, True], ids=["a new handle", "the same handle"])
def test_an_unusable_projection_is_rebuilt(
    journal: Journal, fault: Callable[[Path], None], *, again: bool
) -> None:
    """The next query rebuilds a damaged, deleted, foreign or outdated projection."""
    projection = Projection.open(journal.path)
    before = projection.digest()
    projection._reader.release()
    if again:
        assert _ids(projection, "alpha") == ["m1"]
        projection._reader.release() if fault is not _gone and fault is not _all_gone else None
    fault(journal.path / "projection" / "1.db")
    for name in ("1.db-wal", "1.db-shm"):
        (journal.path / "projection" / name).unlink(missing_ok=True)
    journal.append_message("s1", "user", "delta", id="m4")
    with projection if again else Projection.open(journal.path) as reading:
        assert _ids(reading, "delta OR alpha") == ["m1", "m4"]
        assert reading.digest() != before
        status = reading.status()
    assert (status.messages, status.lag_bytes) == (4, 0)


def test_damage_inside_the_database_is_an_error_or_repaired(journal: Journal) -> None:
    """Overwritten pages never give an empty answer: an error is raised, or a rebuild follows."""
    with Projection.open(journal.path) as projection:
        journal.append_many(
            {
                "session": "s2",
                "type": "message.appended",
                "data": {"role": "user", "content": f"alpha {n} " + f"filler{n} " * 50},
            }
            for n in range(500)
        )
        assert len(projection.search("alpha", limit=600).hits) == 501
    path = journal.path / "projection" / "1.db"
    whole = path.read_bytes()
    for page in range(1, len(whole) // 4096, 5):
        damaged = bytearray(whole)
        damaged[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
        path.write_bytes(damaged)
        with Projection.open(journal.path) as projection:
            try:
                found = len(projection.search("alpha", limit=600).hits)
                count = len(projection.messages("s2"))
            except ProjectionError as error:
                assert "rebuild" in str(error), f"page {page}"  # noqa: PT017 - either is right
            else:
                assert (found, count) == (501, 500), f"page {page}"
        if generations(journal.path).current() != 1:
            generations(journal.path).publish(1)


@pytest.mark.parametrize("field", ["content", "reasoning"])
def test_a_page_of_zeros_is_damage(journal: Journal, field: str) -> None:
    """The end of a long value is lost, and its page has the checksum of zeros: it is rebuilt."""
    text = " ".join(f"word{number}" for number in range(1_000))
    data = {"role": "assistant", "content": "short", "reasoning": "short", field: text}
    journal.append(session="s", type="message.appended", id="long", data=data)
    with Projection.open(journal.path) as projection:
        before, digest = projection.messages("s"), projection.digest()
    path = generations(journal.path).path(1)
    database = bytearray(path.read_bytes())
    at = database.index(text[-100:].encode()) // 4096 * 4096
    database[at : at + 4096] = bytes(4096)
    path.write_bytes(database)
    with Projection.open(journal.path) as projection:
        assert projection.messages("s") == before
        assert projection.digest() == digest


def test_a_text_with_nul_characters_is_no_damage(journal: Journal) -> None:
    """It is stored so that a page of zeros is not mistaken for it."""
    journal.append_message("s", "user", "a\0b" + "\0" * 5_000, id="m")
    with Projection.open(journal.path) as projection:
        (found,) = projection.messages("s")
        assert found.content == "a\0b" + "\0" * 5_000
        assert generations(journal.path).in_use() == 1


def test_a_damaged_database_is_replaced_at_a_write(journal: Journal) -> None:
    """A projector that finds damaged pages builds a new generation and continues with it."""
    with Projection.open(journal.path) as projection:
        projection.sessions()
    path = journal.path / "projection" / "1.db"
    whole = bytearray(path.read_bytes())
    whole[2 * 4096 :] = b"\xa5" * (len(whole) - 2 * 4096)
    path.write_bytes(whole)
    journal.append_message("s1", "user", "delta", id="m4")
    with Projection.open(journal.path) as projection:
        assert _ids(projection, "delta OR alpha") == ["m1", "m4"]
        assert projection.status().generation == 2


def test_a_deleted_database_is_noticed_by_a_running_projector(
    journal: Journal, projection: Projection
) -> None:
    """A projector whose file was deleted builds a new generation."""
    command = [PROJECTOR, "--journal", str(journal.path), "run"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            process.stderr.readline()
            projection.wait_for(journal.append_message("s1", "user", "delta"), timeout=20)
            (journal.path / "projection" / "1.db").unlink()
            position = journal.append_message("s1", "user", "late", id="late")
            until = time.monotonic() + 20
            while generations(journal.path).current() == 1:
                assert time.monotonic() < until
                time.sleep(0.01)
            projection.wait_for(position, timeout=20)
            assert _ids(projection, "late") == ["late"]
        finally:
            process.kill()


def test_a_missing_journal_is_an_error(tmp_path: Path) -> None:
    """Reading creates no journal: a mistyped path raises an error, and no folder is made."""
    with pytest.raises(NotAJournalError, match="there is no journal at"):
        Projection.open(tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


def test_an_empty_journal_has_an_empty_projection(journal_dir: Path) -> None:
    """Queries of a journal without events return nothing."""
    open_directory(journal_dir)
    with Projection.open(journal_dir) as projection:
        assert projection.search("alpha").hits == ()
        assert projection.sessions() == []
        assert projection.sessions() == []
        assert len(projection.digest()) == 64


def test_a_query_does_not_wait_for_an_unfinished_record(journal_dir: Path) -> None:
    """An answer is fresh although a writer left a line unfinished."""
    open_directory(journal_dir)
    first, second = facts(message("m1", "alpha"), message("m2", "beta"))
    lanes = journal_dir / "lanes"
    write_segment(lanes, "1", 1, header("L1") + line(first) + line(second)[:50])
    with Projection.open(journal_dir) as projection:
        results = projection.search("alpha")
        assert (len(results.hits), results.fresh) == (1, True)
        assert projection.status().lag_bytes == 0
    write_segment(lanes, "1", 1, line(second)[50:])


def test_close_may_be_called_again(journal: Journal) -> None:
    """A second `close` is no error, and no file stays open."""
    projection = Projection.open(journal.path)
    projection.sessions()
    projection.close()
    projection.close()
    links = [Path(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
    opened = [str(link.readlink()) for link in links if link.exists()]
    assert not [name for name in opened if name.startswith(str(journal.path / "projection"))]


def test_the_file_is_private(journal: Journal, projection: Projection) -> None:
    """Only the owner can read the database, whatever the umask."""
    before = os.umask(0)
    try:
        projection.sessions()
    finally:
        os.umask(before)
    folder = journal.path / "projection"
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_the_stock_sqlite_reads_the_file(journal: Journal, projection: Projection) -> None:
    """The standard library's sqlite3 reads messages and the index."""
    projection.sessions()
    path = journal.path / "projection" / "1.db"
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        rows = db.execute("SELECT id, role, content FROM messages ORDER BY time").fetchall()
        assert rows == [("m1", "user", "alpha"), ("m2", "user", "beta"), ("m3", "user", "gamma")]
        query = "SELECT m.id FROM fts JOIN messages m ON m.rowid = fts.rowid WHERE fts MATCH 'beta'"
        assert db.execute(query).fetchall() == [("m2",)]
    finally:
        db.close()
