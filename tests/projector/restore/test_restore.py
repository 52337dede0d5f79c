"""A session that is written back is the same session to its importer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from journal.errors import ExportFailed
from journal.writer import Journal
from projector import Projection
from projector.restore.as_imported import conversation
from projector.restore.restore import Restored, restore
from tests.importers.source_lines import claude, head, item, says, write
from tests.support.transcripts import DATA, REAL, import_all

if TYPE_CHECKING:
    from projector.views.messages import MessageView

MADE_UP = Path(__file__).parents[2] / "importers" / "transcripts"
UUIDS = [f"0000000{n}-0000-4000-8000-000000000000" for n in range(9)]


def put_back(journal: Path, session: str, folder: Path) -> Restored:
    """Write a session of a journal into a folder."""
    with Projection.open(journal) as projection:
        (view, messages), _ = projection.read(lambda db: conversation(db, session))
    return restore(journal, view, messages, folder)


def talk(journal: Path, session: str) -> list[tuple[Any, ...]]:
    """Return what a session says: ids, roles, contents, reasoning and tools, in order."""
    with Projection.open(journal) as projection:
        return [_said(message) for message in projection.messages(session)]


def _said(message: MessageView) -> tuple[Any, ...]:
    names = ("reasoning", "tool_calls", "tool_call_id", "model", "meta")
    fields = message.fields
    return message.id, message.role, message.content, *(fields.get(name) for name in names)


def lines_of(done: Restored) -> list[dict[str, Any]]:
    """Return the lines of a restored file."""
    return [json.loads(line) for line in Path(done.file).read_text("utf-8").splitlines()]


def round_trip(journal: Path, session: str, folder: Path) -> Restored:
    """Write a session back, import the file into another journal and into the same; compare."""
    before = talk(journal, session)
    done = put_back(journal, session, folder / "back")
    assert done.changed == ()
    report = import_all(folder / "other", Path(done.file).parent)
    assert (report.errors, report.conflicts) == ({}, 0)
    left = done.left_out
    if not left:
        assert talk(folder / "other", session) == before
    else:
        assert done.messages == len(before) - sum(left.values())
        assert [said for said in before if said in talk(folder / "other", session)] == talk(
            folder / "other", session
        )
    again = import_all(journal, Path(done.file).parent)
    assert (again.errors, again.conflicts) == ({}, 0)
    assert talk(journal, session) == before
    return done


@pytest.mark.parametrize("source", ["claude_code", "codex"])
@pytest.mark.slow
def test_every_made_up_session_comes_back(tmp_path: Path, source: str) -> None:
    """Texts, roles, order, tools and ids are the same in another journal, and in the same one."""
    journal = tmp_path / "j"
    import_all(journal, MADE_UP / source)
    with Projection.open(journal) as projection:
        names = [view.session for view in projection.sessions(limit=100) if view.messages]
    assert len(names) > 2
    for number, name in enumerate(names):
        round_trip(journal, name, tmp_path / str(number))


@REAL
@pytest.mark.slow
@pytest.mark.parametrize("source", ["claude-code", "codex"])
def test_real_sessions_come_back(tmp_path: Path, source: str) -> None:
    """The smallest real sessions of some length come back, too."""
    journal, files = tmp_path / "j", (DATA / source).rglob("*.jsonl")
    sizes = sorted((file.stat().st_size, file) for file in files)
    small = [file for size, file in sizes if size > 20_000][:2]
    for file in small:
        import_all(journal, file)
    with Projection.open(journal) as projection:
        names = [view.session for view in projection.sessions(limit=100) if view.messages]
    for number, name in enumerate(names):
        round_trip(journal, name, tmp_path / str(number))


def test_a_file_of_claude_code_has_a_chain_without_gaps(journal_dir: Path, tmp_path: Path) -> None:
    """Each line names its session and folder, and a parent that is above it, or none."""
    use = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
    thought = {"type": "thinking", "thinking": "List.", "signature": "c2ln"}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "a b", "is_error": False}
    more: dict[str, Any] = {"sessionId": UUIDS[0], "cwd": "/w/my app", "version": "2.1.0"}
    lines = [
        {**claude(UUIDS[5], None, "", 0, **more), "type": "progress", "data": {}},
        claude(UUIDS[1], UUIDS[5], "list the files", 1, **more),
        {**claude(UUIDS[2], UUIDS[1], "", 2, **more), "type": "progress", "data": {}},
        claude(UUIDS[3], UUIDS[2], [thought, use], 3, type="assistant", **more),
        claude(UUIDS[4], UUIDS[3], [result], 4, toolUseResult={"stdout": "a b and c"}, **more),
    ]
    write(tmp_path / "in" / f"{UUIDS[0]}.jsonl", lines)
    import_all(journal_dir, tmp_path / "in")
    done = round_trip(journal_dir, UUIDS[0], tmp_path)
    assert (done.source, done.messages) == ("claude-code", 3)
    (why,) = done.left_out
    assert why.startswith("whole outputs of tools"), "a person did not say them"
    assert Path(done.file).name == f"{UUIDS[0]}.jsonl"
    assert done.folder == "~/.claude/projects/-w-my-app"
    found = lines_of(done)
    assert [line["uuid"] for line in found] == [UUIDS[5], *UUIDS[1:5]]
    assert [line["parentUuid"] for line in found] == [None, UUIDS[5], *UUIDS[1:4]]
    assert {line["sessionId"] for line in found} == {UUIDS[0]}
    assert {line["cwd"] for line in found} == {"/w/my app"}
    assert found[3]["message"]["content"] == [thought, use]
    assert found[3]["version"] == "2.1.0"


def test_a_file_of_codex_begins_with_its_session(journal_dir: Path, tmp_path: Path) -> None:
    """Its items follow, and the texts of the user interface beside them."""
    meta = head()
    session = meta["payload"]["id"]
    call = {"type": "function_call", "name": "shell", "arguments": '{"command":["ls"]}'}
    lines = [
        meta,
        says(1, "list the files"),
        item(2, **call, call_id="call_1"),
        item(3, type="function_call_output", call_id="call_1", output="a b"),
        says(4, "There are two.", role="assistant"),
    ]
    write(tmp_path / "in" / f"rollout-2026-01-01T12-00-00-{session}.jsonl", lines)
    import_all(journal_dir, tmp_path / "in")
    done = round_trip(journal_dir, session, tmp_path)
    assert (done.source, done.messages, done.left_out) == ("codex", 4, {})
    assert done.folder == "~/.codex/sessions/2026/01/01"
    first, *rest = lines_of(done)
    assert first["type"] == "session_meta"
    assert {"id", "timestamp", "cwd", "originator", "cli_version"} <= first["payload"].keys()
    kinds = [line["payload"].get("type") for line in rest]
    assert kinds == [
        "message",
        "user_message",
        "function_call",
        "function_call_output",
        "message",
        "agent_message",
    ]
    assert "id" not in rest[0]["payload"]


def test_a_file_that_exists_is_not_overwritten(journal_dir: Path, tmp_path: Path) -> None:
    """The error names it."""
    write(tmp_path / "in" / "cc.jsonl", [claude("u1", None, "hello", 1)])
    import_all(journal_dir, tmp_path / "in")
    with pytest.raises(ExportFailed, match=r"cc\.jsonl exists"):
        put_back(journal_dir, "cc", tmp_path / "in")
    assert "agentJournal" not in (tmp_path / "in" / "cc.jsonl").read_text("utf-8")


def test_a_session_of_another_program_is_refused(journal_dir: Path, tmp_path: Path) -> None:
    """The error names the programs whose sessions can be written."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s1", "user", "hello", id="m1", source="cli")
    with pytest.raises(ExportFailed, match="'cli': only sessions of claude-code and codex"):
        put_back(journal_dir, "s1", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_secrets_are_redacted_on_the_way_out(journal_dir: Path, tmp_path: Path) -> None:
    """A secret that the journal has in clear is a mark in the file, and counted."""
    secret = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    write(tmp_path / "in" / "cc.jsonl", [claude("u1", None, f"use {secret}", 1)])
    import_all(journal_dir, tmp_path / "in")
    done = put_back(journal_dir, "cc", tmp_path / "back")
    assert done.redacted == 1
    text = Path(done.file).read_text("utf-8")
    assert secret not in text
    assert "[redacted:github-token:" in text
