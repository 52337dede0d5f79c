"""Version 0.1.0 and this version on one journal: reading, writing, upgrading, importing."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from journal.format.record import Header, encode_header
from journal.process.boot import boot_id
from journal.verify import verify
from projector import Projection, SessionStore, TitleTaken
from tests.importers.hermes.databases import made_by
from tests.importers.source_lines import ROLLOUT, claude, head, says, write
from tests.support.journals import events, headers, segments
from tests.support.programs.version_0_1_0 import THIS, Version, version_0_1_0
from tests.support.projections import Fact, facts, header, line, message, write_segment

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import ExpectedProblems

ASK = """
import json, sys
from projector import Projection
path, *words = sys.argv[1:]
with Projection.open(path) as projection:
    sessions = [[s.session, s.title, s.messages] for s in projection.sessions(limit=1000)]
    contents = {
        name: [[m.id, m.role, m.content, m.time] for m in projection.messages(name)]
        for name, _, _ in sessions
    }
    found = {
        word: [[hit.session, hit.id] for hit in projection.search(word, limit=100).hits]
        for word in words
    }
print(json.dumps([sorted(sessions, key=str), contents, found]))
"""
"""Reads all sessions, all messages and the hits of some words."""

pytestmark = pytest.mark.slow

HANDLE = """
import json, sys
from projector import SessionStore
with SessionStore.open(sys.argv[1], fsync="never") as store:
    print("open", flush=True)
    for asked in sys.stdin:
        method, arguments, fields = json.loads(asked)
        getattr(store, method)(*arguments, **fields)
        print("done", flush=True)
"""
"""Keeps a store open, and runs the methods that are named on standard input."""

WRITER = """
import itertools, json, os, sys, time
from projector import SessionStore
path, name, acks, stop = sys.argv[1:]
with SessionStore.open(path, fsync="never") as store, open(acks, "a") as file:
    def ack(*what):
        os.write(file.fileno(), json.dumps(what).encode() + b"\\n")
    for n in itertools.count():
        if os.path.exists(stop) and n > 20:
            break
        session = f"shared-{n % 3}"
        store.append(session, "user", f"{name} says {n}", id=f"{name}-{n}")
        ack("appended", session, f"{name}-{n}", f"{name} says {n}")
        if n % 4 == 1:
            store.revise_message(session, f"{name}-{n}", content=f"{name} corrects {n}")
            ack("revised", session, f"{name}-{n}", f"{name} corrects {n}")
        if n % 4 == 2:
            (getattr(store, "remove_messages", None) or store.remove)(session, [f"{name}-{n}"])
            ack("removed", session, f"{name}-{n}", None)
        store.append(name, "user", f"alone {n}", id=f"{name}-alone-{n}")
        ack("appended", name, f"{name}-alone-{n}", f"alone {n}")
        if n % 20 == 9:
            (store.clear if n % 40 == 9 else store.delete)(name)
            ack("swept", name, "", None)
        (getattr(store, "set_title", None) or store.title)(name, f"title {n}")
        ack("titled", name, "", f"title {n}")
        time.sleep(0.02)
"""
"""Writes messages and edits until a file exists, and notes what was acknowledged in another."""

_SECONDS = 0.5
"""The time for which writers of both versions run beside each other."""


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """Version 0.1.0."""
    return version_0_1_0(tmp_path_factory.mktemp("version_0_1_0"))


class Handle:
    """A long-lived `SessionStore` in its own process."""

    def __init__(self, version: Version, path: Path) -> None:
        self._process = version.start(HANDLE, path)
        self._expect("open")

    def __call__(self, method: str, *arguments: object, **fields: object) -> None:
        """Call a method of the store, and return when it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([method, arguments, fields]) + "\n")
        self._process.stdin.flush()
        self._expect("done")

    def _expect(self, what: str) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline() != f"{what}\n":
            raise AssertionError(self._process.communicate(timeout=60)[1])

    def end(self) -> None:
        """Close the store, and end the process; a second call does nothing."""
        if self._process.returncode is not None:
            return
        try:
            _, err = self._process.communicate(timeout=30)
            assert self._process.returncode == 0, err
        finally:
            self._process.kill()


