"""Bounds on calls, statements, bytes and files, which do not vary between machines.

These tests measure no time. A count that grows is a cost that every user pays from then on.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from journal import Journal, new_event
from journal.fs import disk
from journal.fs.directory import open_directory
from projector import Projection, SessionStore
from projector.db.connections import create
from projector.fold.sweeps import Order, Reach, reach
from projector.run.build import rebuild
from projector.run.lock_holder import catch_up_once
from projector.run.projector import Projector
from projector.run.watermark import load_marks_of
from tests.support.journals import segments
from tests.torture.faults.sampling import needs_strace
from tools.bench.corpus.stage import database, fill
from tools.bench.corpus.words import Texts
from tools.bench.parts.opening import make_segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from journal.lanes.group_commit import Fsync
    from journal.segments.listing import SegmentRef
    from projector.run.open_segments import Place
    from projector.run.watermark import Mark

MEMORY = {"brk", "mmap", "munmap", "madvise", "mremap", "mprotect"}
"""System calls of the memory allocator; their number varies, and a writer never waits for them."""

LOOKS = ("stat", "newfstatat", "statx")


class Counted(disk.Disk):
    """Counts what each thread does to the disk."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def _count(self, what: str) -> None:
        # the background sync runs in its own thread, and no append waits for it
        if threading.current_thread() is threading.main_thread():
            self.counts[what] += 1

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Count a write."""
        self._count("write")
        return super().write(fd, data)

    def fdatasync(self, fd: int) -> None:
        """Count a sync of a file."""
        self._count("fdatasync")
        super().fdatasync(fd)

    def fsync(self, fd: int) -> None:
        """Count a sync of a folder."""
        self._count("fsync")
        super().fsync(fd)

    def create(self, path: Path) -> int:
        """Count a created file."""
        self._count("create")
        return super().create(path)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What this thread asks the disk to do from now on."""
    stand_in = Counted()
    monkeypatch.setattr(disk, "in_use", stand_in)
    return stand_in.counts


@pytest.mark.parametrize(
    ("fsync", "each"),
    [("never", {"write": 1}), ("interval", {"write": 1}), ("always", {"write": 1, "fdatasync": 1})],
)
def test_an_append_is_one_write(
    journal_dir: Path, counted: Counter[str], fsync: Fsync, each: dict[str, int]
) -> None:
    """An append is one write, and at `always` also one fdatasync."""
    with Journal.open(journal_dir, fsync=fsync) as journal:
        journal.append_message("s1", "user", "first")
        counted.clear()
        for number in range(20):
            journal.append_message("s1", "user", f"message {number}")
        assert counted == {name: 20 * count for name, count in each.items()}


def test_a_hundred_events_are_one_write(journal_dir: Path, counted: Counter[str]) -> None:
    """`append_many` makes no more system calls than `append`."""
    events = [
        {"session": "s1", "type": "message.appended", "data": {"role": "user", "content": f"{n}"}}
        for n in range(100)
    ]
    with Journal.open(journal_dir) as journal:
        journal.append_many(events)
        counted.clear()
        journal.append_many(events)
        assert counted == {"write": 1}


APPENDING = """
import os, sys
from journal import Journal
with Journal.open(sys.argv[1], fsync="never") as journal:
    journal.append_message("s1", "user", "this begins a segment", id="first")
    os.getppid()  # no other code calls it: it marks where the appends begin and end
    for number in range(1_000):
        journal.append_message("s1", "user", "a message", id=f"m{number}")
    os.getppid()
"""


@needs_strace
def test_an_append_asks_the_kernel_for_nothing_else(tmp_path: Path) -> None:
    """A thousand appends of messages with ids are a thousand write calls, and no others."""
    log = tmp_path / "calls"
    strace = ("strace", "-f", "-o", str(log))
    program = (sys.executable, "-c", APPENDING, str(tmp_path / "journal"))
    subprocess.run([*strace, *program], check=True, timeout=60)
    between = log.read_text(errors="replace").split("getppid()")[1]
    calls = Counter(re.findall(r"^\d+ +(\w+)\(", between, re.MULTILINE))
    # a writer checks at intervals that its files exist, and not at each append
    assert sum(calls.pop(name, 0) for name in LOOKS) <= 20
    assert {name: count for name, count in calls.items() if name not in MEMORY} == {"write": 1_000}


