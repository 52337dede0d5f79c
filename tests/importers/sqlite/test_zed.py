"""Zed: threads of two generations in one database, compressed or not."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from projector.projection import Projection
from tests.importers.feed import journal_events
from tests.importers.sqlite.programs import take, transcript

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from pathlib import Path

START = "2026-02-02T02:40:00+00:00"
OLD: dict[str, Any] = {
    "version": "0.2.0",
    "summary": "An old thread",
    "messages": [
        {"id": 1, "role": "user", "segments": [{"type": "text", "text": "Old?"}]},
        {
            "id": 2,
            "role": "assistant",
            "segments": [{"type": "thinking", "text": "Hm."}, {"type": "odd"}],
            "tool_uses": [{"id": "t1", "name": "read_file", "input": {"path": "a"}}],
            "tool_results": [],
        },
        {
            "id": 3,
            "role": "user",
            "segments": [],
            "tool_results": [{"tool_use_id": "t1", "is_error": False, "content": "text of a"}],
        },
    ],
}
NEW: dict[str, Any] = {
    "version": "0.3.0",
    "title": "A new thread",
    "model": {"provider": "acme", "model": "m-1"},
    "cumulative_token_usage": {"input_tokens": 90, "cache_read_input_tokens": 30},
    "initial_project_snapshot": {
        "worktree_snapshots": [{"git_state": {"current_branch": "main", "head_sha": "abc"}}]
    },
    "messages": [
        {"User": {"id": "u-1", "content": [{"Text": "New?"}, {"Mention": {"content": "file"}}]}},
        {
            "Agent": {
                "content": [
                    {"Thinking": {"text": "Hm.", "signature": None}},
                    {"Text": "I look."},
                    {"ToolUse": {"id": "t2", "name": "grep", "raw_input": "{}", "input": {"q": 1}}},
                    {"Hologram": {"x": 1}},
                ],
                "tool_results": {
                    "t2": {"tool_name": "grep", "is_error": True, "content": {"Text": "none"}}
                },
            }
        },
        "Resume",
    ],
}


def put(path: Path, id: str, document: dict[str, Any], kind: str, second: int = 0) -> None:
    """Save a thread as Zed does: its row is replaced."""
    raw = json.dumps(document).encode()
    data = zstd.compress(raw) if kind == "zstd" else raw
    when = f"2026-02-02T02:40:{second:02}+00:00"
    row = (id, "a summary", when, kind, data, None, "/b\n/a", "1,0", START)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT OR REPLACE INTO threads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def database(folder: Path) -> Path:
    """Write a `threads.db` with an old and a new thread."""
    made = folder / "threads.db"
    with closing(sqlite3.connect(made)) as db, db:
        db.execute(
            "CREATE TABLE threads (id TEXT PRIMARY KEY, summary TEXT NOT NULL, updated_at TEXT"
            " NOT NULL, data_type TEXT NOT NULL, data BLOB NOT NULL, parent_id TEXT,"
            " folder_paths TEXT, folder_paths_order TEXT, created_at TEXT)"
        )
    put(made, "old", OLD, "json")
    put(made, "new", NEW, "zstd")
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with an old and a new thread."""
    return database(tmp_path)


def test_both_generations_have_their_texts_tools_and_results(path: Path, journal_dir: Path) -> None:
    """Their time is that of the thread, marked as estimated; unknown kinds are counted."""
    report = take(journal_dir, path)
    assert report.errors == {}
    assert [report.skipped[name] for name in ("segment odd", "content Hologram")] == [1, 1]
    assert report.skipped["message Resume"] == 1
    with Projection.open(journal_dir) as projection:
        session = projection.session("new")
        user, answer, result = projection.messages("new")
        old = [(m.role, m.content, m.fields) for m in projection.messages("old")]
    assert (session.title, session.cwd, session.model) == ("A new thread", "/a", "m-1")
    assert (session.branch, session.commit) == ("main", "abc")
    assert user.content == [{"type": "text", "text": "New?"}, {"type": "mention", "text": "file"}]
    assert (user.id, user.fields["extra"]) == ("u-1", {"estimated_time": True})
    assert (answer.content, answer.fields["reasoning"]) == ("I look.", "Hm.")
    assert answer.fields["tool_calls"][0]["function"] == {"name": "grep", "arguments": '{"q":1}'}
    assert (result.content, result.fields["extra"]["is_error"]) == ("none", True)
    assert [(role, content) for role, content, _ in old] == [
        ("user", "Old?"),
        ("assistant", None),
        ("tool", "text of a"),
    ]
    assert old[2][2]["tool_name"] == "read_file"
    (usage,) = (data for *_, type, data in journal_events(journal_dir) if type == "usage.added")
    assert (usage["input_tokens"], usage["cache_read_tokens"]) == (90, 30)


def test_a_thread_that_grew_gives_only_its_new_messages(path: Path, journal_dir: Path) -> None:
    """A message that was written again is revised."""
    take(journal_dir, path)
    messages = [*NEW["messages"][:1], {"Agent": {"content": [{"Text": "I looked."}]}}]
    messages.append({"User": {"id": "u-2", "content": [{"Text": "Thanks"}]}})
    put(path, "new", {**NEW, "messages": messages}, "zstd", 5)
    report = take(journal_dir, path)
    assert (report.messages, report.conflicts) == (1, 0)
    shown = [content for _, content in transcript(journal_dir, "new")]
    assert shown[1:] == ["I looked.", "Thanks"]


@pytest.mark.parametrize("kind", ["zstd", "rot13"])
def test_a_broken_thread_costs_only_itself(path: Path, journal_dir: Path, kind: str) -> None:
    """A torn frame, or a way to store it that is not known: the reason is counted."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "UPDATE threads SET data_type = ?, data = x'28b52ffd00' WHERE id = 'old'", (kind,)
        )
    report = take(journal_dir, path)
    assert (report.errors, report.messages) == ({}, 3)
    assert any(reason.startswith("thread that cannot be read") for reason in report.skipped)