@pytest.fixture
def handle(journal_dir: Path) -> Iterator[Callable[[Version], Handle]]:
    """Open long-lived handles, and close them after the test."""
    with ExitStack() as opened:

        def open(version: Version) -> Handle:
            handle = Handle(version, journal_dir)
            opened.callback(handle.end)
            return handle

        yield open


@dataclass
class Writer:
    """A process that appends continuously, and what it has acknowledged.

    Attributes:
        name: the prefix of its messages and its session.
        process: the process.
        acks: the file of its acknowledgements.
        killed: whether it was killed; then its last edit may be done and not noted.
    """

    name: str
    process: subprocess.Popen[str]
    acks: Path
    killed: bool = False

    def noted(self) -> list[tuple[str, str, str, str | None]]:
        """Return the acknowledgements so far: kind, session, message, and content or title."""
        done = self.acks.read_bytes().rpartition(b"\n")[0] if self.acks.exists() else b""
        return [tuple(json.loads(line)) for line in done.splitlines()]

    def kill(self) -> None:
        """Kill it without warning."""
        self.process.kill()
        self.process.communicate(timeout=60)
        self.killed = True

    def end(self) -> None:
        """Wait for its end."""
        _, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err


@dataclass
class Writers:
    """Writers of both versions on one journal."""

    path: Path
    folder: Path
    all: list[Writer] = field(default_factory=list)

    def start(self, version: Version, name: str) -> Writer:
        """Start a writer."""
        acks = self.folder / f"{name}.acks"
        process = version.start(WRITER, self.path, name, acks, self.folder / "stop")
        writer = Writer(name, process, acks)
        self.all.append(writer)
        return writer

    def until_all_write(self) -> None:
        """Wait until each has acknowledged something."""
        deadline = time.monotonic() + 60
        while not all(writer.noted() or writer.killed for writer in self.all):
            assert time.monotonic() < deadline, "a writer did not begin"
            time.sleep(0.02)

    def finish(self) -> None:
        """Tell all writers to end, and wait for them."""
        (self.folder / "stop").touch()
        for writer in self.all:
            if not writer.killed:
                writer.end()


@pytest.fixture
def writers(journal_dir: Path, tmp_path: Path) -> Iterator[Writers]:
    """Start writers, and end them after the test."""
    writers = Writers(journal_dir, tmp_path)
    yield writers
    for writer in writers.all:
        writer.process.kill()
        writer.process.communicate(timeout=60)


def ask(version: Version, path: Path, *words: str) -> list[Any]:
    """Return what a version's projection shows: sessions, messages by session, hits by word."""
    answer: list[Any] = json.loads(version.python(ASK, path, *words))
    return answer


def contents(path: Path) -> dict[str, dict[str, object]]:
    """Return the content of every message of every transcript, by session and id."""
    with Projection.open(path) as projection:
        names = [view.session for view in projection.sessions(limit=1000)]
        return {name: {m.id: m.content for m in projection.messages(name)} for name in names}


def formats(path: Path) -> list[int]:
    """Return the format of each segment, by folder and number."""
    return [found.format for found in headers(path)]


def append(version: Version, path: Path, id: str, text: str) -> None:
    """Append a message with the command."""
    arguments = ("append", "--session", "s", "--role", "user", "--id", id, text)
    done = version.command("journal", path, *arguments)
    assert (done.returncode, done.stdout) == (0, f"{id}\n"), done.stderr


def assert_keeps_all(writers: Writers) -> None:
    """Check that this version shows each acknowledged event once, with all edits in force."""
    keys = Counter((record.event.session, record.event.id) for record in events(writers.path))
    assert set(keys.values()) == {1}, "an event was written twice"
    assert len(set(record_places(writers.path))) == len(keys), "one number belongs to two events"
    shown = contents(writers.path)
    with Projection.open(writers.path) as projection:
        status = projection.status()
        titles = {view.session: view.title for view in projection.sessions(limit=1000)}
    assert (status.conflicts, status.duplicates, status.quarantined) == (0, 0, 0)
    assert status.events == len(keys)
    for writer in writers.all:
        noted = writer.noted()
        assert {
            (session, id) for what, session, id, _ in noted if what == "appended"
        } <= keys.keys()
        expected: dict[str, dict[str, object]] = {}
        for what, session, id, content in noted:
            messages = expected.setdefault(session, {})
            if what in ("appended", "revised"):
                messages[id] = content
            elif what == "removed":
                del messages[id]
            elif what == "swept":
                messages.clear()
            else:
                expected["titles"] = {writer.name: content}
        if writer.killed:  # one edit that it did not note may be in force
            continue
        assert {writer.name: titles[writer.name]} == expected.pop("titles")
        assert shown.get(writer.name, {}) == expected.pop(writer.name)
        for session, messages in expected.items():
            found = {id: text for id, text in shown[session].items() if id.startswith(writer.name)}
            assert found == messages


