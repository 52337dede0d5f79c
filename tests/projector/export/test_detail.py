"""Levels of detail: what each leaves out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from journal import Journal
from tests.projector.export.conftest import LONG, call
from tests.projector.export.test_export import exported

if TYPE_CHECKING:
    from pathlib import Path


def messages(path: Path, detail: str, session: str = "talk") -> list[dict[str, Any]]:
    """Return the messages of a session at a level of detail."""
    lines = exported(path, "jsonl", session, detail=detail).splitlines()
    return [json.loads(line) for line in lines]


def test_full_leaves_nothing_out(talk: Path) -> None:
    """Outputs are whole, and thinking is there."""
    found = messages(talk, "full")
    assert found[1]["reasoning"] == "It may be the daemon."
    assert found[2]["content"] == LONG
    assert found[7]["content"][0] == {"type": "thinking", "thinking": "hm"}


def test_normal_shortens_outputs_and_arguments(talk: Path) -> None:
    """The middle of a long text is left out, by a line that says how much; JSON stays JSON."""
    found = messages(talk, "normal")
    assert len(found) == 8
    assert "reasoning" not in found[1]
    assert found[1]["content"] == "Let me look."
    arguments = json.loads(found[1]["tool_calls"][1]["function"]["arguments"])
    assert arguments["path"] == "a.py"
    assert "left out" in arguments["text"]
    assert len(arguments["text"]) < 2_100
    assert found[2]["content"].startswith("line 0 of a long output\n")
    assert "\n… 185 lines, 4,721 bytes left out …\n" in found[2]["content"]
    assert found[2]["content"].endswith("line 199 of a long output\n")
    assert found[7]["content"] == [{"type": "text", "text": "It is a city."}]


def test_normal_leaves_out_a_message_that_is_thinking_alone(journal_dir: Path) -> None:
    """A message that was empty before stays."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "assistant", None, id="thought", reasoning="hm")
        journal.append_message("s", "assistant", [{"type": "thinking", "thinking": "hm"}], id="t2")
        journal.append_message("s", "assistant", None, id="empty")
        journal.append_message("s", "assistant", None, id="call", tool_calls=[call("c", "x", "")])
    assert [message["id"] for message in messages(journal_dir, "normal", "s")] == ["empty", "call"]


def test_normal_shortens_results_in_parts(journal_dir: Path) -> None:
    """Results in the content of another message are shortened, what people wrote is not."""
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [{"text": LONG}]}
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", [result, {"type": "text", "text": LONG}], id="m1")
    parts = messages(journal_dir, "normal", "s")[0]["content"]
    assert "left out" in parts[0]["content"][0]["text"]
    assert parts[1]["text"] == LONG


def test_prompts_are_what_people_typed_and_the_final_answers(talk: Path) -> None:
    """Without calls, thinking, results, and what machines wrote; an image is there."""
    found = messages(talk, "prompts")
    assert [message["id"] for message in found] == ["m1", "m6", "m7", "m8"]
    assert found[2]["content"][0]["type"] == "image"
    assert found[3]["content"] == [{"type": "text", "text": "It is a city."}]


def test_an_answer_with_calls_is_final_if_no_other_has_words(journal_dir: Path) -> None:
    """Its calls are left out; the task of a sub-agent is a prompt."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "do it", id="m1", meta="task")
        calls = [call("c1", "x", "{}")]
        journal.append_message("s", "assistant", "I do", id="m2", tool_calls=calls)
        journal.append_message("s", "tool", "done", id="m3", tool_call_id="c1")
        journal.append_message("s", "assistant", None, id="m4", tool_calls=calls)
    found = messages(journal_dir, "prompts", "s")
    assert [message["id"] for message in found] == ["m1", "m2"]
    assert "tool_calls" not in found[1]
