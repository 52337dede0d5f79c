"""An import appends exactly the new events, and reports what it did."""

from __future__ import annotations

import itertools
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journal.errors import SyncError
from journal.format.frame import MAX_RECORD
from journal.importers.files.lines import LIMIT
from journal.importers.run import ledger
from journal.importers.run.driver import Importer
from journal.importers.run.following import follow
from journal.writer import Journal
from tests.importers.feed import journal_events, journal_set, line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.importers.run.report import Report


def user_line(number: int, text: str = "x", session: str = "s1") -> bytes:
    """Return a line of Claude Code with a newline."""
    message = {"role": "user", "content": f"{text}{number}"}
    time = f"2026-01-01T12:00:{number % 60:02}Z"
    about = {"uuid": f"u{number}", "sessionId": session, "timestamp": time}
    return line(type="user", **about, message=message) + b"\n"


def run(journal: Path, *paths: Path, format: str = "auto", reread: bool = False) -> Report:
    """Import paths into a journal."""
    with Journal.open(journal, fsync="never") as handle:
        importer = Importer(handle, format, reread=reread)
        return importer.run(importer.sources(paths))


def texts(journal: Path) -> list[str]:
    """Return the contents of all messages, in the order of events."""
    return [
        data["content"]
        for _, _, type, data in journal_events(journal)
        if "content" in data and type
    ]


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder for sources; the journal goes beside it."""
    folder = tmp_path / "box"
    folder.mkdir()
    return folder


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal's folder, which does not exist yet."""
    return tmp_path / "journal"


def test_importing_again_appends_nothing(box: Path, journal: Path) -> None:
    """Lines that the ledger knows are counted as already imported; the journal does not grow."""
    (box / "a.jsonl").write_bytes(user_line(1) + user_line(2))
    first = run(journal, box)
    assert (first.files, first.lines, first.messages, first.events) == (1, 2, 2, 1)
    before = journal_events(journal)
    again = run(journal, box)
    assert (again.lines, again.messages, again.events, again.already) == (2, 0, 0, 3)
    assert journal_events(journal) == before
    assert run(journal, box, reread=True).already == 3
    assert journal_events(journal) == before


def test_only_the_new_lines_of_a_grown_file_are_imported(box: Path, journal: Path) -> None:
    """Lines before the known offset are read, and not appended."""
    source = box / "a.jsonl"
    source.write_bytes(user_line(1))
    run(journal, source)
    with source.open("ab") as file:
        file.write(user_line(2))
    report = run(journal, source)
    assert (report.messages, report.already) == (1, 2)
    assert texts(journal) == ["x1", "x2"]


@pytest.mark.parametrize("change", [user_line(1, "y") + user_line(2), user_line(3), b""])
def test_a_replaced_file_is_imported_from_the_beginning(
    box: Path, journal: Path, change: bytes
) -> None:
    """The import hint is used only while every byte that it covers is unchanged."""
    source = box / "a.jsonl"
    source.write_bytes(user_line(0) + user_line(1))
    run(journal, source)
    source.write_bytes(change)
    report = run(journal, source)
    assert report.messages + report.conflicts == change.count(b"\n")
    assert report.conflicts == change.count(b"y1"), "its id has another content in the journal"
    assert report.errors == {}


@pytest.mark.parametrize(
    "torn", [b"", b"{", b"[]", b'{"path":1}', b"\xff", b'{"path":"x","format":"y"}']
)
def test_after_a_lost_or_torn_ledger_nothing_is_appended_twice(
    box: Path, journal: Path, torn: bytes
) -> None:
    """Without the ledger all lines are read again, and the journal shows what it has of them."""
    (box / "a.jsonl").write_bytes(user_line(1))
    run(journal, box)
    before = journal_events(journal)
    (entry,) = (journal / "imports").iterdir()
    entry.write_bytes(torn)
    (box / "a.jsonl").write_bytes(user_line(1) + user_line(2))
    again = run(journal, box)
    assert (again.messages, again.events, again.already) == (1, 0, 2)
    assert journal_events(journal)[:2] == before
    (box / "a.jsonl").touch()  # else it is not read on a machine that is slow enough
    assert run(journal, box).already == 3, "and it is written again"


def test_the_ledger_is_private(box: Path, journal: Path) -> None:
    """Other users cannot read which files were imported."""
    (box / "a.jsonl").write_bytes(user_line(1))
    run(journal, box)
    folder = journal / "imports"
    (entry,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, entry.stat().st_mode & 0o777) == (0o700, 0o600)