def record_places(path: Path) -> Iterator[tuple[str, int]]:
    """Yield lane uuid and number of each record."""
    for segment in segments(path):
        lane = ""
        for raw in segment.read_bytes().splitlines():
            fields = json.loads(raw)
            lane = fields.get("lane", lane)
            if "format" not in fields:
                yield lane, fields["seq"]


def test_the_old_version_is_0_1_0(old: Version) -> None:
    """Both versions run in their own processes, each with its own packages."""
    source = "import {} as record; print(record.FORMAT, record.__file__)"
    format, file = old.python(source.format("journal.record")).split()
    assert (format, file) == ("1", str(old.root / "journal" / "record.py"))
    format, file = THIS.python(source.format("journal.format.record")).split()
    assert (format, file) == ("2", str(THIS.root / "journal" / "format" / "record.py"))


def test_a_journal_of_0_1_0_is_read_as_0_1_0_reads_it(
    old: Version, journal_dir: Path, handle: Callable[[Version], Handle]
) -> None:
    """Sessions, messages, their order and searches are equal; the mark keeps its version."""
    many = [
        {"session": f"s{n % 3}", "role": "user", "content": f"docker {n} 北京", "id": f"m{n}"}
        for n in range(40)
    ]
    lines = "".join(json.dumps(message) + "\n" for message in many)
    process = old.begin("journal", journal_dir, "append", "--jsonl", "--ack")
    out, err = process.communicate(lines, timeout=60)
    assert out.split() == [message["id"] for message in many], err
    first = handle(old)
    first("title", "s0", "the first")
    first("revise_message", "s0", "m3", content="compose instead")
    first("remove", "s1", ["m1"])
    first("clear", "s2")
    first("append", "s2", "user", "docker again", id="again")
    first.end()
    mark = (journal_dir / "journal.json").read_bytes()

    before = ask(old, journal_dir, "docker", "compose", "北京", "again")
    assert ask(THIS, journal_dir, "docker", "compose", "北京", "again") == before
    assert [len(before[1][name]) for name in ("s0", "s1", "s2")] == [14, 12, 1]

    append(THIS, journal_dir, "new", "docker from the new version")
    assert (journal_dir / "journal.json").read_bytes() == mark
    assert json.loads(mark)["format"] == 1
    former, *_, latest = headers(journal_dir)
    assert (former.format, latest.format) == (1, 2)
    assert (latest.folder, latest.seq) == (1, 1)
    assert latest.lane != former.lane
    assert THIS.command("journal", journal_dir, "verify").returncode == 0
    sessions, messages, found = ask(THIS, journal_dir, "docker", "compose", "北京", "again")
    assert messages.pop("s")[0][:3] == ["new", "user", "docker from the new version"]
    assert messages == before[1]
    assert [session for session in sessions if session[0] != "s"] == before[0]
    assert sorted(found["docker"]) == sorted([*before[2]["docker"], ["s", "new"]])


