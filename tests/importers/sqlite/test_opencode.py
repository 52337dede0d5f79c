"""opencode: messages of parts, from its database and from an export, give the same events."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from projector.projection import Projection
from tests.importers.feed import journal_events, journal_set
from tests.importers.sqlite.programs import NOON, Opencode, take

if TYPE_CHECKING:
    from pathlib import Path

TOKENS = {"input": 900, "output": 40, "reasoning": 7, "cache": {"read": 300, "write": 20}}
STATE = {
    "status": "completed",
    "input": {"command": "make"},
    "output": "done\n",
    "metadata": {"exit": 2},
    "time": {"start": NOON + 3000, "end": NOON + 4000},
}
PARTS: list[dict[str, Any]] = [
    {"type": "step-start"},
    {"type": "reasoning", "text": "I must build.", "time": {"start": NOON + 2500}},
    {"type": "text", "text": "I build it.", "time": {"start": NOON + 2600}},
    {"type": "tool", "callID": "call_1", "tool": "bash", "state": STATE},
    {"type": "step-finish", "reason": "tool-calls", "cost": 0.25, "tokens": TOKENS},
    {"type": "step-start"},
    {"type": "text", "text": "It failed.", "time": {"start": NOON + 5000}},
    {"type": "patch", "hash": "1f", "files": ["/work/app/Makefile"]},
    {"type": "step-finish", "reason": "stop", "cost": 0.5, "tokens": TOKENS},
    {"type": "hologram", "text": "a kind of tomorrow", "unknown": {"deep": [1]}},
]
PROMPT: list[dict[str, Any]] = [
    {"type": "text", "text": "Build it"},
    {"type": "text", "text": "Called the Read tool", "synthetic": True},
    {"type": "file", "mime": "text/plain", "filename": "a.txt", "url": "file:///work/app/a.txt"},
]
ANSWER: dict[str, Any] = {
    "role": "assistant",
    "modelID": "m-1",
    "providerID": "acme",
    "mode": "build",
    "new": 1,
}


def written(path: Path) -> Opencode:
    """Return an opencode that has written a session with a prompt and an answer."""
    program = Opencode(path)
    program.session("ses_1", parent_id="ses_0")
    program.message("msg_1", 1)
    program.message("msg_2", 2, **ANSWER)
    for message, parts in (("msg_1", PROMPT), ("msg_2", PARTS)):
        for number, part in enumerate(parts):
            program.part(f"prt_{message}_{number}", message, number, **part)
    return program


def exported(path: Path) -> Path:
    """Write the same session as opencode exports it."""
    info = {
        "id": "ses_1",
        "directory": "/work/app",
        "parentID": "ses_0",
        "title": "Title of ses_1",
        "version": "1.2.3",
        "time": {"created": NOON, "updated": NOON},
    }
    user = {"id": "msg_1", "sessionID": "ses_1", "role": "user", "time": {"created": NOON + 1000}}
    answer = {"id": "msg_2", "sessionID": "ses_1", **ANSWER, "time": {"created": NOON + 2000}}
    messages = [{"info": user, "parts": PROMPT}, {"info": answer, "parts": PARTS}]
    path.write_text(json.dumps({"info": info, "messages": messages}))
    return path


def test_texts_tools_and_results_keep_their_order(tmp_path: Path, journal_dir: Path) -> None:
    """What is written after a result is a message of its own; an unknown part is counted."""
    with closing(written(tmp_path / "opencode.db").db):
        report = take(journal_dir, tmp_path / "opencode.db")
    assert (report.errors, report.skipped["part hologram"]) == ({}, 1)
    with Projection.open(journal_dir) as projection:
        (session,) = projection.sessions()
        shown = [(m.role, m.content, m.fields) for m in projection.messages("ses_1")]
    assert (session.title, session.cwd, session.parent) == (
        "Title of ses_1",
        "/work/app",
        "ses_0",
    )
    assert (session.model, session.relation) == ("m-1", "subagent")
    roles = [role for role, _, _ in shown]
    assert roles == ["user", "user", "assistant", "tool", "assistant"]
    by_content = {str(content): fields for _, content, fields in shown}
    assert by_content["Called the Read tool"]["meta"] == "instructions"
    file = {
        "type": "file",
        "name": "a.txt",
        "media_type": "text/plain",
        "url": "file:///work/app/a.txt",
    }
    assert [{"type": "text", "text": "Build it"}, file] in [content for _, content, _ in shown]
    call = {"name": "bash", "arguments": '{"command":"make"}'}
    assert by_content["I build it."]["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": call}
    ]
    assert by_content["I build it."]["reasoning"] == "I must build."
    result = by_content["done\n"]
    assert (result["tool_call_id"], result["tool_name"]) == ("call_1", "bash")
    assert result["extra"] == {"is_error": False, "exit_code": 2}
    assert by_content["It failed."]["extra"]["files"] == ["/work/app/Makefile"]


def test_each_step_is_a_call_with_its_usage(tmp_path: Path, journal_dir: Path) -> None:
    """Tokens and the cost that opencode says."""
    with closing(written(tmp_path / "opencode.db").db):
        take(journal_dir, tmp_path / "opencode.db")
    found = [data for *_, type, data in journal_events(journal_dir) if type == "usage.added"]
    assert [(data["call"], data["actual_cost"]) for data in found] == [
        ("msg_2", 0.25),
        ("msg_2:2", 0.5),
    ]
    assert (found[0]["input_tokens"], found[0]["output_tokens"]) == (900, 40)
    assert (found[0]["cache_read_tokens"], found[0]["cache_write_tokens"]) == (300, 20)
    assert (found[0]["model"], found[0]["provider"]) == ("m-1", "acme")


def test_an_export_of_the_same_session_gives_the_same_events(
    tmp_path: Path, journal_dir: Path
) -> None:
    """In either order nothing is doubled."""
    with closing(written(tmp_path / "opencode.db").db):
        take(journal_dir, tmp_path / "opencode.db")
        before = journal_set(journal_dir)
        report = take(journal_dir, exported(tmp_path / "export.json"))
    assert (report.errors, report.conflicts) == ({}, 0)
    assert journal_set(journal_dir) == before


def test_a_database_of_the_first_versions_is_read(tmp_path: Path, journal_dir: Path) -> None:
    """Without times of rows, and with parts that name only their message."""
    path = tmp_path / "opencode.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE session (id TEXT PRIMARY KEY, directory TEXT)")
        db.execute("CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, data TEXT)")
        db.execute("CREATE TABLE part (id TEXT PRIMARY KEY, message_id TEXT, data TEXT)")
        db.execute("INSERT INTO session VALUES ('s', '/w')")
        db.execute("""INSERT INTO message VALUES ('m', 's', '{"role": "user"}')""")
        db.execute("""INSERT INTO part VALUES ('p', 'm', '{"type": "text", "text": "hi"}')""")
        db.execute("""INSERT INTO part VALUES ('q', 'm', '{"type": "text", "text": "torn')""")
    report = take(journal_dir, path)
    assert (report.messages, report.errors, report.skipped.total()) == (1, {}, 1)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("""INSERT INTO part VALUES ('r', 'm', '{"type": "text", "text": "you"}')""")
    take(journal_dir, path)
    with Projection.open(journal_dir) as projection:
        (message,) = projection.messages("s")
    assert message.content == [{"type": "text", "text": "hi"}, {"type": "text", "text": "you"}]


@pytest.mark.parametrize("layout", ["folders", "folders, unnamed", "flat"])
def test_the_files_of_the_first_versions_give_the_same_events(
    tmp_path: Path, journal_dir: Path, layout: str
) -> None:
    """A message is read with its parts, wherever they are; a part by itself gives nothing."""
    with closing(written(tmp_path / "opencode.db").db):
        take(journal_dir, tmp_path / "opencode.db")
    before = journal_set(journal_dir)
    whole = json.loads(exported(tmp_path / "export.json").read_text())
    storage = tmp_path / "storage"
    info = {**whole["info"], "projectID": None}
    files = {f"session/p/{info['id']}.json": info}
    for message in whole["messages"]:
        own = message["info"]["id"]
        files[f"message/ses_1/{own}.json"] = message["info"]
        for number, part in enumerate(message["parts"]):
            name = f"prt_{own}_{number}"
            ids = {"messageID": own, "sessionID": "ses_1"} if "unnamed" not in layout else {}
            folder = "part" if layout == "flat" else f"part/{own}"
            files[f"{folder}/{name}.json"] = {"id": name, **ids, **part}
    for name, value in files.items():
        (storage / name).parent.mkdir(parents=True, exist_ok=True)
        (storage / name).write_text(json.dumps(value))
    report = take(journal_dir, storage)
    assert (report.errors, report.unknown, report.conflicts) == ({}, [], 0)
    assert journal_set(journal_dir) == before
    assert report.skipped["a part in a file: it is read with its message"] == 13


def test_calls_of_one_message_with_one_id_keep_their_results(
    tmp_path: Path, journal_dir: Path
) -> None:
    """An export may have its ids blanked; two equal results are two messages."""
    path = exported(tmp_path / "ses_1.json")
    whole = json.loads(path.read_text())
    part = {"type": "tool", "callID": "REDACTED", "tool": "glob", "state": STATE}
    whole["messages"][1]["parts"] = [part, part]
    path.write_text(json.dumps(whole))
    assert take(journal_dir, path).conflicts == 0
    with Projection.open(journal_dir) as projection:
        roles = [message.role for message in projection.messages("ses_1")]
    assert roles == ["user", "user", "assistant", "tool", "tool"]
