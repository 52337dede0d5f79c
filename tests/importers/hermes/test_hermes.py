"""A Hermes database is imported completely while others write to it, or an error says why not."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from journal.cli import cli
from journal.importers.run.driver import Importer
from journal.writer import Journal
from projector.projection import Projection
from tests.importers.feed import journal_events
from tests.importers.hermes.databases import NEW, OLD, START, Hermes, made_by, new, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHARED = Path(__file__).parents[4] / "shared" / "data" / "hermes"


@pytest.fixture
def hermes(tmp_path: Path) -> Iterator[Hermes]:
    """A running Hermes of the newest schema, with a session of two messages."""
    made = made_by(tmp_path / "state.db")
    yield made
    made.db.close()


@pytest.mark.parametrize("version", [OLD, 16, NEW])
def test_sessions_and_messages_of_every_version_are_imported(
    tmp_path: Path, journal_dir: Path, version: int
) -> None:
    """Each column has a field; a column without one is kept under its own name."""
    call = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
    parts = [{"type": "text", "text": "\u00e9"}, {"type": "image_url", "image_url": {"url": "x"}}]
    hermes = Hermes(tmp_path / "state.db", version)
    hermes.session(
        "child",
        user_id="u",
        model="m",
        model_config='{"temperature": 0.5}',
        system_prompt="Be kind.",
        parent_session_id="s0",
        started_at=START + 0.123456,
        ended_at=START + 9.5,
        end_reason="user_exit",
        message_count=2,
        input_tokens=7,
        cache_read_tokens=3,
        api_call_count=2,
        estimated_cost_usd=0.25,
        billing_provider="nous",
        title="A title",
        handoff_state="pending",
    )
    asked = hermes.say("\0json:" + json.dumps(parts), "child")
    hermes.say(
        "",
        "child",
        role="assistant",
        tool_calls=json.dumps([call]),
        token_count=5,
        finish_reason="tool_calls",
        reasoning="so",
        reasoning_content="and so",
        reasoning_details='[{"a": 1}]',
    )
    hermes.say("done", "child", role="tool", tool_call_id="c1", tool_name="ls")
    report = run(journal_dir, tmp_path / "state.db")
    hermes.db.close()
    assert (report.files, report.lines, report.messages, report.events) == (1, 4, 3, 3)
    assert (report.errors, report.skipped, report.repaired) == ({}, {}, {})
    found = {type: data for _, _, type, data in journal_events(journal_dir)}
    assert found["session.created"] == {
        "source": "cli",
        "title": "A title",
        "model": "m",
        "user": "u",
        "system_prompt": "Be kind.",
        "parent": "s0",
        "config": {"temperature": 0.5},
        "started": START * 1_000_000 + 123_456,
        "extra": {"billing_provider": "nous", "handoff_state": "pending"},
    }
    assert found["session.ended"] == {
        "reason": "user_exit",
        "ended": START * 1_000_000 + 9_500_000,
    }
    assert found["usage.set"] == {
        "input_tokens": 7,
        "output_tokens": 0,
        "cache_read_tokens": 3,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
        "api_calls": 2,
        "estimated_cost": 0.25,
    }
    appended = {id: data for _, id, type, data in journal_events(journal_dir) if "role" in data}
    assert appended[str(asked)] == {
        "role": "user",
        "content": parts,
        "timestamp": START * 1_000_000 + 250_000,
    }
    assert appended[str(asked + 1)] == {
        "role": "assistant",
        "content": "",
        "tool_calls": [call],
        "token_count": 5,
        "finish_reason": "tool_calls",
        "reasoning": "so",
        "timestamp": START * 1_000_000 + 1_250_000,
        "extra": {"reasoning_content": "and so", "reasoning_details": [{"a": 1}]},
    }
    assert appended[str(asked + 2)]["tool_call_id"] == "c1"
    assert appended[str(asked + 2)]["tool_name"] == "ls"


def test_columns_of_later_versions_are_kept_but_not_their_defaults(
    hermes: Hermes, journal_dir: Path
) -> None:
    """A folder is stored as a field; a counter with its default value is not stored."""
    hermes.session("s2", cwd="/home", chat_id="7", rewind_count=2)
    hermes.say("x", "s2", platform_message_id="p1", observed=1)
    run(journal_dir, hermes.path)
    events = journal_events(journal_dir)
    (created,) = [
        data for session, _, type, data in events if (type[:9], session[1:]) == ("session.c", "2")
    ]
    assert (created["cwd"], created["extra"]) == ("/home", {"chat_id": "7", "rewind_count": 2})
    extras = [data.get("extra") for _, _, type, data in events if type == "message.appended"]
    assert extras == [None, None, {"platform_message_id": "p1", "observed": 1}]


def test_a_row_without_a_readable_time_keeps_its_place(hermes: Hermes, journal_dir: Path) -> None:
    """It gets the time of the row before it, or of the start of its session."""
    hermes.session("s2", started_at=START)
    hermes.say("a", "s2", timestamp="soon")
    hermes.say("b", "s2", timestamp=START + 50)
    hermes.say("c", "s2", timestamp="soon")
    hermes.say("d", "s2", timestamp=START + 10)
    run(journal_dir, hermes.path)
    with Projection.open(journal_dir) as projection:
        found = projection.messages("s2")
    assert [message.content for message in found] == ["a", "b", "c", "d"]
    seconds = [message.time // 1_000_000 - START for message in found]
    assert seconds[:3] == [0, 50, 50]


def test_values_of_the_wrong_type_are_kept(hermes: Hermes, journal_dir: Path) -> None:
    """A value of the wrong type is stored elsewhere, and each changed value is counted."""
    hermes.session("odd\nid", model_config="[1]", started_at=-3, estimated_cost_usd=-1.5)
    hermes.say(b"caf\xe9", tool_calls='{"a":1}', token_count=-2, timestamp=float("inf"))
    hermes.say("\0json:{broken", tool_calls="no json", reasoning_details="no json")
    hermes.say('\0json:{"type":"text"}', tool_calls='["\\ud800"]')
    report = run(journal_dir, hermes.path)
    assert (report.messages, report.errors, report.skipped) == (5, {}, {})
    assert report.repaired == {
        "bytes that are no UTF-8 replaced by U+FFFD": 1,
        "lone surrogate replaced by U+FFFD": 1,
        "number that JSON cannot carry kept as a string": 1,
        "timestamp outside of 1970 to 2255, kept as text": 1,
        "timestamp that is no time, kept as text": 1,
    }
    events = journal_events(journal_dir)
    created = next(data for session, _, type, data in events if session.startswith("odd\ufffdid-"))
    kept = {"model_config": "[1]", "started_at": -3.0, "estimated_cost_usd": -1.5}
    assert created == {"source": "cli", "extra": kept}
    appended = [data for _, _, type, data in events if type == "message.appended"][2:]
    assert appended[0]["content"] == "caf\ufffd"
    assert appended[0]["extra"] == {
        "tool_calls": {"a": 1},
        "token_count": -2,
        "timestamp": "inf",
        "estimated_time": True,
    }
    assert appended[1]["content"] == "\0json:{broken"
    assert appended[1]["extra"] == {"tool_calls": "no json", "reasoning_details": "no json"}
    assert appended[2]["content"] == [{"type": "text"}]
    assert appended[2]["extra"] == {"tool_calls": ["\ufffd"]}
    assert run(journal_dir, hermes.path).messages == 0


def test_the_name_that_older_importers_gave_an_estimated_time_is_corrected(
    hermes: Hermes, journal_dir: Path
) -> None:
    """A journal that an older importer filled has no conflict, and the name of all sources."""
    hermes.say("when?", timestamp=float("inf"))
    run(journal_dir, hermes.path)
    events = journal_events(journal_dir)
    old = journal_dir.parent / "old"
    with Journal.open(old) as journal:
        for session, id, type, data in events:
            older = dict(data)
            if "estimated_time" in data.get("extra", {}):
                older["extra"] = {"timestamp": "inf", "timestamp_estimated": True}
            event = {"session": session, "id": id, "type": type, "data": older}
            journal.append_many([event | {"importer": "hermes 2"}])
    report = run(old, hermes.path)
    assert (report.conflicts, report.errors) == (0, {})
    with Projection.open(old) as new, Projection.open(journal_dir) as projection:
        found = new.messages("s1")[-1]
        assert found.fields["extra"] == {"timestamp": "inf", "estimated_time": True}
        assert found.time == projection.messages("s1")[-1].time


def test_tables_that_are_not_imported_are_counted(hermes: Hermes, journal_dir: Path) -> None:
    """The state of a running Hermes is not imported; its search index has no data of its own."""
    hermes.db.executescript(
        """
        CREATE TABLE compression_locks (session_id TEXT, holder TEXT);
        INSERT INTO compression_locks VALUES ('s1', 'a'), ('s2', 'b');
        CREATE VIRTUAL TABLE messages_fts USING fts5(content);
        INSERT INTO messages_fts(content) VALUES ('one');
        """
    )
    report = run(journal_dir, hermes.path)
    assert report.skipped == {"row of the table compression_locks": 2}
    assert report.errors == {}


def test_an_import_and_a_running_hermes_do_not_wait_for_each_other(
    hermes: Hermes, journal_dir: Path
) -> None:
    """Committed rows are imported, also from the WAL; the database file is not changed."""
    hermes.change("PRAGMA wal_autocheckpoint = 0")
    hermes.say("in the WAL")
    hermes.change("BEGIN IMMEDIATE")
    hermes.say("not committed")
    before = hermes.path.read_bytes()
    began = time.monotonic()
    assert run(journal_dir, hermes.path).messages == 3
    assert time.monotonic() - began < 5, "it did not wait for the writer's lock"
    hermes.change("COMMIT")
    assert hermes.path.read_bytes() == before
    assert run(journal_dir, hermes.path).messages == 1


@pytest.mark.slow
def test_an_import_reads_one_snapshot(hermes: Hermes, journal_dir: Path) -> None:
    """Rows that Hermes writes during the import are imported by the next one."""
    for number in range(300):
        hermes.say(f"m{number}")

    def write(_source: object, _offset: int) -> None:
        hermes.say("while it was read")
        hermes.insert("state_meta", key="while", value="it was read")

    with Journal.open(journal_dir, fsync="never") as handle:
        importer = Importer(handle, "hermes", step=write)
        report = importer.run(importer.sources([hermes.path]))
    assert (report.messages, report.events, report.errors) == (302, 1, {})
    found = [type for _, type, _ in new(journal_dir, hermes.path)]
    assert found == ["message.appended", "key.set"]


def test_a_newer_schema_is_imported_as_far_as_it_is_known(
    tmp_path: Path, journal_dir: Path
) -> None:
    """Unknown columns are kept by their names, and the report names the schema that was assumed."""
    with closing(made_by(tmp_path / "state.db", 23).db) as db:
        db.execute("ALTER TABLE messages ADD COLUMN mood TEXT DEFAULT 'calm'")
        db.execute("ALTER TABLE messages ADD COLUMN level INTEGER DEFAULT 3")
        db.execute("UPDATE messages SET mood = 'bold', level = 4 WHERE id = 1")
        report = run(journal_dir, tmp_path / "state.db")
    assert report.repaired == {"schema version 23, newer than 22, the last known": 1}
    appended = [
        data.get("extra") for _, _, type, data in journal_events(journal_dir) if "role" in data
    ]
    assert appended == [{"mood": "bold", "level": 4}, None]


def not_a_database(path: Path) -> None:
    """Write a text file."""
    path.write_text("a text that is longer than a header " * 100)


def another_program(path: Path) -> None:
    """Make a database of other tables."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE sessions (id TEXT)")


