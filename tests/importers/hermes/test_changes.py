"""An import of a Hermes database appends only the changes since the last import."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal.erasure.hashes import session_hash
from journal.format.event_types import ERASURE_REQUESTED, FORGET
from journal.fs.key_file import own_key
from journal.importers.files.sqlite_file import changes_of
from journal.importers.hermes.known_state import KnownState
from journal.importers.run.driver import Importer
from journal.importers.run.following import follow
from journal.writer import Journal
from projector.projection import Projection
from tests.importers.feed import journal_events, journal_set
from tests.importers.hermes.databases import (
    NEW,
    OLD,
    START,
    TOPICS,
    Hermes,
    made_by,
    new,
    run,
    transcript,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def hermes(tmp_path: Path) -> Iterator[Hermes]:
    """A running Hermes of the newest schema, with a session of two messages."""
    made = made_by(tmp_path / "state.db")
    yield made
    made.db.close()


def test_inactive_messages_leave_the_transcript(hermes: Hermes, journal_dir: Path) -> None:
    """Compacted messages are archived, others removed; without the flag, a message is active."""
    hermes.say("compacted", active=0, compacted=1)
    hermes.say("removed", active=0)
    assert new(journal_dir, hermes.path)[-2:] == [
        ("s1", "message.archived", {"messages": ["3"]}),
        ("s1", "message.removed", {"messages": ["4"]}),
    ]
    hermes.change("UPDATE messages SET active = 1 WHERE id = 4")
    hermes.change("UPDATE messages SET active = 0, compacted = 1 WHERE id = 1")
    moves = [("s1", "message.archived", {"messages": ["1"]})]
    moves.append(("s1", "message.restored", {"messages": ["4"]}))
    assert new(journal_dir, hermes.path) == moves
    hermes.change("UPDATE messages SET active = 0 WHERE id = 4")
    assert new(journal_dir, hermes.path) == [("s1", "message.removed", {"messages": ["4"]})]
    assert len(journal_set(journal_dir)) == len(journal_events(journal_dir))


@pytest.mark.parametrize("version", [OLD, NEW])
def test_importing_again_adds_nothing(tmp_path: Path, journal_dir: Path, version: int) -> None:
    """This holds with the ledger, without it, and if everything is read again."""
    with closing(made_by(tmp_path / "state.db", version).db) as db:
        db.execute("UPDATE sessions SET ended_at = 1770000005, input_tokens = 3, title = 'x'")
        db.execute("INSERT INTO state_meta VALUES ('k', 'v')")
        first = run(journal_dir, tmp_path / "state.db")
        assert (first.messages, first.events) == (2, 4)
        before, found = journal_events(journal_dir), journal_set(journal_dir)
        (tmp_path / "state.db").touch()  # else it is not read on a machine that is slow enough
        again = run(journal_dir, tmp_path / "state.db")
        assert (again.messages, again.events, again.already) == (0, 0, 6)
        assert journal_events(journal_dir) == before
        shutil.rmtree(journal_dir / "imports")
        for reread in (False, True):
            lost = run(journal_dir, tmp_path / "state.db", reread=reread)
            assert (lost.messages, lost.events, lost.already) == (0, 0, 6)
        assert journal_events(journal_dir) == before
        assert journal_set(journal_dir) == found


def test_a_database_that_grew_adds_only_new_events(hermes: Hermes, journal_dir: Path) -> None:
    """New sessions and messages are appended, and only the changed fields of a known session."""
    run(journal_dir, hermes.path)
    hermes.say("three")
    hermes.session("s2", parent_session_id="s1")
    hermes.change(
        "UPDATE sessions SET title = 'T', archived = 1, message_count = 3 WHERE id = 's1'"
    )
    hermes.change("UPDATE sessions SET input_tokens = 4 WHERE id = 's1'")
    found = new(journal_dir, hermes.path)
    assert [(type, session) for session, type, _ in found] == [
        ("session.revised", "s1"),
        ("usage.set", "s1"),
        ("session.created", "s2"),
        ("message.appended", "s1"),
    ]
    assert found[0][2] == {"title": "T", "extra": {"archived": 1}}
    hermes.change("UPDATE sessions SET title = NULL, archived = 0, input_tokens = 0")
    found = new(journal_dir, hermes.path)
    assert found[0] == ("s1", "session.revised", {"clear": ["title", "extra.archived"]})
    assert found[1][2]["input_tokens"] == 0


def test_a_title_that_is_set_back_is_a_new_change(hermes: Hermes, journal_dir: Path) -> None:
    """The ids of the two changes differ, although their content is the same."""
    for title in ("a", "b", "a", "b"):
        hermes.change("UPDATE sessions SET title = ?", title)
        run(journal_dir, hermes.path)
        with Projection.open(journal_dir) as projection:
            assert projection.session("s1").title == title


def test_a_session_that_continues_is_reopened(hermes: Hermes, journal_dir: Path) -> None:
    """A session that was reopened and ended between two imports has its last end."""
    hermes.change("UPDATE sessions SET ended_at = ?, end_reason = 'exit'", START + 5)
    run(journal_dir, hermes.path)
    hermes.change("UPDATE sessions SET ended_at = NULL, end_reason = NULL")
    assert new(journal_dir, hermes.path) == [("s1", "session.reopened", {})]
    for moment in (START + 6, START + 7):
        hermes.change("UPDATE sessions SET ended_at = ?, end_reason = 'reset'", moment)
        run(journal_dir, hermes.path)
        with Projection.open(journal_dir) as projection:
            assert projection.session("s1").ended == moment * 1_000_000


def test_a_message_that_was_changed_is_revised(hermes: Hermes, journal_dir: Path) -> None:
    """Hermes adds to rows that it has written; that is a revision, and no conflict."""
    run(journal_dir, hermes.path)
    hermes.change("UPDATE messages SET api_content = 'one, and more' WHERE id = 1")
    ((session, type, data),) = new(journal_dir, hermes.path)
    assert (type, session, data["message"]) == ("message.revised", "s1", "1")
    assert (data["content"], data["extra"]) == ("one", {"api_content": "one, and more"})
    assert new(journal_dir, hermes.path) == []


def test_a_rewritten_transcript_replaces_the_old_one(hermes: Hermes, journal_dir: Path) -> None:
    """Hermes deletes the rows and inserts others; no message is in the transcript twice."""
    run(journal_dir, hermes.path)
    hermes.change("DELETE FROM messages WHERE session_id = 's1'")
    hermes.say("one", timestamp=START)
    hermes.say("TWO", timestamp=START + 1)
    found = new(journal_dir, hermes.path)
    assert [type for _, type, _ in found] == [
        "message.appended",
        "message.appended",
        "message.removed",
    ]
    assert found[-1][2] == {"messages": ["1", "2"], "reason": "no longer in Hermes"}
    assert new(journal_dir, hermes.path) == []


def test_a_session_that_hermes_deleted_stays(hermes: Hermes, journal_dir: Path) -> None:
    """A session that Hermes pruned stays, marked; if it is there again, it is not added twice."""
    run(journal_dir, hermes.path)
    hermes.change("DELETE FROM messages")
    hermes.change("DELETE FROM sessions")
    [(_, type, data)] = new(journal_dir, hermes.path)
    assert (type, set(data)) == ("session.revised", {"gone"})
    assert new(journal_dir, hermes.path) == []
    assert transcript(journal_dir) == ["one", "two"]
    hermes.session()
    hermes.say("one", timestamp=START + 100)
    found = new(journal_dir, hermes.path)
    assert sorted((type, data.get("messages")) for _, type, data in found) == [
        ("message.appended", None),
        ("message.removed", ["1", "2"]),
        ("session.revised", None),
    ]
    assert {"clear": ["gone"]} in [data for _, _, data in found]


def test_messages_are_read_in_the_order_of_their_rows(hermes: Hermes, journal_dir: Path) -> None:
    """Messages have the order of their rows, whatever their times, also across imports."""
    hermes.say("three", timestamp=START - 500)
    hermes.say("four", timestamp=START + 1.25)
    run(journal_dir, hermes.path)
    hermes.say("five", timestamp=START)
    hermes.say("six", timestamp=START + 60)
    hermes.say("seven", timestamp=START + 60)
    run(journal_dir, hermes.path)
    assert transcript(journal_dir) == ["one", "two", "three", "four", "five", "six", "seven"]
    parents = [
        data.get("parent") for _, _, type, data in journal_events(journal_dir) if "role" in data
    ]
    assert parents == [None, None, "2", "3", "4", None, None]


def test_key_values_are_set_changed_and_deleted(hermes: Hermes, journal_dir: Path) -> None:
    """Each table has a namespace; the row of a topic is one value."""
    hermes.db.executescript(TOPICS)
    hermes.insert("state_meta", key="k", value="1")
    hermes.insert("state_meta", key="nothing", value=None)
    hermes.insert("telegram_dm_topic_mode", chat_id="7", enabled=1)
    hermes.insert("telegram_dm_topic_bindings", chat_id="7", thread_id="9", session_id="s1")
    found = [event for event in new(journal_dir, hermes.path) if event[1] == "key.set"]
    mode = {"chat_id": "7", "enabled": 1, "intro": None}
    binding = {"chat_id": "7", "thread_id": "9", "session_id": "s1"}
    assert [(session, data["key"], data["value"]) for session, _, data in found] == [
        ("@hermes.meta", "k", "1"),
        ("@hermes.meta", "nothing", None),
        ("@hermes.telegram_mode", "7", mode),
        ("@hermes.telegram_bindings", "7/9", binding),
    ]
    for value in ("2", "1", "2"):
        hermes.change("UPDATE state_meta SET value = ? WHERE key = 'k'", value)
        change = {"key": "k", "value": value}
        assert new(journal_dir, hermes.path) == [("@hermes.meta", "key.set", change)]
    hermes.change("DELETE FROM telegram_dm_topic_bindings")
    gone = ("@hermes.telegram_bindings", "key.deleted", {"key": "7/9"})
    assert new(journal_dir, hermes.path) == [gone]
    assert len(journal_set(journal_dir)) == len(journal_events(journal_dir))


def test_an_upgrade_of_hermes_changes_nothing(tmp_path: Path, journal_dir: Path) -> None:
    """An upgrade adds columns with default values to existing rows."""
    with closing(made_by(tmp_path / "state.db", OLD).db) as db:
        run(journal_dir, tmp_path / "state.db")
        db.execute("ALTER TABLE sessions ADD COLUMN archived INTEGER")  # as some were mended
        db.execute("ALTER TABLE messages ADD COLUMN active INTEGER NOT NULL DEFAULT 1")
        db.execute("ALTER TABLE messages ADD COLUMN observed INTEGER DEFAULT 0")
        db.execute("UPDATE sessions SET archived = 0")
        db.execute("UPDATE schema_version SET version = 22")
        assert new(journal_dir, tmp_path / "state.db") == []


@pytest.mark.slow
def test_a_database_is_followed(hermes: Hermes, journal_dir: Path) -> None:
    """Writes to the WAL are imported soon, and the last ones when following ends."""
    deadline = time.monotonic() + 30
    with Journal.open(journal_dir, fsync="never") as handle:
        importer = Importer(handle, "hermes")
        report = importer.report

        def wait(_seconds: float) -> bool:
            if report.messages == 2 and hermes.db.total_changes == 4:
                hermes.say("three")
            if report.messages == 3:
                hermes.say("four")
                return True
            return time.monotonic() > deadline

        follow(importer, [hermes.path], wait)
    assert (report.messages, report.errors, report.files) == (4, {}, 1)
    assert (report.lines, report.already) == (5, 0)
    assert transcript(journal_dir) == ["one", "two", "three", "four"]


def test_a_write_to_the_wal_is_a_change(hermes: Hermes) -> None:
    """The database file may not change for hours while its WAL does."""
    files = (hermes.path, Path(f"{hermes.path}-wal"))
    assert changes_of(hermes.path) != changes_of(hermes.path), "their clock is too coarse to tell"
    for file in files:
        os.utime(file, (START, START))
    before = changes_of(hermes.path)
    assert changes_of(hermes.path) == before
    hermes.say("three")
    os.utime(files[1], (START + 1, START + 1))
    assert files[0].stat().st_mtime == START
    assert changes_of(hermes.path) != before


@pytest.mark.parametrize(
    "torn", ["", "{", "[]", "{}", '{"round":0,"sessions":{"s":1},"messages":{},"keys":{}}']
)
def test_an_unreadable_import_hint_is_ignored(torn: str) -> None:
    """An import hint that cannot be read is not an error."""
    assert KnownState.unpack(torn) == KnownState()


def test_the_ledger_does_not_keep_the_id_of_a_forgotten_session(
    hermes: Hermes, journal_dir: Path
) -> None:
    """Each import finds the session in the database again, and skips it."""
    assert new(journal_dir, hermes.path)
    key = own_key(journal_dir)
    with Journal.open(journal_dir) as journal:
        request = {"key": key.id, "sessions": [session_hash(key, "s1")]}
        journal.append(session=FORGET, type=ERASURE_REQUESTED, data=request)
    for forgotten in (0, 3):
        hermes.path.touch()  # an unchanged file is not read
        report = run(journal_dir, hermes.path)
        assert (report.forgotten, report.messages, report.events) == (forgotten, 0, 0)
        (entry,) = (journal_dir / "imports").glob("*.json")
        assert b"s1" not in entry.read_bytes()