OPENING = """
import sys
from journal import Journal
Journal.open(sys.argv[1]).close()  # whatever is loaded and made once
opened = []

def note(name, details):
    if name == "open" and isinstance(details[0], str):  # else a descriptor gets a file object
        opened.append(details[0])

sys.addaudithook(note)
journal = Journal.open(sys.argv[1], fsync="never")
at_open = len(opened)
journal.append_message("s1", "user", "this may begin a segment")
before = len(opened)
for number in range(50):
    journal.append_message("s1", "user", "a message")
print(at_open, len(opened) - before)
"""


def opened(path: Path) -> tuple[int, int]:
    """Return the files that opening a journal opens, and the files that 50 appends open."""
    done = subprocess.run(
        [sys.executable, "-c", OPENING, str(path)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    at_open, by_appends = done.stdout.split()
    return int(at_open), int(by_appends)


def test_opening_a_journal_opens_as_many_files_whatever_it_holds(tmp_path: Path) -> None:
    """A lane of a thousand final segments costs as much as one of ten; an append opens no file."""
    make_segments(tmp_path / "few", 10)
    make_segments(tmp_path / "many", 1_000)
    few, many = opened(tmp_path / "few"), opened(tmp_path / "many")
    assert few == many
    # the last segment twice: its end may be cut off before it is continued; and the lock of the
    # lane: a process that starts looks at the locks of all lanes before its own
    assert many[0] <= 8
    assert many[1] == 0


@pytest.fixture
def statements(tmp_path: Path, journal_dir: Path) -> Iterator[Callable[[], Counter[str]]]:
    """Apply new events; return the executed statements, with each row of an executemany."""
    db = create(tmp_path / "traced.db", "some-journal")
    found: Counter[str] = Counter()

    def note(_cursor: apsw.Cursor, sql: str, _bindings: object) -> bool:
        found[" ".join(sql.split())] += 1
        return True

    projector = Projector(db, journal_dir / "lanes")
    db.exec_trace = note

    def apply() -> Counter[str]:
        found.clear()
        projector.catch_up()
        return Counter(found)

    yield apply
    db.close()


def by_message(found: Counter[str]) -> tuple[int, int, int]:
    """Return the number of inserted rows, of indexed texts, and of other statements."""
    rows = sum(n for sql, n in found.items() if sql.startswith("INSERT INTO _events("))
    texts = sum(n for sql, n in found.items() if sql.startswith("INSERT INTO fts("))
    return rows, texts, found.total() - rows - texts


def test_a_batch_takes_two_statements_for_each_message(
    journal_dir: Path, statements: Callable[[], Counter[str]]
) -> None:
    """One for the row and one for the text; the rest does not depend on the batch's size."""
    others = set()
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "the first: session, lane and segment are new")
        statements()
        for size in (1, 10, 500):
            for number in range(size):
                journal.append_message("s1", "user", f"message {number}")
            rows, texts, other = by_message(statements())
            assert (rows, texts) == (size, size)
            others.add(other)
    assert len(others) == 1
    assert others.pop() <= 24


def test_a_batch_takes_one_more_statement_for_each_known_session(
    journal_dir: Path, statements: Callable[[], Counter[str]]
) -> None:
    """The counts of a session are updated once, however many new messages it has."""
    others = {}
    with Journal.open(journal_dir) as journal:
        for session in range(20):
            journal.append_message(f"s{session}", "user", "first")
        statements()
        for sessions in (1, 20):
            for number in range(60):
                journal.append_message(f"s{number % sessions}", "user", f"message {number}")
            found = statements()
            others[sessions] = by_message(found)[2]
    assert others[20] - others[1] == 19


def test_a_record_adds_a_bounded_number_of_bytes_to_its_text(journal_dir: Path) -> None:
    """Checksum, number, key, time and names take at most two hundred bytes, for any text."""
    segment = journal_dir / "lanes/1/000001.jsonl"
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "")
        at = segment.stat().st_size
        for size in (1, 580, 100_000):
            journal.append_message("s1", "user", "x" * size)
            end = segment.stat().st_size
            assert end - at - size <= 200
            at = end