def an_old_one(path: Path) -> None:
    """Make a database of a Hermes that is too old."""
    made_by(path, 10).db.close()


def an_unfinished_one(path: Path) -> None:
    """Make a database without a version."""
    with closing(made_by(path).db) as db:
        db.execute("DELETE FROM schema_version")


def a_closed_wal(path: Path) -> None:
    """Put a folder in place of the WAL."""
    made_by(path).db.close()
    Path(f"{path}-wal").mkdir()


def one_cut_off(path: Path) -> None:
    """Make a database without a WAL whose writer was killed during a write."""
    draft = path.with_name("draft.db")
    with closing(made_by(draft).db) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA cache_spill = 1")
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN")
        for _ in range(20):
            db.execute("UPDATE messages SET content = content || ?", ("x" * 9000,))
        shutil.copyfile(draft, path)
        shutil.copyfile(f"{draft}-journal", f"{path}-journal")
        db.execute("ROLLBACK")


@pytest.mark.parametrize(
    ("make", "why"),
    [(not_a_database, "no message in 1 file"), (Path.touch, "no transcript was found")],
)
def test_a_file_that_is_neither_database_nor_export_gives_nothing(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    """The command says so, and fails."""
    make(tmp_path / "state.db")
    parts = ["--journal", tmp_path / "j", "import", "hermes", tmp_path / "state.db"]
    result = CliRunner().invoke(cli, [str(part) for part in parts])
    assert (result.exit_code, why in result.stderr) == (3, True)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (another_program, "none of Hermes (it has no table schema_version)"),
        (an_old_one, "has schema version 10; 11 is the oldest"),
        (an_unfinished_one, "has no schema version"),
        (a_closed_wal, "state.db-wal"),
        (one_cut_off, "state.db-journal holds a write that was cut off"),
    ],
)
def test_a_file_that_cannot_be_imported_is_an_error_with_a_reason(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    """Nothing is written, and the command fails."""
    make(tmp_path / "state.db")
    parts = ["--journal", tmp_path / "j", "import", "hermes", tmp_path / "state.db"]
    result = CliRunner().invoke(cli, [str(part) for part in parts])
    assert result.exit_code == 1
    assert f"Error: {tmp_path / 'state.db'}: " in result.stderr
    assert why in result.stderr
    assert journal_events(tmp_path / "j") == []


def test_the_readable_rows_of_a_damaged_database_are_imported(
    tmp_path: Path, journal_dir: Path
) -> None:
    """The error says so; unreadable rows do not count as deleted."""
    path = tmp_path / "state.db"
    with closing(made_by(path).db) as db:
        rows = [(f"needle-{number} " + "x" * 900, START + number) for number in range(200)]
        query = (
            "INSERT INTO messages (session_id, role, content, timestamp) VALUES ('s1', 'u', ?, ?)"
        )
        db.execute("BEGIN")
        db.executemany(query, rows)
        db.execute("INSERT INTO state_meta VALUES ('k', 'v')")
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    page = whole.index(b"needle-100 ") // 4096 * 4096
    path.write_bytes(whole[:page] + b"\xff" * 4096 + whole[page + 4096 :])
    report = run(journal_dir, path)
    assert "the database is damaged" in report.errors[str(path)]
    assert 50 < report.messages < 110
    assert "key.set" in {type for _, _, type, _ in journal_events(journal_dir)}
    path.write_bytes(whole)
    rest = run(journal_dir, path)
    assert (rest.errors, rest.messages + report.messages) == ({}, 202)
    path.write_bytes(whole[:page] + b"\xff" * 4096 + whole[page + 4096 :])
    assert run(journal_dir, path).errors.keys() == {str(path)}
    assert "message.removed" not in {type for _, _, type, _ in journal_events(journal_dir)}


@pytest.mark.parametrize("format", ["auto", "hermes"])
def test_a_database_in_a_folder_is_found(hermes: Hermes, journal_dir: Path, format: str) -> None:
    """With `hermes` only files of that name are read; with `auto` also transcripts."""
    (hermes.path.parent / "config.json").write_text("{}")
    (hermes.path.parent / "other").mkdir()
    another_program(hermes.path.parent / "other" / "state.db")
    with Journal.open(journal_dir, fsync="never") as handle:
        importer = Importer(handle, format)
        report = importer.run(importer.sources([hermes.path.parent]))
    assert report.messages == 2
    other = str(hermes.path.parent / "other" / "state.db")
    if format == "auto":
        assert (report.errors, other in report.unknown) == ({}, True)
    else:
        assert set(report.errors) == {other}


def test_a_database_of_any_name_is_detected_by_its_beginning(
    tmp_path: Path, journal_dir: Path
) -> None:
    """A path may contain characters that have a meaning in SQLite's file names."""
    path = tmp_path / "a?mode=rw&b#c%20.db"
    made_by(path).db.close()
    assert run(journal_dir, path, format="auto").messages == 2
    (error,) = run(journal_dir, path, format="codex").errors.values()
    assert error.startswith("is a SQLite database, which the importer 'codex' does not read")
    path = tmp_path / "a.jsonl"
    path.write_text('{"role":"user","content":"x"}\n')
    (error,) = run(journal_dir, path).errors.values()
    assert error == "this looks like openai, not hermes; import it as openai, or with auto"


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the Hermes samples are not beside this checkout")
@pytest.mark.parametrize("name", ["made-by-h13", "made-by-h19"])
def test_databases_of_the_real_package_are_imported_completely(
    tmp_path: Path, journal_dir: Path, name: str
) -> None:
    """Sessions, messages, texts and order equal those of SQL; a second import adds nothing."""
    path = tmp_path / "state.db"
    shutil.copyfile(SHARED / name / "state.db", path)
    first = run(journal_dir, path)
    assert (first.errors, first.skipped, first.repaired) == ({}, {}, {})
    assert (len(first.sessions), first.messages) == (140, 3_513)
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT session_id, id, role, content FROM messages ORDER BY id")
        appended: dict[str, list[tuple[str, str, Any]]] = {}
        for session, id, role, content in rows:
            appended.setdefault(session, []).append((str(id), role, content))
        ended = db.execute("SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL").fetchone()
        sources = dict(db.execute("SELECT id, source FROM sessions").fetchall())
    assert first.events == 140 + ended[0]
    with Projection.open(journal_dir) as projection:
        digest = projection.digest()
        views = projection.sessions(limit=1000)
        assert {view.session: view.source for view in views} == sources
        for session, messages in appended.items():
            found = projection.messages(session)
            assert [(it.id, it.role, it.content) for it in found] == messages
    again = run(journal_dir, path)
    assert (again.messages, again.events) == (0, 0)
    assert again.unchanged or again.already == first.messages + first.events
    run(journal_dir, path, reread=True)
    with Projection.open(journal_dir) as projection:
        assert projection.digest() == digest
