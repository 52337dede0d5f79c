"""The export of a journal is a database for Hermes, with the same rows in the same order."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from journal.cli import cli
from journal.format.keyed_hash import Key
from journal.fs.directory import open_directory
from journal.redact.redactor import Redactor
from journal.redact.setup import journal_scanners
from projector import SessionStore
from projector.adapters.hermes import SessionDB
from projector.adapters.hermes.export.state_db import export
from projector.adapters.hermes.export.state_tables import LATER_MESSAGE, LATER_SESSION
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from tests.hermes.real.package import loaded
from tests.importers.hermes.databases import NEW, OLD, START, TOPICS, Hermes, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    Rows = list[dict[str, Any]]

SHARED = Path(__file__).parents[3] / "shared" / "data" / "hermes"
_JSON = {"model_config", "tool_calls", "reasoning_details"}


def exported(journal: Path) -> tuple[Path, dict[str, int]]:
    """Export a journal; return the file and the counts."""
    file = journal.with_name("exported.db")
    file.write_bytes(b"")
    return file, dict(export(journal, file, file))


def rows(path: Path, table: str, order: str = "id") -> Rows:
    """Read a table; JSON texts are decoded, and times are rounded to microseconds."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        found = db.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
    return [{name: _comparable(name, row[name]) for name in row.keys()} for row in found]  # noqa: SIM118 - a Row is no dict


def _comparable(name: str, value: object) -> object:
    if name in _JSON and isinstance(value, str):
        return json.loads(value)
    return pytest.approx(value, abs=2e-6) if isinstance(value, float) else value


def texts(path: Path, session: str) -> list[str]:
    """Return the contents of a session in the order in which Hermes reads them."""
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT content FROM messages WHERE session_id = ? ORDER BY id"
        return [content for (content,) in db.execute(query, (session,))]


def is_sound(path: Path) -> bool:
    """Check a database as SQLite does: its pages, its references, and its full-text indexes."""
    with closing(sqlite3.connect(path)) as db:
        for index in ("messages_fts", "messages_fts_trigram"):
            db.execute(f"INSERT INTO {index}({index}) VALUES('integrity-check')")
        broken = db.execute("PRAGMA foreign_key_check").fetchall()
        return not broken and db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Hermes]:
    """A Hermes of the newest schema that has used everything that an export contains."""
    hermes = Hermes(tmp_path / "state.db", NEW)
    hermes.db.executescript(TOPICS.replace("enabled INTEGER, intro TEXT", _MODE))
    fill(hermes)
    hermes.change("UPDATE sessions SET cwd = '/home', chat_id = '7', archived = 1")
    hermes.say("removed", "s1", active=0)
    hermes.say("compacted", "s1", active=0, compacted=1)
    hermes.say("observed", "s1", observed=1, platform_message_id="p1", api_content="sent")
    yield hermes
    hermes.db.close()


_MODE = "user_id TEXT, enabled INTEGER, activated_at REAL, updated_at REAL, intro_message_id TEXT"


def fill(hermes: Hermes) -> None:
    """Write sessions with all columns of 0.13, and messages of all kinds."""
    call = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
    hermes.session("s0", title="first", started_at=START - 5.5)
    hermes.session(
        "s1",
        user_id="u",
        model="m",
        model_config='{"temperature": 0.5}',
        system_prompt="Be kind.",
        parent_session_id="s0",
        ended_at=START + 9.5,
        end_reason="compression",
        input_tokens=7,
        reasoning_tokens=2,
        estimated_cost_usd=0.25,
        billing_provider="nous",
        title="A title",
        api_call_count=2,
        handoff_state="pending",
    )
    hermes.say("hello \u4e16\u754c\u4eba")
    hermes.say('\0json:[{"type": "text", "text": "a part"}]')
    hermes.say("", role="assistant", tool_calls=json.dumps([call]), finish_reason="tool_calls")
    hermes.say("out", role="tool", tool_call_id="c1", tool_name="ls", token_count=5)
    # the clock went back, and the order of the rows stays
    hermes.say("late", role="assistant", timestamp=START - 50.25, reasoning="so")
    hermes.say("other", "s0", role="assistant", reasoning_content="x", reasoning_details="[1]")
    hermes.insert("state_meta", key="k", value="v")


@pytest.mark.parametrize("version", [OLD, NEW])
def test_an_imported_database_is_exported_unchanged(
    tmp_path: Path, journal_dir: Path, version: int
) -> None:
    """Sessions, messages, meta and Hermes's counters are equal row by row."""
    hermes = Hermes(tmp_path / "state.db", version)
    fill(hermes)
    hermes.db.close()
    run(journal_dir, hermes.path)
    file, counts = exported(journal_dir)
    assert counts == {"sessions": 2, "messages": 6}
    assert_same(hermes.path, file)
    columns = rows(file, "sessions")[0].keys() | rows(file, "messages")[0].keys()
    assert not columns & (LATER_SESSION.keys() | LATER_MESSAGE.keys())


