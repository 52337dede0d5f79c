"""Tasks of Cline of which only the entries of the user interface are left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from projector import Projection
from tests.importers.feed import journal_events
from tests.support.transcripts import import_all

if TYPE_CHECKING:
    from pathlib import Path

TASK = "1767225600000"
STARTED = int(TASK)
USED = {"tokensIn": 90, "tokensOut": 4, "cacheReads": 10, "cacheWrites": 0, "cost": 0.5}


def says(second: int, kind: str, text: object = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return an entry; a text that is no string is JSON."""
    words = text if isinstance(text, str | None) else json.dumps(text)
    return {"ts": STARTED + second * 1000, "type": "say", "say": kind, "text": words, **more}


ENTRIES = [
    says(0, "task", "Paint the shed.", images=["data:image/png;base64,aQ=="], files=["/w/plan"]),
    says(1, "api_req_started", USED),
    says(2, "reasoning", "Which colour?"),
    says(3, "text", "I paint it green."),
    {**says(4, "", {"tool": "readFile", "path": "shed.txt"}), "say": None, "ask": "tool"},
    says(5, "command", "make paint"),
    says(6, "command_output", "done"),
    {**says(7, "", {"question": "More?", "options": ["a", "b"]}), "say": None, "ask": "followup"},
    says(8, "user_feedback", "No more."),
    says(9, "error", "out of paint"),
    says(10, "text", "half a wo", partial=True),
    says(11, "checkpoint_created", "abc"),
    says(12, "completion_result", "Painted."),
    {**says(13, ""), "say": None, "ask": "completion_result"},
    "no entry",
]


def written(folder: Path, entries: list[Any]) -> Path:
    """Write a task of Cline without its conversation."""
    task = folder / "saoudrizwan.claude-dev" / "tasks" / TASK
    task.mkdir(parents=True, exist_ok=True)
    (task / "ui_messages.json").write_text(json.dumps(entries))
    (task / "history_item.json").write_text(json.dumps({"task": "Paint", "cwd": "/w"}))
    return task


def test_a_task_with_its_user_interface_alone_is_read(tmp_path: Path, journal_dir: Path) -> None:
    """Each entry that someone said is a message at its own time; the rest is counted by kind."""
    written(tmp_path, ENTRIES)
    report = import_all(journal_dir, tmp_path)
    assert (report.errors, report.conflicts) == ({}, 0)
    with Projection.open(journal_dir) as projection:
        (session,) = projection.sessions()
        found = projection.messages(TASK)
    assert (session.title, session.source) == ("Paint", "cline")
    assert (session.usage["input_tokens"], session.usage["cache_read_tokens"]) == (90, 10)
    assert [(m.role, m.content) for m in found if m.content] == [
        (
            "user",
            [
                {"type": "text", "text": "Paint the shed."},
                {"type": "image", "url": "data:image/png;base64,aQ=="},
                {"type": "file", "name": "/w/plan"},
            ],
        ),
        ("assistant", "I paint it green."),
        ("tool", "done"),
        ("assistant", "More?\n- a\n- b"),
        ("user", "No more."),
        ("system", "out of paint"),
        ("assistant", "Painted."),
    ]
    assert found[1].fields["reasoning"] == "Which colour?"
    calls = [call["function"] for m in found for call in m.fields.get("tool_calls", ())]
    assert calls == [
        {"name": "readFile", "arguments": '{"path":"shed.txt"}'},
        {"name": "execute_command", "arguments": '{"command":"make paint"}'},
    ]
    (result,) = [m for m in found if m.role == "tool"]
    assert result.fields["tool_call_id"] == found[4].fields["tool_calls"][0]["id"]
    assert [m.time for m in found] == [(STARTED + n * 1000) * 1000 for n in (0, *range(2, 10), 12)]
    assert dict(report.skipped) == {
        "entry of the user interface, unfinished": 1,
        "checkpoint_created entry of the user interface": 1,
        "completion_result entry without a text": 1,
        "beside sessions of cline: index or settings": 1,
        "no kind entry of the user interface": 1,
    }


def test_a_task_whose_entries_are_rewritten_is_revised(tmp_path: Path, journal_dir: Path) -> None:
    """A task that grows gives no conflict, and nothing twice."""
    written(tmp_path, ENTRIES[:6])
    import_all(journal_dir, tmp_path)
    changed = [*ENTRIES[:5], says(5, "command", "make all"), *ENTRIES[6:]]
    written(tmp_path, changed)
    report = import_all(journal_dir, tmp_path)
    assert report.conflicts == 0
    again = import_all(journal_dir, tmp_path)
    assert (again.messages, again.events) == (0, 0)
    with Projection.open(journal_dir) as projection:
        calls = [
            call["function"]["arguments"]
            for m in projection.messages(TASK)
            for call in m.fields.get("tool_calls", ())
        ]
    assert calls == ['{"path":"shed.txt"}', '{"command":"make all"}']


def test_a_user_interface_beside_a_conversation_gives_no_message(
    tmp_path: Path, journal_dir: Path
) -> None:
    """A task without an answer waits: its program writes the conversation before the answer."""
    task = written(tmp_path, ENTRIES[:2])
    report = import_all(journal_dir, tmp_path)
    assert "user interface without an answer: the rest may follow" in report.skipped
    assert journal_events(journal_dir) == []
    said = [{"role": "user", "content": "Paint the shed."}, {"role": "assistant", "content": "Ok"}]
    (task / "api_conversation_history.json").write_text(json.dumps(said))
    written(tmp_path, ENTRIES)
    report = import_all(journal_dir, tmp_path)
    assert "user interface, read with the conversation beside it" in report.skipped
    assert report.messages == 2