def test_commands_of_both_versions_write_in_turn_and_at_once(
    old: Version, journal_dir: Path
) -> None:
    """Each version writes its own segments; no event is lost; 0.1.0 reports what it skips."""
    # 0.1.0 skips number 3: it numbers its own lane's events only, and continues in our lane
    turns = [old, old, THIS, old, THIS]
    for n, version in enumerate(turns):
        append(version, journal_dir, f"turn-{n}", f"said in turn {n}")
    assert formats(journal_dir) == [1, 2, 1, 2]
    at_once = [
        version.begin(
            *("journal", journal_dir, "append", "--session", "s", "--role", "user"),
            *("--id", f"once-{n}", f"said at once {n}"),
        )
        for n, version in enumerate(turns)
    ]
    for process in at_once:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err

    ids = {f"{when}-{n}" for when in ("turn", "once") for n in range(len(turns))}
    assert set(contents(journal_dir)["s"]) == ids
    # 0.1.0 shows what it wrote, names the segments that it skips, and its search still works
    untouched = {path: path.read_bytes() for path in segments(journal_dir)}
    _, messages, found = ask(old, journal_dir, "said")
    theirs = {f"{when}-{n}" for when in ("turn", "once") for n in (0, 1, 3)}
    assert {id for id, *_ in messages["s"]} == theirs
    assert {id for _, id in found["said"]} == theirs
    status = old.command("projector", journal_dir, "status").stdout.splitlines()
    [quarantined] = [line.split()[1] for line in status if line.startswith("quarantined")]
    assert int(quarantined) == formats(journal_dir).count(2)
    checked = old.command("journal", journal_dir, "verify")
    assert "format 2; this program knows format 1: install a newer" in checked.stdout
    assert {path: path.read_bytes() for path in segments(journal_dir)} == untouched


def test_long_lived_handles_of_both_versions_edit_what_the_other_wrote(
    old: Version, handle: Callable[[Version], Handle], journal_dir: Path
) -> None:
    """Revisions, removals, titles and sweeps of each version apply to messages of the other."""
    first, second = handle(old), handle(THIS)
    for n, writer in enumerate([first, second, first, second]):
        writer("append", "s", "user", f"one {n}", id=f"m{n}")
    second("revise_message", "s", "m0", content="revised by the new")
    first("revise_message", "s", "m1", content="revised by the old")
    second("remove_messages", "s", ["m2"])
    first("remove", "s", ["m3"])
    first("title", "s", "old")
    second("set_title", "s", "new")
    assert contents(journal_dir)["s"] == {"m0": "revised by the new", "m1": "revised by the old"}
    with Projection.open(journal_dir) as projection:
        assert projection.session("s").title == "new"
    first("title", "s", "old again")
    for name, sweeper, other in (("old", first, second), ("new", second, first)):
        for sweep in ("clear", "delete"):
            session = f"{name} {sweep}"
            first("append", session, "user", "1", id="gone-1")
            second("append", session, "user", "2", id="gone-2")
            sweeper(sweep, session)
            other("append", session, "user", "3", id="stays-3")
            sweeper("append", session, "user", "4", id="stays-4")
    first.end()
    second.end()
    shown = contents(journal_dir)
    with Projection.open(journal_dir) as projection:
        assert projection.session("s").title == "old again"
    del shown["s"]
    assert shown == {
        f"{name} {sweep}": {"stays-3": "3", "stays-4": "4"}
        for name in ("old", "new")
        for sweep in ("clear", "delete")
    }


def test_decisions_of_0_1_0_hold_for_this_version(
    old: Version, journal_dir: Path, handle: Callable[[Version], Handle]
) -> None:
    """Claims, values and unique titles of 0.1.0 are respected, and its claims expire."""
    former = handle(old)
    former("claim", "held", holder="old", seconds=600)
    former("claim", "short", holder="old", seconds=0.3)
    former("set", "schema", 1)
    former("create", "s")
    former("claim_title", "s", "unique")
    with SessionStore.open(journal_dir) as store:
        assert store.claims.acquire("held", holder="new", seconds=60) is None
        assert not store.keys.compare_and_set("schema", 3, expected=2)
        assert store.keys.compare_and_set("schema", 2, expected=1)
        with pytest.raises(TitleTaken):
            store.claim_title("t", "unique")
        time.sleep(0.4)
        claim = store.claims.acquire("short", holder="new", seconds=60)
        assert claim is not None
        assert claim.token == 2
    former.end()