def test_bytes_on_disk_are_bounded_by_the_bytes_of_text(journal_dir: Path) -> None:
    """For messages of usual size, lanes take 1.5 times the text and the database 2.5 times."""
    text = fill(journal_dir, 4_000)
    assert text == sum(len(each.encode()) for each in Texts().take(4_000))
    rebuild(open_directory(journal_dir))
    lanes = sum(path.stat().st_size for path in segments(journal_dir))
    assert lanes <= 1.5 * text
    assert database(journal_dir).stat().st_size <= 2.5 * text


def test_a_search_takes_three_statements_for_each_hit_and_recompiles_none(
    journal_dir: Path,
) -> None:
    """They read the row and its neighbours; statements, FTS5's own too, are not compiled again."""
    fill(journal_dir, 4_000)
    asked: Counter[str] = Counter()
    recompiled: Counter[str] = Counter()

    def note(event: dict[str, Any]) -> None:
        asked[event["sql"]] += 1
        recompiled[event["sql"]] = event["stmt_status"]["SQLITE_STMTSTATUS_REPREPARE"]

    word, other = Texts().vocabulary.words[:2]
    with Projection.open(journal_dir) as projection:
        projection.search(word, limit=1, context=1)
        projection.read(lambda db: db.trace_v2(apsw.SQLITE_TRACE_PROFILE, note))
        statements = []
        for limit in (1, 20):
            asked.clear()
            assert len(projection.search(other, limit=limit, context=1).hits) == limit
            statements.append(sum(n for sql, n in asked.items() if "other_fields" in sql))
    assert statements[1] - statements[0] == 3 * 19
    assert sum(recompiled.values()) == 0


