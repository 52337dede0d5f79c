"""Cursor: its database of keys and values, and the transcripts of its agents."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from journal.importers.cursor.lines import CursorLines
from projector.projection import Projection
from tests.importers.feed import contents, feed, journal_events, journal_set, line, messages
from tests.importers.sqlite.programs import NOON, take, transcript

if TYPE_CHECKING:
    from pathlib import Path

BUBBLES = [f"aaaaaaaa-0000-4000-8000-{number:012}" for number in range(9)]
TOOL = {
    "toolCallId": "t1",
    "name": "read_file",
    "rawArgs": '{"path":"a"}',
    "result": "text of a",
    "status": "error",
}


def put(path: Path, **values: object) -> None:
    """Write keys as Cursor does: a row whose key is there already is replaced."""
    with closing(sqlite3.connect(path)) as db, db:
        for name, value in values.items():
            row = (name.replace("__", ":"), None if value is None else json.dumps(value))
            db.execute("INSERT INTO cursorDiskKV VALUES (?, ?)", row)


def bubble(number: int, composer: str = "c1") -> str:
    """Return the key of a message."""
    return f"bubbleId__{composer}__{BUBBLES[number]}"


def composer(*numbers: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a conversation that lists some messages."""
    headers = [{"bubbleId": BUBBLES[number]} for number in numbers]
    head = {"composerId": "c1", "name": "A talk", "createdAt": NOON}
    return {**head, "fullConversationHeadersOnly": headers, **more}