def test_an_upgrade_while_processes_write_loses_and_duplicates_nothing(
    old: Version, writers: Writers
) -> None:
    """Writers of 0.1.0 continue while new ones start, are killed and restart."""
    writers.start(old, "old-1")
    doomed = [writers.start(old, "old-2")]
    writers.until_all_write()
    time.sleep(_SECONDS)
    writers.start(THIS, "new-1")
    doomed.append(writers.start(THIS, "new-2"))
    writers.until_all_write()
    # an answer includes everything that either version acknowledged before the query
    for _ in range(3):
        noted = [writer.noted() for writer in writers.all]
        shown = contents(writers.path)
        for writer, known in zip(writers.all, noted, strict=True):
            appended = {
                id for what, at, id, _ in known if what == "appended" and at.startswith("shared")
            }
            gone = {id for what, _, id, _ in writer.noted() if what == "removed"}
            # one removal may be done and not be noted yet
            missing = appended - gone - {id for name in shown for id in shown[name]}
            assert len(missing) <= 1, missing
        time.sleep(_SECONDS / 3)
    for writer in doomed:
        writer.kill()
    # each version leases a lane in which the other may have been killed
    writers.start(old, "old-3")
    writers.start(THIS, "new-3")
    writers.until_all_write()
    time.sleep(_SECONDS)
    writers.finish()
    assert set(formats(writers.path)) == {1, 2}
    assert_keeps_all(writers)


def test_the_projectors_of_both_versions_run_beside_each_other(
    old: Version, journal_dir: Path
) -> None:
    """Each version has its own projection, and a query of one never rebuilds the other's."""
    append(old, journal_dir, "first", "said by the old")
    daemons = [version.begin("projector", journal_dir, "run") for version in (old, THIS)]
    try:
        for daemon in daemons:
            assert daemon.stderr is not None
            assert daemon.stderr.readline().startswith("projecting")
        append(THIS, journal_dir, "second", "said by the new")
        for _ in range(2):
            assert ask(old, journal_dir, "said")[2]["said"] == [["s", "first"]]
            found = ask(THIS, journal_dir, "said")[2]["said"]
            assert sorted(found) == [["s", "first"], ["s", "second"]]
    finally:
        for daemon in daemons:
            daemon.terminate()
        ended = [daemon.communicate(timeout=60)[1] for daemon in daemons]
    assert ended == ["stopped\n", "stopped\n"]
    names = sorted(path.name for path in (journal_dir / "projection").rglob("*.db"))
    assert names == ["1.db", "1.db"]


def test_an_edit_has_a_higher_order_than_a_lane_that_0_1_0_continued(
    old: Version,
    journal_dir: Path,
    handle: Callable[[Version], Handle],
    expect_problems: ExpectedProblems,
) -> None:
    """An edit gets a higher order than a record far ahead, although 0.1.0 wrote after it.

    Version 0.1.0 has no orders: it dates the events that it appends to such a lane by its clock.
    """
    expect_problems("torn")
    append(old, journal_dir, "first", "makes a journal of version 1")
    now = time.time_ns() // 1000
    ahead = now + 10 * 3_600_000_000
    opening = Header(2, "segment-2", "lane-2", 1, 1, "host", boot_id(), 1, now)
    event = message("m", "ahead", time=now)
    titled = type(event)("s", "t", "session.titled", now, ahead, {"title": "ahead"})
    content = encode_header(opening) + line(Fact("lane-2", 1, titled))
    write_segment(journal_dir / "lanes", "1", 2, content)
    for n in range(2):  # then two segments of 0.1.0
        append(old, journal_dir, f"m{n}", "behind")
        with segments(journal_dir)[-1].open("ab") as file:
            file.write(b'{"crc":"')
    held = handle(old)
    # each in its own process: a process does not know what the other has read
    beside = handle(THIS)  # in another lane
    beside("set_title", "s", "beside")
    with Projection.open(journal_dir) as projection:
        assert projection.session("s").title == "beside"
    held.end()
    beside.end()
    behind = handle(THIS)  # in that lane
    behind("append", "s", "user", "text", id="last")
    [last] = [record.event for record in events(journal_dir) if record.event.id == "last"]
    assert last.order > ahead


def test_0_1_0_continues_behind_restored_records_under_another_uuid(
    old: Version, journal_dir: Path, handle: Callable[[Version], Handle]
) -> None:
    """Restored records keep lane and number, and a writer does not assign their numbers again."""
    held = handle(old)
    for n in range(4):
        held("append", "s", "user", f"text {n}", id=f"m{n}")
    assert len(contents(journal_dir)["s"]) == 4
    (segment,) = segments(journal_dir)
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[:2]))
    done = THIS.command("projector", journal_dir, "salvage")
    assert done.returncode == 0, done.stderr
    append(old, journal_dir, "behind", "in the folder of what was restored")
    assert headers(journal_dir)[-1].format == 1
    places = list(record_places(journal_dir))
    assert len(set(places)) == len(places) == 5
    assert set(contents(journal_dir)["s"]) == {"m0", "m1", "m2", "m3", "behind"}