def assert_same(before: Path, after: Path) -> None:
    """Compare the columns that two databases share."""
    for table, order in {"sessions": "id", "messages": "id", "state_meta": "key"}.items():
        was, now = rows(before, table, order), rows(after, table, order)
        shared = (was[0].keys() & now[0].keys()) - {"message_count", "tool_call_count"}
        assert [_only(row, shared) for row in now] == [_only(row, shared) for row in was]
    with closing(sqlite3.connect(after)) as db:
        query = """
        SELECT id, message_count, tool_call_count FROM sessions s WHERE message_count <>
          (SELECT count(*) FROM messages m WHERE m.session_id = s.id)
        """
        if "active" not in rows(after, "messages")[0]:
            assert db.execute(query).fetchall() == []
    assert is_sound(after)


def _only(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: row[name] for name in sorted(names)}


def test_columns_of_later_versions_are_exported(filled: Hermes, journal_dir: Path) -> None:
    """Columns of later versions with values are exported: compacted, rewound, topics."""
    mode = {"chat_id": "7", "user_id": "u", "enabled": 1, "activated_at": 1.5, "updated_at": 2.5}
    filled.insert("telegram_dm_topic_mode", **mode, intro_message_id="9")
    filled.db.execute("DROP TABLE telegram_dm_topic_bindings")
    filled.db.execute(
        "CREATE TABLE telegram_dm_topic_bindings (chat_id, thread_id, user_id, session_key,"
        " session_id, managed_mode, linked_at REAL, updated_at REAL)"
    )
    bound = {"chat_id": "7", "thread_id": "1", "user_id": "u", "session_key": "k"}
    more = {"managed_mode": "auto", "linked_at": 1.5, "updated_at": 1.5}
    filled.insert("telegram_dm_topic_bindings", **bound, session_id="s1", **more)
    filled.insert("telegram_dm_topic_bindings", **bound | {"thread_id": "2"}, session_id="gone")
    run(journal_dir, filled.path)
    file, counts = exported(journal_dir)
    assert counts == {"sessions": 2, "messages": 9, "topics": 2, "topics left out": 1}
    assert_same(filled.path, file)
    flags = [(row["content"], row["active"], row["compacted"]) for row in rows(file, "messages")]
    assert flags[-3:] == [("removed", 0, 0), ("compacted", 0, 1), ("observed", 1, 0)]
    (kept,) = rows(file, "telegram_dm_topic_mode", "1")
    assert kept.items() >= (mode | {"intro_message_id": "9"}).items()
    (binding,) = rows(file, "telegram_dm_topic_bindings", "1")
    assert binding == bound | {"session_id": "s1"} | more


@pytest.mark.slow
def test_an_exported_database_can_be_imported_and_exported_again(
    filled: Hermes, journal_dir: Path, tmp_path: Path
) -> None:
    """A journal that was made from an export gives the same export."""
    run(journal_dir, filled.path)
    first, _ = exported(journal_dir)
    run(tmp_path / "again" / "journal", first)
    second, _ = exported(tmp_path / "again" / "journal")
    for table in ("sessions", "messages"):
        assert rows(second, table) == rows(first, table)


def test_the_full_text_indexes_of_the_database_are_filled(
    filled: Hermes, journal_dir: Path
) -> None:
    """Both full-text indexes are filled, and the database's triggers update them."""
    run(journal_dir, filled.path)
    file, _ = exported(journal_dir)

    def found(db: sqlite3.Connection, index: str, word: str) -> int:
        query = f"SELECT count(*) FROM {index} WHERE {index} MATCH ?"
        return int(db.execute(query, (word,)).fetchone()[0])

    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        assert [found(db, "messages_fts", word) for word in ("hello", "ls", "part")] == [1, 2, 1]
        assert found(db, "messages_fts_trigram", "\u4e16\u754c\u4eba") == 1
        say = "INSERT INTO messages(session_id, role, content, timestamp) VALUES('s0', 'u', ?, 1)"
        db.execute(say, ("zebra",))
        assert (found(db, "messages_fts", "zebra"), found(db, "messages_fts", "lion")) == (1, 0)
        db.execute("UPDATE messages SET content = 'lion' WHERE content = 'zebra'")
        assert (found(db, "messages_fts", "zebra"), found(db, "messages_fts", "lion")) == (0, 1)
        db.execute("DELETE FROM messages WHERE content = 'lion'")
        assert found(db, "messages_fts_trigram", "lion") == 0
    assert is_sound(file)


