"""Chats of VS Code: a snapshot and a log of operations give the same events."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from journal.importers.parsing.parser import Location
from journal.importers.vscode_chat.chat import ChatLog
from tests.importers.feed import contents, facts, feed, line, messages, read_document, reasons
from tests.importers.source_lines import take, write

if TYPE_CHECKING:
    from pathlib import Path

NOON = 1_770_000_000_000
FIRST: dict[str, Any] = {
    "requestId": "r1",
    "responseId": "p1",
    "timestamp": NOON + 1000,
    "modelId": "copilot/m-1",
    "message": {"text": "List it", "parts": []},
    "variableData": {"variables": [{"kind": "file", "name": "a", "value": {"fsPath": "/w/a"}}]},
    "agent": {"id": "agent"},
    "response": [
        {"kind": "thinking", "value": "A tool."},
        {"value": "I look at "},
        {"kind": "inlineReference", "inlineReference": {"fsPath": "/w/a"}},
        {
            "kind": "toolInvocationSerialized",
            "toolId": "runInTerminal",
            "toolCallId": "t1",
            "pastTenseMessage": {"value": "Ran it"},
            "toolSpecificData": {"commandLine": {"original": "ls"}},
        },
        {"value": "One file."},
        {"kind": "textEditGroup", "uri": {"fsPath": "/w/b"}, "edits": []},
        {"kind": "hologram", "x": 1},
    ],
    "result": {"metadata": {"promptTokens": 80, "outputTokens": 9, "resolvedModel": "m-1"}},
    "new": {"deep": [1]},
}
SECOND: dict[str, Any] = {
    "requestId": "r2",
    "timestamp": NOON + 2000,
    "message": {"text": "And now?"},
    "response": [{"value": "Nothing."}],
    "result": {},
    "isCanceled": True,
}
CHAT: dict[str, Any] = {
    "version": 3,
    "sessionId": "chat-1",
    "creationDate": NOON,
    "customTitle": "A list",
    "requests": [FIRST, SECOND],
}


def log() -> list[bytes]:
    """Return the same chat as a log: the first answer comes in pieces."""
    first = copy.deepcopy(FIRST)
    answer, result = first.pop("response"), first.pop("result")
    return [
        line(kind=0, v={**CHAT, "customTitle": None, "requests": []}),
        line(kind=2, k=["requests"], v=[{**first, "response": []}]),
        line(kind=2, k=["requests", 0, "response"], v=answer[:2]),
        line(kind=2, k=["requests", 0, "response"], v=[*answer[1:]], i=1),
        line(kind=1, k=["requests", 0, "result"], v=result),
        line(kind=1, k=["customTitle"], v="A list"),
        line(kind=2, k=["requests"], v=[SECOND]),
        line(kind=1, k=["inputState", "x"], v=1),
    ]


def snapshot() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the events of the snapshot."""
    return contents(read_document(json.dumps(CHAT).encode(), Location("chat-1")))


def test_a_request_has_its_prompt_its_answer_and_its_tools_in_order() -> None:
    """What follows a tool is a message of its own; an unknown kind is counted."""
    items = read_document(json.dumps(CHAT).encode(), Location("chat-1"))
    found = messages(items)
    assert [(one["role"], one["content"]) for one in found] == [
        (
            "user",
            [
                {"type": "text", "text": "List it"},
                {"type": "file", "name": "a", "path": "/w/a", "kind": "file"},
            ],
        ),
        ("assistant", "I look at `/w/a`"),
        ("tool", "Ran it"),
        ("assistant", [{"type": "edit", "path": "/w/b"}, {"type": "text", "text": "One file."}]),
        ("user", "And now?"),
        ("assistant", "Nothing."),
    ]
    function = {"name": "runInTerminal", "arguments": '{"command":"ls"}'}
    assert found[1]["tool_calls"] == [{"id": "t1", "type": "function", "function": function}]
    assert (found[1]["reasoning"], found[1]["model"]) == ("A tool.", "m-1")
    assert "response hologram" in reasons(items)
    assert [title for _, title in facts(items, "session.titled")] == [{"title": "A list"}]
    (used,) = [data for _, data in facts(items, "usage.added")]
    assert (used["input_tokens"], used["output_tokens"], used["call"]) == (80, 9, "r1")


def test_a_log_of_operations_gives_the_events_of_the_snapshot() -> None:
    """Also where an answer was written in pieces; an operation on nothing is counted."""
    items = feed(ChatLog, log(), "chat-1")
    assert contents(items) == snapshot()
    assert reasons(items).count("operation on something that is not there") == 1


def test_the_beginning_of_a_log_gives_the_same_events() -> None:
    """An answer is read when it is complete."""
    for count in range(len(log())):
        parser = ChatLog(Location("chat-1"))
        items = [
            item
            for number, raw in enumerate(log()[:count], 1)
            for item in parser.value(number, json.loads(raw), raw)
        ]
        assert contents(items).items() <= snapshot().items()


def test_a_request_that_was_undone_is_archived() -> None:
    """The list of requests is cut before the new one is added."""
    redo = {**SECOND, "requestId": "r3", "message": {"text": "Again"}}
    items = feed(ChatLog, [*log(), line(kind=2, k=["requests"], v=[redo], i=1)], "chat-1")
    (archived,) = [data for _, data in facts(items, "message.archived")]
    assert archived["messages"] == ["r2", "r2:response"]
    assert messages(items)[-2]["content"] == "Again"


def test_both_forms_are_detected_and_imported_once(tmp_path: Path) -> None:
    """The second import appends nothing, and the other form changes nothing."""
    document = tmp_path / "chat-1.json"
    document.write_text(json.dumps(CHAT))
    operations = write(tmp_path / "chat-1.jsonl", log())
    first = take(tmp_path / "j", document)
    assert (first.messages, first.errors) == (6, {})
    second = take(tmp_path / "j", document, operations)
    assert (second.conflicts, second.errors) == (0, {})
