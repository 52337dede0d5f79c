"""Sessions of Grok Build, DeepSeek's harness and Antigravity become messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.antigravity.parser import Antigravity
from journal.importers.deepseek.parser import DeepSeek
from journal.importers.grok.parser import Grok
from tests.importers.feed import feed, journal_events, line, messages, reasons
from tests.importers.source_lines import take, write

if TYPE_CHECKING:
    from pathlib import Path


def test_the_summary_of_grok_names_session_title_and_branch(tmp_path: Path) -> None:
    """Where it counts messages of the history, what the program showed is not read again."""
    said = {"type": "assistant", "content": "hi", "model_id": "grok"}
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "hi"}}
    shown = {"timestamp": 1784278802, "params": {"update": update}}
    about = {
        "info": {"id": "s", "cwd": "/w"},
        "generated_title": "T",
        "created_at": "2026-01-01T09:00:00Z",
        "head_branch": "b",
        "parent_session_id": "p",
        "num_chat_messages": 1,
    }
    write(tmp_path / "g" / "summary.json", [about])
    history = write(tmp_path / "g" / "chat_history.jsonl", [said])
    updates = write(tmp_path / "g" / "updates.jsonl", [shown])
    report = take(tmp_path / "j", history, updates)
    assert report.messages == 1
    assert report.skipped == {"update that is also in chat_history.jsonl": 1}
    created = [data for *_, type, data in journal_events(tmp_path / "j") if "title" in data]
    assert (created[0]["branch"], created[0]["parent"], created[0]["relation"]) == (
        "b",
        "p",
        "subagent",
    )


def test_what_grok_showed_is_read_without_a_history() -> None:
    """Drift: kinds of updates and lines that are not known are counted."""
    update = {"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": "hm"}}
    lines = [
        line(timestamp=1784278802, params={"update": update}),
        line(timestamp=1784278803, params={"update": {"sessionUpdate": "plan"}}),
        line(type="hologram"),
    ]
    items = feed(Grok, lines)
    assert [m["reasoning"] for m in messages(items)] == ["hm"]
    assert reasons(items) == ["plan update", "hologram line"]


def test_pieces_of_an_answer_of_deepseek_count_only_without_its_message() -> None:
    """They become a message when the next prompt comes; those at the end may go on."""
    piece = {"turn": 1, "step": 1, "chunk": {"type": "text-delta", "text": "cut"}}
    prompt = {"content": "go on", "source": {"kind": "user"}}
    lines = [
        line(type="assistant/chunk", seq=1, time=1768467601500, data=piece),
        line(type="user/message", seq=2, time=1768467602500, data=prompt),
        line(type="assistant/chunk", seq=3, time=1768467603500, data={**piece, "turn": 2}),
        line(type="storm/begin", seq=4, data={}),
    ]
    items = feed(DeepSeek, lines)
    assert [(m["content"], m.get("finish_reason")) for m in messages(items)] == [
        ("cut", "interrupted"),
        ("go on", None),
    ]
    assert reasons(items)[-2:] == ["storm/begin event", "pieces of an answer that has not ended"]


def test_a_request_of_antigravity_is_freed_of_its_tags() -> None:
    """Drift: a source that is not known is kept as a notice."""
    text = "<USER_REQUEST>go<ADDITIONAL_METADATA>{}</ADDITIONAL_METADATA></USER_REQUEST>"
    lines = [
        line(source="USER_EXPLICIT", created_at="2026-01-16T09:00:00Z", content=text),
        line(source="MARS", created_at="2026-01-16T09:00:01Z", content="hello", hue=1),
        line(source="MODEL", type="PLANNER_RESPONSE", created_at="2026-01-16T09:00:01Z"),
    ]
    items = feed(Antigravity, lines)
    first, second = messages(items)
    assert [part["text"] for part in first["content"]] == [
        "go",
        "<ADDITIONAL_METADATA>{}</ADDITIONAL_METADATA>",
    ]
    assert first["content"][1]["meta"] == "environment"
    assert (second["role"], second["meta"]) == ("system", "notification")
    assert reasons(items) == ["MODEL PLANNER_RESPONSE without content"]