def test_numbers_that_0_1_0_cannot_have_left_out_are_missing(
    journal_dir: Path, expect_problems: ExpectedProblems
) -> None:
    """It continues after the highest number of the folder; numbers missing above that are lost."""
    expect_problems("gap")
    with SessionStore.open(journal_dir):
        pass
    lanes = journal_dir / "lanes"
    earlier = facts(message("m1", "1"), message("m2", "2"), lane="L")
    write_segment(lanes, "1", 1, header("L") + b"".join(map(line, earlier)))
    later = Fact("L", 9, message("m9", "9", time=10**15 + 9))
    write_segment(lanes, "1", 2, header("L", 2, seq=9, format=1) + line(later))
    [problem] = verify(lanes).problems
    assert problem.reason == "6 missing: sequence number 3 to 8 are nowhere in the lane"


def test_a_journal_of_this_version_is_refused_by_0_1_0(old: Version, journal_dir: Path) -> None:
    """Every command of 0.1.0 reports that the format is newer, and changes nothing."""
    append(THIS, journal_dir, "m", "new")
    before = sorted(journal_dir.rglob("*"))
    for command in (
        ("journal", "append", "--session", "s", "--role", "user", "text"),
        ("journal", "verify"),
        ("projector", "search", "new"),
        ("projector", "run"),
    ):
        done = old.command(command[0], journal_dir, *command[1:])
        assert done.returncode != 0
        assert "format 2" in done.stderr
        assert "Traceback" not in done.stderr
    assert sorted(journal_dir.rglob("*")) == before


def test_both_import_the_same_files_without_duplicates(
    old: Version, journal_dir: Path, tmp_path: Path
) -> None:
    """This version imports what 0.1.0 imported without a conflict."""
    sources = tmp_path / "sources"
    write(
        sources / "cc.jsonl",
        [
            claude("u1", None, "where is the parser", 0),
            claude("u2", "u1", [{"type": "text", "text": "in line 3"}], 1, type="assistant"),
            claude("u3", "u2", "thanks", 2),
        ],
    )
    write(
        sources / ROLLOUT,
        [head(), says(1, "list the files"), says(2, "there are two", role="assistant")],
    )
    hermes = made_by(sources / "state.db")
    done = old.command("journal", journal_dir, "import", "auto", sources)
    assert done.returncode == 0, done.stderr
    before = contents(journal_dir)
    assert sorted(len(messages) for messages in before.values()) == [2, 2, 3]

    for again in ("first", "second"):
        done = THIS.command("journal", journal_dir, "import", "auto", sources)
        assert done.returncode == 0, (again, done.stderr)
        with Projection.open(journal_dir) as projection:
            assert projection.status().conflicts == 0, again
        assert contents(journal_dir) == before, again
    hermes.say("three")
    write(
        sources / "cc.jsonl",
        [
            *map(json.loads, (sources / "cc.jsonl").read_text().splitlines()),
            claude("u4", "u3", "one more", 3),
        ],
    )
    for version in (THIS, old, THIS):
        assert version.command("journal", journal_dir, "import", "auto", sources).returncode == 0
    grown = contents(journal_dir)
    assert {name: len(grown[name]) - len(before[name]) for name in grown} == {
        name: int(name in ("cc", "s1")) for name in grown
    }
    with Projection.open(journal_dir) as projection:
        assert projection.status().conflicts == 0


def test_a_conversation_that_0_1_0_flushed_continues(
    old: Version, journal_dir: Path, handle: Callable[[Version], Handle]
) -> None:
    """A flush keeps the messages that 0.1.0 flushed without ids, and adds the new ones."""
    talk = [
        {"role": role, "content": f"{role} {n}"} for n in range(3) for role in ("user", "assistant")
    ]
    handle(old)("flush", "s", talk[:4])
    with SessionStore.open(journal_dir) as store:
        report = store.flush("s", talk)
        assert (len(report.kept), len(report.added)) == (4, 2)
        assert [m.content for m in store.messages("s")] == [m["content"] for m in talk]