@pytest.fixture
def all_statements(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the statements of every connection that is opened from now on."""
    found: Counter[str] = Counter()

    def note(_cursor: apsw.Cursor, sql: str, _bindings: object) -> bool:
        found[" ".join(sql.split())] += 1
        return True

    def watch(db: apsw.Connection) -> None:
        db.exec_trace = note

    monkeypatch.setattr(apsw, "connection_hooks", [*apsw.connection_hooks, watch])
    return found


def read_own_writes(path: Path, revised: int, found: Counter[str]) -> list[int]:
    """Return the number of statements of each of 20 reads after a write, without a daemon.

    The journal has this number of revised messages besides.
    """
    with Journal.open(path, fsync="never") as journal:
        journal.append_many(
            {"type": type, "session": f"r{n}", "id": f"{type}{n}", "data": data}
            for n in range(revised)
            for type, data in (
                ("message.appended", {"role": "user", "content": "before", "parent": "nowhere"}),
                ("message.revised", {"message": f"message.appended{n}", "content": "after"}),
            )
        )
    with SessionStore.open(path, fsync="never") as store:
        store.append("s", "user", "first")
        store.messages("s")  # this read builds the projection
        store.revise_message("s", store.append("s", "user", "second"), content="revised")
        store.messages("s")
        store.append("s", "user", "third")
        store.messages("s")  # after this, everything that is looked up once is known
        counts = []
        for number in range(20):
            store.append("s", "user", f"message {number}")
            found.clear()
            assert len(store.messages("s")) == number + 4
            counts.append(found.total())
    return counts


def test_a_read_of_an_own_write_takes_as_many_statements_whatever_the_journal_holds(
    tmp_path: Path, all_statements: Counter[str]
) -> None:
    """A handle keeps its connections, and reads only what is new."""
    few = read_own_writes(tmp_path / "few", 10, all_statements)
    many = read_own_writes(tmp_path / "many", 10_000, all_statements)
    assert few == many
    assert len(set(few)) == 1
    assert few[0] <= 25


READING = """
import os, sys
from projector import SessionStore
with SessionStore.open(sys.argv[1], fsync="never") as store:
    for number in range(3):
        store.append("s", "user", "a message")
        store.messages("s")
    os.getppid()  # no other code calls it: it marks where the reads begin and end
    for number in range(50):
        store.append("s", "user", "a message")
        store.messages("s")
    os.getppid()
    store.append("s", "user", "the last one")
    assert len(store.messages("s")) == 54
"""


@needs_strace
def test_a_read_of_an_own_write_opens_no_file(tmp_path: Path) -> None:
    """Segments, database, locks and CURRENT stay open or are only examined; folders are listed."""
    log = tmp_path / "calls"
    strace = ("strace", "-f", "-e", "trace=open,openat,openat2,creat,getppid", "-o", str(log))
    subprocess.run(
        [*strace, sys.executable, "-c", READING, str(tmp_path / "journal")], check=True, timeout=60
    )
    between = log.read_text(errors="replace").split("getppid()")[1]
    opened = re.findall(r"(?:open|openat|openat2|creat)\(.*", between)
    assert [call for call in opened if "O_DIRECTORY" not in call] == []


def test_a_session_that_is_cleared_often_costs_a_bounded_time_for_each_sweep(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sweep is read a bounded number of times, however many messages come between."""
    looks = 0
    original = reach

    def counted(order: Order, data: dict[str, Any]) -> Reach:
        nonlocal looks
        looks += 1
        return original(order, data)

    for module in list(sys.modules.values()):
        if getattr(module, "reach", None) is original:
            monkeypatch.setattr(module, "reach", counted)
    sweep = {"session": "s", "type": "session.cleared", "data": {}}
    message = {"session": "s", "type": "message.appended", "data": {"role": "user"}}
    with Journal.open(journal_dir, fsync="never") as journal:
        for _ in range(300):
            journal.append_many([message, message, message, sweep])
    catch_up_once(open_directory(journal_dir))
    assert 300 <= looks <= 3 * 300


def test_one_more_content_of_a_key_costs_the_same_however_many_it_has(
    tmp_path: Path, journal_dir: Path
) -> None:
    """As of a program that appends the state of its work again and again under one id."""
    db = create(tmp_path / "counted.db", "some-journal")
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    def append(journal: Journal, first: int, last: int) -> int:
        """Append contents, apply them, and return how many steps SQLite took for that."""
        nonlocal steps
        journal.append_many(
            new_event("s", "message.appended", {"role": "tool", "content": f"{n}"}, id="state")
            for n in range(first, last)
        )
        steps = 0
        projector.catch_up()
        return steps

    projector = Projector(db, journal_dir / "lanes")
    db.set_progress_handler(count, 10)
    with Journal.open(journal_dir, fsync="never") as journal:
        append(journal, 0, 50)
        few = append(journal, 50, 150)
        append(journal, 150, 2_000)
        many = append(journal, 2_000, 2_100)
    db.close()
    assert many < 1.5 * few


def test_a_query_reads_the_watermarks_of_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many final segments there are, a query after an append looks at one segment."""
    make_segments(tmp_path / "journal", 120)
    looked: list[int] = []

    def noted(db: apsw.Connection, refs: Sequence[SegmentRef]) -> dict[Place, Mark]:
        looked.append(len(refs))
        return load_marks_of(db, refs)

    path = tmp_path / "journal"
    with Journal.open(path) as lane, Projection.open(path) as projection:
        for number in range(6):
            lane.append_message("s2", "user", f"needle{number}")
            assert len(projection.search(f"needle{number}").hits) == 1
            time.sleep(0.03)  # a list is kept when the folder has not changed for some ticks
        monkeypatch.setattr("projector.reading.goal.load_marks_of", noted)
        lane.append_message("s2", "user", "haystack")
        assert len(projection.search("haystack").hits) == 1
    assert set(looked) == {1}
