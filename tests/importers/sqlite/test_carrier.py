"""Foreign databases: only what changed is read, rewritten rows become revisions, no one waits."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from journal.importers.opencode.database import OpencodeDatabase
from journal.importers.run.driver import Importer
from journal.importers.run.following import follow
from journal.importers.sqlite.declared import prune
from journal.importers.sqlite.known import KnownConversation, KnownDatabase
from journal.writer import Journal
from tests.importers.feed import journal_set
from tests.importers.sqlite.programs import Opencode, take, transcript, types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.importers.parsing.parser import Item
    from journal.importers.sqlite.snapshot import Snapshot


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Opencode]:
    """An opencode with a session of two messages."""
    made = Opencode(tmp_path / "opencode.db")
    made.session("ses_1")
    made.says(1, "one")
    made.says(2, "two")
    with closing(made.db):
        yield made


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sessions whose contents were read."""
    found: list[str] = []
    items = OpencodeDatabase.items

    def note(self: OpencodeDatabase, snapshot: Snapshot, id: str) -> Iterator[Item]:
        found.append(id)
        return items(self, snapshot, id)

    monkeypatch.setattr(OpencodeDatabase, "items", note)
    return found


def test_a_database_that_has_not_changed_is_not_read_again(
    program: Opencode, journal_dir: Path, read: list[str]
) -> None:
    """The second import appends nothing."""
    first = take(journal_dir, program.path)
    assert (first.messages, first.errors, first.conflicts) == (2, {}, 0)
    before = journal_set(journal_dir)
    second = take(journal_dir, program.path)
    assert (second.messages, second.events) == (0, 0)
    assert (read, journal_set(journal_dir)) == (["ses_1"], before)


@pytest.mark.slow
def test_of_many_sessions_only_those_with_new_rows_are_read(
    program: Opencode, journal_dir: Path, read: list[str]
) -> None:
    """A new row is found by its number, although its session's own row is as it was."""
    for number in range(2, 40):
        program.session(f"ses_{number}", number)
        program.says(number, "early", f"ses_{number}")
    take(journal_dir, program.path)
    read.clear()
    program.says(50, "late", "ses_7")
    program.says(60, "new", "ses_1")
    report = take(journal_dir, program.path)
    assert (sorted(read), report.messages) == (["ses_1", "ses_7"], 2)
    assert transcript(journal_dir, "ses_7") == [("user", "early"), ("user", "late")]


def test_a_row_that_is_rewritten_in_place_becomes_a_revision(
    program: Opencode, journal_dir: Path
) -> None:
    """The answer grows while it is written: the transcript has its last state, and no conflict."""
    program.message("msg_a", 3, role="assistant", modelID="m-1")
    program.part("prt_a", "msg_a", 3, type="text", text="The answer i")
    take(journal_dir, program.path)
    program.part("prt_a", "msg_a", 4, type="text", text="The answer.")
    report = take(journal_dir, program.path)
    assert (report.messages, report.events, report.conflicts) == (0, 1, 0)
    assert transcript(journal_dir, "ses_1")[-1] == ("assistant", "The answer.")


def test_without_the_ledger_nothing_is_appended_twice(program: Opencode, journal_dir: Path) -> None:
    """Neither a message nor a revision; what is new is revised once."""
    take(journal_dir, program.path)
    program.part("prt_ses_1_2", "msg_ses_1_2", 5, type="text", text="two, corrected")
    take(journal_dir, program.path)
    before = journal_set(journal_dir)
    for hint in (journal_dir / "imports").iterdir():
        hint.unlink()
    report = take(journal_dir, program.path)
    assert (report.conflicts, journal_set(journal_dir)) == (0, before)
    assert transcript(journal_dir, "ses_1") == [("user", "one"), ("user", "two, corrected")]


def test_a_vacuum_that_renumbers_rows_hides_no_new_row(
    program: Opencode, journal_dir: Path
) -> None:
    """The known rows have other numbers then, so that every session is looked at."""
    for number in range(3, 30):
        program.says(number, "gone", "ses_2")
    program.says(40, "stays")
    take(journal_dir, program.path)
    program.db.execute("DELETE FROM message WHERE session_id = 'ses_2'")
    program.db.execute("DELETE FROM part WHERE session_id = 'ses_2'")
    program.db.execute("VACUUM")
    program.says(41, "new")
    report = take(journal_dir, program.path)
    assert report.messages == 1
    assert [content for _, content in transcript(journal_dir, "ses_1")][-1] == "new"