def test_the_ledger_is_not_ahead_of_the_disk(
    box: Path, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed sync the ledger is not written, and the next import appends all again.

    The lanes show the events, but the disk may lack them until the machine is started again.
    """
    (box / "a.jsonl").write_bytes(user_line(1))

    def refuse(_: Journal) -> None:
        raise SyncError("the disk is gone", ())

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "sync", refuse)
        with pytest.raises(SyncError):
            run(journal, box)
    assert [path.name for path in (journal / "imports").iterdir()] == ["unsure"]
    assert run(journal, box).messages == 1
    monkeypatch.setattr("journal.importers.run.known.unsure.boot_id", lambda: "the next boot")
    assert run(journal, box, reread=True).messages == 0


def test_one_sync_serves_the_entries_of_many_sources(
    box: Path, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of many small files does not wait for the disk at each of them."""
    for number in range(40):
        (box / f"{number}.jsonl").write_bytes(user_line(number))
    syncs: list[int] = []
    sync = Journal.sync

    def count(handle: Journal) -> None:
        syncs.append(len(list(journal.glob("imports/*.json"))))
        sync(handle)

    monkeypatch.setattr(ledger, "_WAIT", 60.0)
    monkeypatch.setattr(ledger, "_NOTED", 16)
    monkeypatch.setattr(Journal, "sync", count)
    assert run(journal, box).messages == 40
    assert syncs == [0, 16, 32], "an entry is written after the sync of its events"
    assert len(list(journal.glob("imports/*.json"))) == 40


def test_a_last_line_without_a_newline_counts_if_it_is_complete(box: Path, journal: Path) -> None:
    """An incomplete line is skipped, and imported when the rest of it is there."""
    source = box / "a.jsonl"
    source.write_bytes(user_line(1) + user_line(2)[:-5])
    report = run(journal, source)
    assert (report.messages, report.skipped) == (1, {"unfinished last line": 1})
    source.write_bytes(user_line(1) + user_line(2)[:-1])
    assert run(journal, source).messages == 1
    assert run(journal, source).messages == 0
    source.write_bytes(user_line(1) + user_line(2) + user_line(3))
    assert run(journal, source).messages == 1
    assert texts(journal) == ["x1", "x2", "x3"]


def test_bad_lines_are_counted_and_do_not_stop_the_rest(box: Path, journal: Path) -> None:
    """Every line is imported, repaired and counted, or skipped with a reason."""
    surrogate = user_line(3, r"\ud800").replace(rb"\\ud800", rb"\ud800")
    bad = [b"\n", b"  \r\n", b"{broken\n", b"\0\0\0\n", b"[" * 400 + b"]" * 400 + b"\n"]
    (box / "a.jsonl").write_bytes(
        b"\xef\xbb\xbf" + user_line(1) + b"".join(bad) + user_line(2)[:-1] + b"\r\n" + surrogate
    )
    report = run(journal, box)
    assert texts(journal) == ["x1", "x2", "\ufffd3"]
    assert report.skipped == {
        "blank line": 2,
        "not JSON": 1,
        "NUL bytes": 1,
        "nested too deeply": 1,
    }
    assert report.repaired == {"lone surrogate replaced by U+FFFD": 1}
    assert report.lines == 8


@pytest.mark.slow
def test_a_line_that_is_too_long_becomes_a_message_with_its_size(box: Path, journal: Path) -> None:
    """It has the line's place in the session; the lines beside it are imported."""
    (box / "a.jsonl").write_bytes(user_line(1) + b'"' + b"x" * LIMIT + b'"\n' + user_line(2))
    report = run(journal, box)
    assert report.messages == 3
    assert report.skipped == {"line over 64 MiB, replaced by a message with its size": 1}
    reason = f"a line of {LIMIT + 3:,} bytes, more than are read"
    assert texts(journal) == ["x1", f"[left out: {reason}]", "x2"]
    left_out = [data for *_, data in journal_events(journal) if "left_out" in str(data)]
    assert left_out[0]["extra"] == {"left_out": {"bytes": LIMIT + 3, "reason": reason}}
    assert run(journal, box).messages == 0


@pytest.mark.slow
def test_a_refused_message_is_named_and_the_rest_is_appended(box: Path, journal: Path) -> None:
    """A message that is too large for a record is replaced by its size and the reason."""
    time = 1_770_000_000
    large = line(role="tool", tool_call_id="c", content="x" * MAX_RECORD, timestamp=time) + b"\n"
    small = line(role="user", content="a", timestamp=time) + b"\n"
    (box / "a.jsonl").write_bytes(small + large + small)
    report = run(journal, box)
    assert (report.messages, report.skipped.total(), report.conflicts) == (3, 1, 0)
    (stand_in,) = [data for *_, data in journal_events(journal) if "left_out" in str(data)]
    assert (stand_in["role"], stand_in["tool_call_id"]) == ("tool", "c")
    assert stand_in["extra"]["left_out"]["bytes"] > MAX_RECORD
    assert "more than a record of a journal holds" in stand_in["content"]
    again = run(journal, box, reread=True)
    assert (again.conflicts, len(journal_set(journal))) == (0, 4), "the same again adds nothing"


def test_a_folder_is_read_in_order_and_each_file_once(box: Path) -> None:
    """Only files with endings of transcripts are read, and never the journal itself."""
    (box / "b").mkdir()
    for name, number in (("b/z.jsonl", 3), ("a.jsonl", 1), ("b/a.jsonl", 2), ("notes.txt", 4)):
        (box / name).write_bytes(user_line(number, session=f"s{number}"))
    (box / "link.jsonl").symlink_to(box / "a.jsonl")
    inside = box / "journal"
    assert run(inside, box, box / "b", box / "a.jsonl").files == 3
    assert texts(inside) == ["x1", "x2", "x3"]
    assert run(inside, box).unknown == []


def test_a_file_of_no_known_format_is_reported(box: Path, journal: Path) -> None:
    """In a folder it is named; given by its own path it is an error; an empty file is neither."""
    strange = box / "strange.jsonl"
    strange.write_bytes(b'{"what":1}\n')
    (box / "empty.jsonl").touch()
    report = run(journal, box)
    assert (report.unknown, report.errors, report.files) == ([str(strange)], {}, 0)
    named = run(journal, strange, box / "empty.jsonl")
    assert list(named.errors) == [str(strange)]
    assert run(journal, strange, format="openai").skipped.total() == 1


def test_a_file_that_cannot_be_read_does_not_stop_the_others(box: Path, journal: Path) -> None:
    """The error has its reason; pipes are not opened, because that would wait for ever."""
    os.mkfifo(box / "pipe.jsonl")
    (box / "good.jsonl").write_bytes(user_line(1))
    report = run(journal, box / "gone.jsonl", box / "pipe.jsonl", box)
    assert sorted(report.errors) == [str(box / "gone.jsonl"), str(box / "pipe.jsonl")]
    assert report.messages == 1


def test_snapshots_of_one_session_are_stored_once(box: Path, journal: Path) -> None:
    """The same line in another file is known again within one run."""
    for name, count in (("00.jsonl", 2), ("01.jsonl", 4), ("02.jsonl", 3)):
        (box / name).write_bytes(b"".join(user_line(number) for number in range(count)))
    report = run(journal, box)
    assert (report.messages, report.already) == (4, 7)


def test_two_contents_with_one_id_are_two_messages(box: Path, journal: Path) -> None:
    """The first has the id as key, the other another key; the same content has the same key."""
    (box / "a.jsonl").write_bytes(user_line(1, "one") + user_line(1, "two") + user_line(1, "one"))
    report = run(journal, box)
    assert (report.messages, report.already, report.conflicts) == (2, 1, 0)
    assert texts(journal) == ["one1", "two1"]


def test_a_document_is_recognised_after_a_change(box: Path, journal: Path) -> None:
    """A document is replaced as a whole; its known messages are not appended again."""
    source = box / "talk.json"
    talk = [{"role": "user", "content": str(n), "timestamp": 1_770_000_000} for n in range(4)]
    source.write_text(json.dumps(talk[:3]))
    assert run(journal, source).messages == 3
    assert run(journal, source).messages == 0
    source.write_text(json.dumps(talk, indent=1))
    assert run(journal, source).messages == 1
    assert len(journal_set(journal)) == 5


@pytest.mark.slow
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(4)),
    twice=st.lists(st.integers(0, 3), max_size=2),
    cuts=st.lists(st.integers(0, 9), min_size=3, max_size=3).map(sorted),
)
def test_slices_in_any_order_give_the_same_events(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], twice: list[int], cuts: list[int]
) -> None:
    """In any order, and with some of them twice, the set of events is the same."""
    box = tmp_path_factory.mktemp("slices")
    lines = [user_line(number) for number in range(9)]
    edges = [0, *cuts, 9]
    for number, (start, end) in enumerate(itertools.pairwise(edges)):
        (box / f"{number}.jsonl").write_bytes(b"".join(lines[start:end]))
    (box / "whole.jsonl").write_bytes(b"".join(lines))
    for number in [*order, *twice]:
        run(box / "parts", box / f"{number}.jsonl", format="claude-code")
    run(box / "at-once", box / "whole.jsonl")
    assert journal_set(box / "parts") == journal_set(box / "at-once")


