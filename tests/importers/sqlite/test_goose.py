"""Goose: its database with a ledger of what was used, and its older JSON lines."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from projector.projection import Projection
from tests.importers.feed import journal_events
from tests.importers.sqlite.programs import take, transcript

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 1_770_000_000
BLOCKS: list[list[dict[str, Any]]] = [
    [
        {"type": "text", "text": "List it"},
        {"type": "image", "data": "aGk=", "mimeType": "image/png"},
    ],
    [
        {"type": "thinking", "thinking": "A tool is needed.", "signature": "x"},
        {
            "type": "toolRequest",
            "id": "call-1",
            "toolCall": {
                "status": "success",
                "value": {"name": "developer__shell", "arguments": {"command": "ls"}},
            },
        },
    ],
    [
        {
            "type": "toolResponse",
            "id": "call-1",
            "toolResult": {
                "status": "success",
                "value": {"content": [{"type": "text", "text": "a.txt"}], "isError": True},
            },
        }
    ],
    [
        {"type": "text", "text": "One file."},
        {"type": "systemNotification", "notificationType": "inlineMessage", "msg": "Compacted"},
        {"type": "telepathy", "wave": 1},
    ],
]
ROLES = ["user", "assistant", "user", "assistant"]


def database(folder: Path) -> Path:
    """Write a `sessions.db` with one session."""
    made = folder / "sessions.db"
    with closing(sqlite3.connect(made)) as db, db:
        db.executescript(
            "CREATE TABLE sessions (id TEXT PRIMARY KEY, name TEXT, description TEXT,"
            " working_dir TEXT, created_at TIMESTAMP, updated_at TIMESTAMP, session_type TEXT,"
            " provider_name TEXT, model_config_json TEXT, accumulated_input_tokens INTEGER,"
            " accumulated_output_tokens INTEGER, accumulated_cost REAL);"
            "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT,"
            " session_id TEXT, role TEXT, content_json TEXT, created_timestamp INTEGER,"
            " timestamp TIMESTAMP, metadata_json TEXT);"
        )
        session = ("s-1", "A list", "", "/w", "2026-02-02 02:40:00", "2026-02-02 02:41:00", "user")
        config = json.dumps({"model_name": "m-1"})
        row = (*session, "acme", config, 500, 60, 0.125)
        db.execute(f"INSERT INTO sessions VALUES ({', '.join('?' * 12)})", row)
        for number, (role, blocks) in enumerate(zip(ROLES, BLOCKS, strict=True)):
            db.execute(
                "INSERT INTO messages (message_id, session_id, role, content_json,"
                " created_timestamp, metadata_json) VALUES (?, 's-1', ?, ?, ?, '{}')",
                (f"msg-{number}", role, json.dumps(blocks), SECONDS + number),
            )
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one session."""
    return database(tmp_path)


def test_a_session_has_its_texts_tools_results_and_notes(path: Path, journal_dir: Path) -> None:
    """The title is the name that Goose gave it; a block of an unknown kind is counted."""
    report = take(journal_dir, path)
    assert (report.errors, report.skipped["content telepathy"]) == ({}, 1)
    with Projection.open(journal_dir) as projection:
        (session,) = projection.sessions()
        shown = list(projection.messages("s-1"))
    assert (session.title, session.cwd, session.model) == ("A list", "/w", "m-1")
    assert [message.role for message in shown] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "system",
    ]
    image = {"type": "image", "media_type": "image/png", "data": "aGk="}
    assert shown[0].content == [{"type": "text", "text": "List it"}, image]
    assert shown[1].fields["reasoning"] == "A tool is needed."
    function = {"name": "developer__shell", "arguments": '{"command":"ls"}'}
    assert shown[1].fields["tool_calls"] == [
        {"id": "call-1", "type": "function", "function": function}
    ]
    assert (shown[2].content, shown[2].fields["extra"]) == ("a.txt", {"is_error": True})
    assert shown[2].fields["tool_name"] == "developer__shell"
    assert (shown[4].content, shown[4].fields["meta"]) == ("Compacted", "notification")


def test_usage_is_that_of_the_ledger_or_the_sums(path: Path, journal_dir: Path) -> None:
    """A ledger says each call; a session without one has its sums."""
    take(journal_dir / "sums", path)
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(
            "CREATE TABLE usage_ledger (id INTEGER PRIMARY KEY, session_id TEXT,"
            " created_timestamp INTEGER, model TEXT, input_tokens INTEGER, output_tokens INTEGER,"
            " cache_read_tokens INTEGER, cache_write_tokens INTEGER, cost REAL);"
            f"INSERT INTO usage_ledger VALUES (7, 's-1', {SECONDS}, 'm-2', 400, 50, 30, 2, 0.1)"
        )
    take(journal_dir / "ledger", path)
    found = {
        name: [data for *_, type, data in journal_events(journal_dir / name) if "usage" in type]
        for name in ("sums", "ledger")
    }
    (sums,), (call,) = found["sums"], found["ledger"]
    assert (sums["input_tokens"], sums["output_tokens"], sums["actual_cost"]) == (500, 60, 0.125)
    assert (call["input_tokens"], call["cache_read_tokens"], call["model"]) == (400, 30, "m-2")
    assert call["call"] == "ledger-7"


def test_rows_that_goose_replaces_by_new_ones_are_found(path: Path, journal_dir: Path) -> None:
    """A compaction deletes all rows of a session and writes others."""
    take(journal_dir, path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM messages")
        db.execute(
            "INSERT INTO messages (message_id, session_id, role, content_json, created_timestamp)"
            " VALUES ('msg-9', 's-1', 'assistant', ?, ?)",
            (json.dumps([{"type": "text", "text": "A summary"}]), SECONDS + 9),
        )
    take(journal_dir, path)
    assert transcript(journal_dir, "s-1") == [("assistant", "A summary")]


def test_json_lines_of_older_versions_give_the_same_messages(
    tmp_path: Path, path: Path, journal_dir: Path
) -> None:
    """Goose keeps these files after it has moved their sessions to its database."""
    head = {"working_dir": "/w", "description": "A list", "id": "s-1", "created_at": None}
    lines = [
        {"id": f"msg-{number}", "role": role, "created": SECONDS + number, "content": blocks}
        for number, (role, blocks) in enumerate(zip(ROLES, BLOCKS, strict=True))
    ]
    file = tmp_path / "old.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in [head, *lines, {"type": "x"}]))
    report = take(journal_dir, file)
    assert (report.messages, report.skipped["x"], report.errors) == (5, 1, {})
    before = transcript(journal_dir, "s-1")
    assert take(journal_dir, path).conflicts == 0
    assert transcript(journal_dir, "s-1") == before
