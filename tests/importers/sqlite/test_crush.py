"""Crush: one database for each project, with rows that are rewritten while a model answers."""

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
SCHEMA = """
CREATE TABLE sessions (id TEXT PRIMARY KEY, parent_session_id TEXT, title TEXT NOT NULL,
    message_count INTEGER, prompt_tokens INTEGER, completion_tokens INTEGER, cost REAL,
    updated_at INTEGER, created_at INTEGER);
CREATE TABLE messages (id TEXT PRIMARY KEY, session_id TEXT, role TEXT, parts TEXT, model TEXT,
    created_at INTEGER, updated_at INTEGER, finished_at INTEGER, provider TEXT);
"""


def put(path: Path, id: str, second: int, role: str, *parts: tuple[str, dict[str, Any]]) -> None:
    """Write a message, or write it again."""
    wrapped = json.dumps([{"type": type, "data": data} for type, data in parts])
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "INSERT INTO messages VALUES (?, 's-1', ?, ?, 'm-1', ?, ?, NULL, 'acme')"
            " ON CONFLICT (id) DO UPDATE SET parts = excluded.parts, updated_at = updated_at + 1",
            (id, role, wrapped, SECONDS + second, SECONDS + second),
        )


def database(folder: Path) -> Path:
    """Write a project's database with one session."""
    made = folder / "app" / ".crush" / "crush.db"
    made.parent.mkdir(parents=True)
    with closing(sqlite3.connect(made)) as db, db:
        db.executescript(SCHEMA)
        row = ("s-1", None, "A build", 0, 700, 80, 0.5, SECONDS, SECONDS)
        db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    put(
        made, "u", 1, "user", ("text", {"text": "Build"}), ("binary", {"Path": "a", "Data": "aGk="})
    )
    call = {"id": "call-1", "name": "bash", "input": '{"command":"make"}', "finished": True}
    put(
        made,
        "a",
        2,
        "assistant",
        ("reasoning", {"thinking": "Make."}),
        ("tool_call", call),
        ("finish", {"reason": "tool_use", "time": SECONDS}),
        ("mood", {"good": True}),
    )
    result = {"tool_call_id": "call-1", "name": "bash", "content": "ok", "is_error": False}
    put(made, "t", 3, "tool", ("tool_result", result))
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A project's database with one session."""
    return database(tmp_path)


def test_a_session_has_its_texts_tools_and_results(path: Path, journal_dir: Path) -> None:
    """Its folder is that of the project; a part of an unknown kind is counted."""
    report = take(journal_dir, path)
    assert (report.errors, report.skipped["part mood"]) == ({}, 1)
    with Projection.open(journal_dir) as projection:
        (session,) = projection.sessions()
        user, answer, result = projection.messages("s-1")
    assert (session.title, session.cwd, session.model) == (
        "A build",
        str(path.parent.parent),
        "m-1",
    )
    file = {"type": "file", "name": "a", "data": "aGk="}
    assert user.content == [{"type": "text", "text": "Build"}, file]
    function = {"name": "bash", "arguments": '{"command":"make"}'}
    assert answer.fields["tool_calls"] == [
        {"id": "call-1", "type": "function", "function": function}
    ]
    assert (answer.fields["reasoning"], answer.fields["finish_reason"]) == ("Make.", "tool_use")
    assert (result.role, result.content, result.fields["tool_name"]) == ("tool", "ok", "bash")
    (usage,) = (data for *_, type, data in journal_events(journal_dir) if type == "usage.added")
    assert (usage["input_tokens"], usage["output_tokens"], usage["actual_cost"]) == (700, 80, 0.5)


def test_a_message_that_is_written_again_is_revised(path: Path, journal_dir: Path) -> None:
    """Also within one second, which is the unit of its times."""
    put(path, "b", 4, "assistant", ("text", {"text": "In work"}))
    take(journal_dir, path)
    put(path, "b", 4, "assistant", ("text", {"text": "Built."}))
    take(journal_dir, path)
    assert transcript(journal_dir, "s-1")[-1] == ("assistant", "Built.")
