"""Recordings of Gemini CLI and Qwen Code become messages, tool calls, results and usage."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from journal.importers.gemini_cli.parser import GeminiCli
from journal.importers.parsing.parser import Location
from journal.importers.qwen_code.parser import QwenCode
from journal.importers.registry import installed
from journal.importers.run.detect import Detector
from projector import Projection
from tests.importers.feed import facts, feed, line, messages, read_document, reasons
from tests.importers.source_lines import take, write

if TYPE_CHECKING:
    from pathlib import Path

START = "2026-01-02T09:00:00Z"
HEAD = line(sessionId="s", projectHash="ff", startTime=START)


def says(id: str, kind: str, text: str, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Write a message of a recording."""
    return line(id=id, timestamp=START, type=kind, content=text, **more)


def qwen(uuid: str, parent: str | None, text: str, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Write a user's line of Qwen Code."""
    body = {"role": "user", "parts": [{"text": text}]}
    shared = {"uuid": uuid, "parentUuid": parent, "sessionId": "s", "timestamp": START}
    return line(**{**shared, "type": "user", "message": body, **more})


def test_the_tokens_of_gemini_become_usage_without_what_was_cached() -> None:
    """The input that it counts contains the cached part, and the output no thoughts."""
    tokens = {"input": 100, "output": 7, "cached": 60, "thoughts": 5, "tool": 1, "total": 113}
    items = feed(GeminiCli, [HEAD, says("m", "gemini", "hi", model="g", tokens=tokens)])
    [(session, used)] = facts(items, "usage.added")
    assert session == "s"
    assert used == {
        "input_tokens": 41,
        "output_tokens": 12,
        "cache_read_tokens": 60,
        "reasoning_tokens": 5,
        "api_calls": 1,
        "model": "g",
        "call": "m",
        "timestamp": 1767344400000000,
    }


def test_a_message_that_is_written_again_gives_only_what_is_new() -> None:
    """A changed text revises the message; the result of a tool is a message of its own."""
    call = {"id": "c", "name": "ls", "args": {"path": "."}}
    answer = {"functionResponse": {"id": "c", "name": "ls", "response": {"error": "denied"}}}
    done = {**call, "status": "error", "result": [answer]}
    lines = [
        HEAD,
        says("m", "gemini", "par", toolCalls=[call]),
        says("m", "gemini", "parts", toolCalls=[call]),
        says("m", "gemini", "parts", toolCalls=[done]),
    ]
    items = feed(GeminiCli, lines)
    assert [(m["id"], m["role"], m.get("content")) for m in messages(items)] == [
        ("m", "assistant", "par"),
        ("c", "assistant", None),
        ("c:output", "tool", "denied"),
    ]
    assert messages(items)[2]["extra"] == {"status": "error", "is_error": True}
    assert facts(items, "message.revised") == [("s", {"message": "m", "content": "parts"})]


def test_a_list_that_is_set_replaces_the_messages_before_it(tmp_path: Path) -> None:
    """Messages that it lacks are archived, and restored by a later list that has them."""
    two = [
        {"id": id, "timestamp": START, "type": "user", "content": f"text {id}"} for id in ("a", "b")
    ]
    lines: list[object] = [HEAD, {"$set": {"messages": two}}, {"$set": {"messages": two[:1]}}]
    path = write(tmp_path / "chats" / "f.jsonl", lines)
    take(tmp_path / "j", path)
    with Projection.open(tmp_path / "j") as projection:
        assert [message.content for message in projection.messages("s")] == ["text a"]
    write(path, [*lines, {"$set": {"messages": two}}])
    take(tmp_path / "j", path)
    with Projection.open(tmp_path / "j") as projection:
        assert [message.content for message in projection.messages("s")] == ["text a", "text b"]


def test_a_rewind_to_an_unknown_message_is_reported() -> None:
    """Nothing is retracted then."""
    items = feed(GeminiCli, [HEAD, says("m", "user", "hi"), line(**{"$rewindTo": "x"})])
    assert reasons(items) == ["$rewindTo: a message that is not in the file"]
    assert facts(items, "message.archived") == []


def test_what_the_program_itself_writes_is_marked() -> None:
    """Notices, and the prompt with which Gemini goes on by itself, are no person's words."""
    lines = [HEAD, says("a", "info", "stopped"), says("b", "user", "System: Please continue.")]
    found = messages(feed(GeminiCli, lines))
    assert [(m["role"], m["meta"]) for m in found] == [
        ("system", "notification"),
        ("user", "notification"),
    ]


def test_unknown_fields_and_kinds_of_gemini_neither_stop_nor_misplace_anything() -> None:
    """Drift: they are kept in `extra`, or counted by name."""
    lines = [
        line(sessionId="s", startTime=START, colour="red"),
        line(hue=1),
        says("a", "hologram", "hm", depth=3),
        says("b", "user", "hi"),
        says("c", "gemini", ""),
    ]
    items = feed(GeminiCli, lines)
    assert [(m["content"], m.get("extra")) for m in messages(items)] == [
        ("hm", {"depth": 3, "kind": "hologram"}),
        ("hi", None),
    ]
    assert reasons(items) == ["unknown line: hue", "gemini message without content"]
    assert facts(items)[0][1]["extra"] == {"colour": "red"}


def test_a_document_whose_messages_have_roles_and_parts_is_gemini() -> None:
    """An older export of the program has no session: it is named after its file."""
    parts = [{"text": "what is this?"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]
    raw = json.dumps({"history": [{"role": "user", "parts": parts, "ts": 1767344400}]})
    [found] = messages(read_document(raw.encode(), Location("file", (), "0badcafe")))
    assert found["session"] == "file-0badcafe"
    assert found["content"] == [{"type": "text", "text": "what is this?"}, parts[1]]


def test_a_branch_of_qwen_is_left_and_continued(tmp_path: Path) -> None:
    """Returning to a branch that was left restores it, and archives the other one."""
    lines = [qwen("1", None, "one"), qwen("2", "1", "two"), qwen("3", "1", "three")]
    path = write(tmp_path / "f.jsonl", lines)
    take(tmp_path / "j", path)
    with Projection.open(tmp_path / "j") as projection:
        assert [message.content for message in projection.messages("s")] == ["one", "three"]
    write(path, [*lines, qwen("4", "2", "four")])
    take(tmp_path / "j", path)
    with Projection.open(tmp_path / "j") as projection:
        assert [message.content for message in projection.messages("s")] == ["one", "two", "four"]


def test_unknown_lines_of_qwen_are_counted_by_name() -> None:
    """Drift: a kind that is not known, and a system line of an unknown subtype."""
    lines = [
        qwen("1", None, "one", surprise={"deep": 1}),
        qwen("2", "1", "x", type="thought_bubble"),
        line(type="system", subtype="weather", sessionId="s", systemPayload={}),
        qwen("3", "2", "three", subtype="notification"),
    ]
    items = feed(QwenCode, lines)
    assert [(m["content"], m.get("meta")) for m in messages(items)] == [
        ("one", None),
        ("three", "notification"),
    ]
    assert reasons(items) == ["thought_bubble line", "system/weather"]


def test_a_recording_of_qwen_is_not_taken_for_claude_code() -> None:
    """Both have the same envelope, with parts in place of content."""
    found = read_lines_format(qwen("1", None, "one"))
    assert found == "qwen-code"


def read_lines_format(raw: bytes) -> str | None:
    """Return the format that is detected for one line."""
    return Detector(installed().formats).detect(io.BytesIO(raw + b"\n"), name="f.jsonl").format
