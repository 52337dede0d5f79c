"""Copilot CLI: answers, tools, notices, and what was used, from its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.importers.copilot_cli.parser import CopilotCLI
from tests.importers.feed import contents, facts, feed, line, messages, reasons
from tests.importers.source_lines import stamp, take, write

if TYPE_CHECKING:
    from pathlib import Path

SESSION = "cccccccc-0000-4000-8000-000000000001"


def event(second: float, type: str, **data: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Return a line."""
    return line(type=type, id=f"e{second}", timestamp=stamp(second), parentId=None, data=data)


REQUEST = {"toolCallId": "t1", "name": "bash", "arguments": {"command": "ls"}}
LINES = [
    event(
        0,
        "session.start",
        sessionId=SESSION,
        startTime=stamp(0),
        selectedModel="m-1",
        copilotVersion="1.0.70",
        context={"cwd": "/w", "branch": "main", "headCommit": "abc"},
    ),
    event(1, "system.message", role="system", content="You are an assistant."),
    event(
        2,
        "user.message",
        content="List it",
        transformedContent="List it <now>",
        attachments=[{"type": "file", "displayName": "a.txt", "path": "/w/a.txt"}],
    ),
    event(
        3,
        "assistant.message",
        content="",
        reasoningText="A tool.",
        model="m-1",
        outputTokens=12,
        apiCallId="api-1",
        toolRequests=[REQUEST],
    ),
    event(4, "tool.execution_start", toolCallId="t1", toolName="bash", arguments={}),
    event(5, "tool.execution_complete", toolCallId="t1", success=True, result={"content": "a"}),
    event(6, "tool.execution_start", toolCallId="t2", toolName="view", arguments={"p": 1}),
    event(7, "tool.execution_complete", toolCallId="t2", success=False, error={"message": "no"}),
    event(8, "system.notification", content="A shell ended", kind={"type": "shell"}),
    event(9, "assistant.message", content="One.", model="m-1", outputTokens=3, new={"deep": [1]}),
    event(10, "session.hologram", content="a kind of tomorrow"),
    event(
        11,
        "session.shutdown",
        modelMetrics={
            "m-1": {
                "usage": {
                    "inputTokens": 100,
                    "outputTokens": 20,
                    "cacheReadTokens": 60,
                    "cacheWriteTokens": 10,
                }
            }
        },
    ),
]


def test_answers_tools_and_notices_are_messages_in_order() -> None:
    """A call that no answer names comes before its result; an unknown kind is counted by name."""
    items = feed(CopilotCLI, LINES, "events")
    found = messages(items)
    assert [(one["role"], one.get("content"), one.get("meta")) for one in found] == [
        ("system", "You are an assistant.", "instructions"),
        (
            "user",
            [
                {"type": "text", "text": "List it"},
                {"type": "file", "name": "a.txt", "path": "/w/a.txt"},
            ],
            None,
        ),
        ("assistant", None, None),
        ("tool", "a", None),
        ("assistant", None, None),
        ("tool", "no", None),
        ("system", "A shell ended", "notification"),
        ("assistant", "One.", None),
    ]
    assert {one["session"] for one in found} == {SESSION}
    function = {"name": "bash", "arguments": '{"command":"ls"}'}
    assert found[2]["tool_calls"] == [{"id": "t1", "type": "function", "function": function}]
    assert found[2]["reasoning"] == "A tool."
    assert (found[3]["tool_name"], found[3]["extra"]) == ("bash", {"is_error": False})
    assert found[4]["tool_calls"][0]["function"]["name"] == "view"
    assert (found[5]["tool_name"], found[5]["extra"]) == ("view", {"is_error": True})
    assert "session.hologram" in reasons(items)
    created = dict(facts(items)[0][1])
    assert (created["cwd"], created["branch"], created["commit"]) == ("/w", "main", "abc")


def test_the_sum_at_the_end_counts_what_the_answers_do_not_say() -> None:
    """15 of 20 output tokens are those of answers; input is without what a cache gave."""
    used = [data for _, data in facts(feed(CopilotCLI, LINES, "events"), "usage.added")]
    assert [data.get("output_tokens") for data in used] == [12, 3, 5]
    assert [data["call"] for data in used] == ["api-1", "e9", "shutdown:m-1"]
    assert (used[2]["input_tokens"], used[2]["cache_read_tokens"]) == (30, 60)


def test_the_beginning_of_a_session_gives_the_same_events() -> None:
    """A file that grows adds events, and changes none."""
    whole = contents(feed(CopilotCLI, LINES, "events"))
    for count in range(len(LINES)):
        if count != 7:  # a call whose result is not there yet, at the end of a file
            found = contents(feed(CopilotCLI, LINES[:count], "events"))
            assert found.items() <= whole.items()


def test_a_session_is_found_by_its_folder_and_imported_once(tmp_path: Path) -> None:
    """`auto` finds the format; the second import appends nothing."""
    file = write(tmp_path / SESSION / "events.jsonl", LINES)
    first = take(tmp_path / "j", file)
    assert (first.messages, first.errors, first.conflicts) == (8, {}, 0)
    second = take(tmp_path / "j", file)
    assert (second.messages, second.events) == (0, 0)


def test_reasoning_that_is_an_event_of_its_own_is_kept_once() -> None:
    """It is that of the answer after it, or a message where the turn ends without an answer."""
    lines = [
        event(1, "assistant.reasoning", content="It is hot."),
        event(2, "assistant.message", content="Hot.", reasoningText="It is hot."),
        event(3, "assistant.reasoning", content="It is cold."),
        event(4, "assistant.message", content="Cold.", reasoningOpaque="x"),
        event(5, "assistant.reasoning", content="It is late."),
        event(6, "assistant.turn_end", turnId="0"),
        event(7, "assistant.reasoning", content="It goes on."),
    ]
    items = feed(CopilotCLI, [LINES[0], *lines], "events")
    assert [(one.get("reasoning"), one.get("content")) for one in messages(items)] == [
        ("It is hot.", "Hot."),
        ("It is cold.", "Cold."),
        ("It is late.", None),
    ]
    assert reasons(items)[-1] == "assistant.reasoning, its answer has not followed"