def test_row_ids_are_the_numbers_that_hermes_got(journal_dir: Path) -> None:
    """A number from `append_message` is the row id; messages of others get higher numbers."""
    with SessionStore.open(journal_dir) as store, SessionDB(journal_dir) as db:
        db.create_session("s", "cli")
        given = db.append_message("s", "user", "one")
        store.append("s", "assistant", "two")
        later = db.append_message("s", "user", "three")
    file, counts = exported(journal_dir)
    found = {row["content"]: row["id"] for row in rows(file, "messages")}
    assert list(found) == ["one", "two", "three"], "numbers go up with the transcript"
    assert found["one"] == given
    assert found["two"] > later
    assert counts["messages with another number"] == 1, "three had to stand behind two"


def test_two_messages_with_one_number_are_both_exported(journal_dir: Path) -> None:
    """Two databases number from one; the rows of the second get other numbers."""
    for name in "ab":
        hermes = Hermes(journal_dir.with_name(f"{name}.db"), OLD)
        hermes.session(name)
        for text in ("one", "two"):
            hermes.say(f"{text} of {name}", name)
        hermes.db.close()
        run(journal_dir, hermes.path)
    file, counts = exported(journal_dir)
    assert texts(file, "a") == ["one of a", "two of a"]
    assert texts(file, "b") == ["one of b", "two of b"]
    assert counts == {"sessions": 2, "messages": 4, "messages with another number": 2}
    assert is_sound(file)


def test_deleted_data_is_not_exported(journal_dir: Path) -> None:
    """Deleted sessions, and messages that were cleared or replaced, are not exported."""
    with SessionStore.open(journal_dir) as store:
        for name in ("kept", "cleared", "gone"):
            store.append(name, "user", f"in {name}")
        store.keys.set("k", 1)
        store.clear("cleared")
        store.delete("gone")
        store.replace_messages("kept", [{"role": "user", "content": "new"}])
        store.keys.set("k", {"a": 1}, namespace="@hermes.meta")
    file, counts = exported(journal_dir)
    assert counts == {"sessions": 2, "messages": 1}
    assert texts(file, "kept") == ["new"]
    assert rows(file, "state_meta", "key") == [{"key": "k", "value": '{"a": 1}'}]


def test_values_that_hermes_cannot_store_are_changed_and_counted(journal_dir: Path) -> None:
    """Titles become unique: the newest session keeps its own. A missing parent becomes null."""
    with SessionStore.open(journal_dir) as store:
        for number, name in enumerate("abc"):
            store.create(name, title="Same", started=(START + number) * 1_000_000, parent="nobody")
        store.create("d", title="Same (2)", extra={"handoff_state": [1]})
    file, counts = exported(journal_dir)
    assert counts["titles that another session has"] == 2
    assert counts["parents that are not there"] == 3
    assert {row["id"]: row["title"] for row in rows(file, "sessions")} == {
        "a": "Same (4)",
        "b": "Same (3)",
        "c": "Same",
        "d": "Same (2)",
    }
    assert is_sound(file)


def test_the_routes_of_the_gateway_are_exported(journal_dir: Path) -> None:
    """Each scope has its own routes."""
    open_directory(journal_dir)
    with SessionDB(journal_dir) as db:
        db.save_gateway_routing_entry("k", "{}")
        db.save_gateway_routing_entry("k", '{"a": 1}', scope="/home")
    file, _ = exported(journal_dir)
    found = rows(file, "gateway_routing", "scope")
    assert [(row["scope"], row["entry_json"]) for row in found] == [
        ("", "{}"),
        ("/home", '{"a": 1}'),
    ]