def test_messages_that_a_session_has_no_more_leave_the_transcript_and_stay_in_the_journal(
    program: Opencode, journal_dir: Path
) -> None:
    """An undo archives them, a redo restores them; a session that was deleted stays whole."""
    take(journal_dir, program.path)
    rows = program.db.execute("SELECT * FROM message WHERE id = 'msg_ses_1_2'").fetchall()
    program.db.execute("DELETE FROM message WHERE id = 'msg_ses_1_2'")
    for expected in ([("user", "one")], [("user", "one"), ("user", "two")], [("user", "one")]):
        take(journal_dir, program.path)
        assert transcript(journal_dir, "ses_1") == expected
        if len(expected) == 1:
            program.db.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?)", rows)
        else:
            program.db.execute("DELETE FROM message WHERE id = 'msg_ses_1_2'")
    program.db.execute("DELETE FROM session")
    take(journal_dir, program.path)
    assert transcript(journal_dir, "ses_1") == [("user", "one")]
    assert types(journal_dir).count("message.archived") == 2


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_the_owner_of_a_database_writes_while_it_is_imported(
    tmp_path: Path, journal_dir: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for no lock, although its patience is 0, and in any journal mode."""
    program = Opencode(tmp_path / "opencode.db", mode)
    for number in range(1, 4):
        program.session(f"ses_{number}")
        program.says(number, "text", f"ses_{number}")
    items = OpencodeDatabase.items
    wrote: list[str] = []

    def busy(self: OpencodeDatabase, snapshot: Snapshot, id: str) -> Iterator[Item]:
        found = items(self, snapshot, id)

        def then() -> Iterator[Item]:
            program.says(len(wrote) + 10, "meanwhile", id)
            wrote.append(id)
            yield from found

        return then()

    monkeypatch.setattr(OpencodeDatabase, "items", busy)
    with closing(program.db):
        assert take(journal_dir, program.path).errors == {}
    assert sorted(wrote) == ["ses_1", "ses_2", "ses_3"]


def test_a_conversation_that_cannot_be_read_does_not_hide_the_others(
    program: Opencode, journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is reported, and the next import reads it."""
    program.session("ses_2")
    program.says(3, "three", "ses_2")
    probe = OpencodeDatabase.probe

    def fail(self: OpencodeDatabase, snapshot: Snapshot, id: str) -> object:
        if id == "ses_1":
            snapshot.all("SELECT * FROM no_such_table")
        return probe(self, snapshot, id)

    with monkeypatch.context() as patch:
        patch.setattr(OpencodeDatabase, "probe", fail)
        report = take(journal_dir, program.path)
    assert "no_such_table" in report.errors[str(program.path)]
    assert report.messages == 1
    assert take(journal_dir, program.path).messages == 2


def test_a_forgotten_session_is_dropped_from_what_is_known() -> None:
    """Its ids must not be kept."""
    known = KnownDatabase(conversations={"a": KnownConversation(), "b": KnownConversation()})
    left = KnownDatabase.unpack(prune(known.packed(), lambda name: name == "a"))
    assert set(left.conversations) == {"b"}


@pytest.mark.parametrize("hint", ["", "{", "[]", '{"round": 1, "tables": {}, "conversations": 3}'])
def test_an_unreadable_hint_is_no_error(hint: str) -> None:
    """The database is read from its beginning then."""
    assert KnownDatabase.unpack(hint) == KnownDatabase()


def test_a_database_that_grows_is_followed(program: Opencode, journal_dir: Path) -> None:
    """New rows and rewritten ones are in the journal when the import ends, without a conflict."""
    actions: Iterator[Callable[[], None]] = iter(
        [
            lambda: program.says(3, "three"),
            lambda: program.part("prt_ses_1_3", "msg_ses_1_3", 4, type="text", text="three, whole"),
        ]
    )

    def wait(seconds: float) -> bool:
        if not seconds:
            return False
        action = next(actions, None)
        if action is not None:
            action()
        return action is None

    with Journal.open(journal_dir, fsync="never") as handle:
        report = follow(Importer(handle, "auto"), [program.path], wait)
    assert (report.errors, report.conflicts) == ({}, 0)
    assert transcript(journal_dir, "ses_1") == [
        ("user", "one"),
        ("user", "two"),
        ("user", "three, whole"),
    ]