class Follower:
    """Follows a folder step by step: actions, and checks of the files after each of them.

    After an action the files are polled until the journal has something new, at most `POLLS`
    times: how many polls pass between two checks of all files depends on what a check costs.
    """

    POLLS = 100

    def __init__(self, journal: Path, box: Path) -> None:
        self.journal, self.box = journal, box
        self.seen: list[list[str]] = []
        self.polls_left = 0

    def run(self, *actions: Callable[[], Any], format: str = "auto") -> Report:
        """Follow until the actions are done."""
        steps = iter(actions)
        with Journal.open(self.journal, fsync="never") as handle:
            return follow(Importer(handle, format), [self.box], lambda s: self._wait(s, steps))

    def _wait(self, seconds: float, steps: Iterator[Callable[[], Any]]) -> bool:
        if not seconds:
            return False
        found = texts(self.journal)
        if self.polls_left and found == self.seen[-1]:
            self.polls_left -= 1
            return False
        self.seen.append(found)
        step = next(steps, None)
        if step is None:
            return True
        step()
        self.polls_left = self.POLLS
        return False


def add(path: Path, raw: bytes) -> None:
    """Append to a file."""
    with path.open("ab") as file:
        file.write(raw)


def test_following_imports_new_lines(box: Path, journal: Path) -> None:
    """Complete lines are imported at once, and an incomplete line when its end is written."""
    source = box / "a.jsonl"
    source.write_bytes(user_line(1))
    follower = Follower(journal, box)
    report = follower.run(
        lambda: add(source, user_line(2)),
        lambda: add(source, user_line(3)[:9]),
        lambda: add(source, user_line(3)[9:]),
    )
    assert follower.seen == [["x1"], ["x1", "x2"], ["x1", "x2"], ["x1", "x2", "x3"]]
    assert (report.files, report.lines, report.messages) == (1, 3, 3)