def database(folder: Path) -> Path:
    """Write a `state.vscdb` with one conversation, and keys of other things."""
    made = folder / "state.vscdb"
    with closing(sqlite3.connect(made)) as db, db:
        db.execute("CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
        db.execute("CREATE TABLE cursorDiskKV (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
    first = {"type": 1, "text": "Read a", "createdAt": NOON + 1000, "workspaceProjectDir": "/w"}
    count = {"inputTokens": 70, "outputTokens": 8}
    answer = {"type": 2, "thinking": {"text": "Hm."}, "toolFormerData": TOOL, "new": [1]}
    last = {"type": 2, "text": "No a.", "tokenCount": count, "modelInfo": {"modelName": "m-1"}}
    # written in another order than that of the conversation
    put(made, **{bubble(2): last, bubble(1): answer, bubble(0): first, bubble(3): {"type": 7}})
    cost = {"m-1": {"costInCents": 25, "amount": 2}}
    put(made, composerData__c1=composer(0, 1, 2, usageData=cost), composerData__empty=composer())
    put(made, checkpointId__c1__x={"files": []}, composerData__null=None)
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one conversation, and keys of other things."""
    return database(tmp_path)


def test_a_conversation_has_its_texts_tools_and_results_in_its_order(
    path: Path, journal_dir: Path
) -> None:
    """A message without a time has that of the one before; unknown kinds are counted."""
    report = take(journal_dir, path)
    assert (report.errors, report.skipped["message of type 7"]) == ({}, 1)
    with Projection.open(journal_dir) as projection:
        (session,) = projection.sessions()
        shown = list(projection.messages("c1"))
    assert (session.title, session.cwd, session.source) == ("A talk", "/w", "cursor")
    assert [(m.role, m.content) for m in shown] == [
        ("user", "Read a"),
        ("assistant", None),
        ("tool", "text of a"),
        ("assistant", "No a."),
    ]
    function = {"name": "read_file", "arguments": '{"path":"a"}'}
    assert shown[1].fields["tool_calls"] == [{"id": "t1", "type": "function", "function": function}]
    assert shown[2].fields["extra"]["is_error"] is True
    assert {message.time for message in shown} == {(NOON + 1000) * 1000}
    used = [data for *_, type, data in journal_events(journal_dir) if type == "usage.added"]
    assert [(data.get("input_tokens"), data.get("actual_cost")) for data in used] == [
        (None, 0.25),
        (70, None),
    ]


def test_a_message_that_is_written_again_is_revised(path: Path, journal_dir: Path) -> None:
    """Its row is replaced, and has a higher number then."""
    take(journal_dir, path)
    put(path, **{bubble(2): {"type": 2, "text": "No a, but b."}})
    report = take(journal_dir, path)
    assert (report.messages, report.conflicts) == (0, 0)
    assert transcript(journal_dir, "c1")[-1] == ("assistant", "No a, but b.")


def test_a_conversation_of_the_first_versions_holds_its_messages(
    path: Path, journal_dir: Path
) -> None:
    """They are in the value of the conversation itself."""
    talk = [
        {"bubbleId": "b1", "type": 1, "text": "Hi"},
        {"bubbleId": "b2", "type": 2, "text": "Yo"},
    ]
    put(path, composerData__old={"composerId": "old", "createdAt": NOON, "conversation": talk})
    take(journal_dir, path)
    assert transcript(journal_dir, "old") == [("user", "Hi"), ("assistant", "Yo")]


def test_another_programs_database_of_that_name_is_not_cursors(
    tmp_path: Path, journal_dir: Path
) -> None:
    """VS Code has a `state.vscdb`, too."""
    made = tmp_path / "state.vscdb"
    with closing(sqlite3.connect(made)) as db, db:
        db.execute("CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
    report = take(journal_dir, tmp_path)
    assert (report.unknown, report.messages) == ([str(made)], 0)


def said(role: str, *content: dict[str, Any], **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Return a line of a transcript."""
    return line(role=role, message={"content": list(content)}, **more)


def text(words: str) -> dict[str, Any]:
    """Return a text block."""
    return {"type": "text", "text": words}


LINES = [
    said("user", text("<open_files>a</open_files>\n<user_query>\nList them\n</user_query>")),
    said("assistant", text("Yes."), {"type": "tool_use", "name": "Shell", "input": {"c": "ls"}}),
    said("user", {"type": "tool_result", "tool_use_id": "t1", "content": "a"}, new={"x": 1}),
    line(type="turn_ended", status="success"),
    said("assistant", {"type": "hologram", "text": "kept"}),
]


def test_of_a_prompt_what_the_person_typed_is_apart_from_what_cursor_added() -> None:
    """A block of an unknown kind is kept as it is."""
    found = messages(feed(CursorLines, LINES))
    assert [(one["role"], one["content"], one.get("meta")) for one in found] == [
        ("user", "List them", None),
        ("user", "<open_files>a</open_files>", "environment"),
        ("assistant", "Yes.", None),
        ("tool", "a", None),
        ("assistant", [{"type": "hologram", "text": "kept"}], None),
    ]
    assert found[2]["tool_calls"][0]["function"] == {"name": "Shell", "arguments": '{"c":"ls"}'}


def test_the_beginning_of_a_transcript_gives_the_same_events() -> None:
    """A file that grows adds events, and changes none."""
    whole = contents(feed(CursorLines, LINES))
    for count in range(len(LINES)):
        assert contents(feed(CursorLines, LINES[:count])).items() <= whole.items()


def test_a_transcript_has_the_time_of_its_file_and_keeps_its_session_when_it_is_moved(
    tmp_path: Path, journal_dir: Path
) -> None:
    """It has no time of its own, and the time of the import would say nothing."""
    file = tmp_path / "talk.jsonl"
    file.write_bytes(b"".join(raw + b"\n" for raw in LINES))
    os.utime(file, (NOON // 1000, NOON // 1000))
    report = take(journal_dir, file)
    assert (report.errors, report.messages) == ({}, 5)
    (tmp_path / "elsewhere").mkdir()
    file = file.rename(tmp_path / "elsewhere" / "talk.jsonl")
    before = journal_set(journal_dir)
    take(journal_dir, file)
    assert journal_set(journal_dir) == before
    with Projection.open(journal_dir) as projection:
        (session,) = projection.sessions()
        assert session.source == "cursor"
        assert {m.time for m in projection.messages(session.session)} == {NOON * 1000}