def test_texts_are_redacted_and_names_are_not(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets in contents, parts, arguments, titles, prompts and settings are marks in the file.

    JSON is still JSON, ids do not change, and the journal is not modified.
    """
    monkeypatch.setattr(SessionDB, "redact", False)
    secret = f"AKIA{'Q7' * 8}"
    call = {"id": secret, "type": "function", "function": {"name": "x", "arguments": f'"{secret}"'}}
    with SessionStore.open(journal_dir), SessionDB(journal_dir) as db:
        db.create_session(secret, source="cli", system_prompt=f"use {secret}")
        db.set_session_title(secret, f"about {secret}")
        db.append_message(secret, role="user", content=f"my key {secret}")
        db.append_message(secret, role="user", content=[{"type": "text", "text": secret}])
        db.append_message(secret, role="assistant", content="", tool_calls=[call])
        db.set_meta("slack_token", "xyzzy-plugh-4711")
    file = journal_dir.with_name("exported.db")
    file.write_bytes(b"")
    redactor = Redactor(journal_scanners(journal_dir), lambda: Key(b"k" * 32))
    counts = export(journal_dir, file, file, redact=redactor.text)
    assert counts["texts with secrets that were redacted"] == 6
    (session,) = rows(file, "sessions")
    assert session["id"] == secret
    assert secret not in f"{session['title']} {session['system_prompt']}"
    first, parts, calls = rows(file, "messages")
    assert first["content"].startswith("my key [redacted:")
    (part,) = json.loads(parts["content"].removeprefix("\0json:"))
    assert part["text"].startswith("[redacted:")
    arguments = calls["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments).startswith("[redacted:")
    assert secret not in arguments
    assert calls["tool_calls"][0]["id"] == secret
    assert [row["value"][:10] for row in rows(file, "state_meta", "key")] == ["[redacted:"]
    assert exported(journal_dir)[1].get("texts with secrets that were redacted") is None


def test_an_export_that_is_behind_counts_what_is_missing(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a hanging projector, applied messages are exported and missing ones are counted."""
    monkeypatch.setattr("projector.adapters.hermes.export.state_db._PATIENCE", 0.05)
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "one")
        store.messages("s")
        lock = ProcessLock(generations(store.journal.path).lock)
        assert lock.acquire()
        try:
            store.append("s", "user", "two")
            _, counts = exported(journal_dir)
            assert counts["messages"] == 1
            assert [n for what, n in counts.items() if "is behind: 1 event " in what] == [1]
        finally:
            lock.release()


def test_an_old_wal_beside_the_target_is_an_error(journal_dir: Path) -> None:
    """SQLite would apply an old WAL beside the target to the new file."""
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "one")
    wal = journal_dir.with_name("state.db-wal")
    wal.write_bytes(b"old")
    out = journal_dir.with_name("state.db")
    result = CliRunner().invoke(cli, ["--journal", str(journal_dir), "export", "hermes", str(out)])
    assert (result.exit_code, out.exists()) == (1, False)
    assert str(wal) in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("made", ["made-by-h13", "made-by-h19"])
def test_a_real_database_is_exported_row_by_row(
    tmp_path: Path, journal_dir: Path, made: str
) -> None:
    """140 sessions and 3,513 messages of Hermes are equal after an import and an export."""
    state = _shared(made, tmp_path)
    run(journal_dir, state)
    file, counts = exported(journal_dir)
    assert counts == {"sessions": 140, "messages": 3513}
    for table in ("sessions", "messages"):
        was, now = rows(state, table), rows(file, table)
        assert [_only(row, set(now[0])) for row in was] == now
    assert is_sound(file)


def _shared(made: str, folder: Path) -> Path:
    if not SHARED.exists():
        pytest.skip(f"there is no {SHARED}")
    shutil.copy(SHARED / made / "state.db", folder / "state.db")
    (folder / "state.db").chmod(0o600)
    return folder / "state.db"


@pytest.mark.slow
@pytest.mark.parametrize("made", ["made-by-h13", "made-by-h19"])
def test_hermes_opens_it_and_shows_the_same(tmp_path: Path, journal_dir: Path, made: str) -> None:
    """Lists, transcripts and searches of the real class are those of the original database."""
    state = _shared(made, tmp_path)
    run(journal_dir, state)
    file, _ = exported(journal_dir)
    with loaded(tmp_path) as hermes:
        after, searched_after = _shown(hermes.SessionDB(file))
        assert after[0]
        if not (made == "made-by-h13" and hermes.SCHEMA_VERSION > OLD):
            # the later Hermes hides sessions of the older one's database
            before, searched_before = _shown(hermes.SessionDB(state))
            assert after == before
            assert searched_after == searched_before


def _shown(db: Any) -> tuple[tuple[list[str], Rows], list[list[int]]]:  # noqa: ANN401 - Hermes's class
    listed = sorted(row["id"] for row in db.list_sessions_rich(limit=500))
    messages = [
        {name: value for name, value in message.items() if name != "timestamp"}
        for session in listed
        for message in db.get_messages_as_conversation(session)
    ]
    words = ("reservation", "flight OR hotel", '"cancel my"')
    hits = [sorted(hit["id"] for hit in db.search_messages(word, limit=9999)) for word in words]
    number = db.append_message(listed[0], "user", "a zebra")
    assert [hit["id"] for hit in db.search_messages("zebra")] == [number]
    db.close()
    return (listed, messages), hits