def test_following_imports_new_files(box: Path, journal: Path) -> None:
    """A session that begins later is followed as soon as its format is detected."""
    source = box / "new.jsonl"
    follower = Follower(journal, box)
    report = follower.run(
        lambda: add(source, user_line(1)[:9]), lambda: add(source, user_line(1)[9:])
    )
    assert follower.seen[-1] == ["x1"]
    assert (report.files, report.unknown, report.messages) == (1, [], 1)


@pytest.mark.parametrize("keep", [True, False])
def test_following_notices_that_a_file_was_replaced(
    box: Path, journal: Path, *, keep: bool
) -> None:
    """A file that is rewritten in place, or replaced under its name, is read from the beginning."""
    source = box / "a.jsonl"
    source.write_bytes(user_line(1) + user_line(2))

    def replace() -> None:
        target = source if keep else box / "other.tmp"
        target.write_bytes(user_line(7) + user_line(8) + user_line(9))
        target.replace(source)

    follower = Follower(journal, box)
    follower.run(replace)
    assert follower.seen[-1] == ["x1", "x2", "x7", "x8", "x9"]


def test_following_imports_a_complete_last_line_at_its_end(box: Path, journal: Path) -> None:
    """When it stops, a last line without a newline is imported if it is complete."""
    source = box / "a.jsonl"
    source.write_bytes(user_line(1) + user_line(2)[:-1])
    follower = Follower(journal, box)
    report = follower.run()
    assert follower.seen == [["x1"]]
    assert report.messages == 2
    assert run(journal, box).messages == 0


def test_following_reads_a_document_again_when_it_changed(box: Path, journal: Path) -> None:
    """A document is rewritten as a whole; its messages keep their ids."""
    source = box / "talk.json"
    source.write_text(json.dumps([{"role": "user", "content": "a"}]))
    both = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    follower = Follower(journal, box)
    follower.run(lambda: source.write_text(json.dumps(both)))
    assert {data["content"] for data in journal_set(journal).values() if "content" in data} == {
        "a",
        "b",
    }


def test_following_continues_when_a_file_is_deleted(box: Path, journal: Path) -> None:
    """Its messages stay imported, and the other files are still followed."""
    one, two = box / "1.jsonl", box / "2.jsonl"
    one.write_bytes(user_line(1))
    two.write_bytes(user_line(2))
    follower = Follower(journal, box)
    follower.run(one.unlink, lambda: add(two, user_line(3)))
    assert follower.seen[-1] == ["x1", "x2", "x3"]
