"""Claude Code's transcripts become messages in the order of the session."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.importers.claude_code.parser import ClaudeCode
from journal.importers.parsing.parser import Location
from tests.importers.feed import contents, facts, feed, line, messages, reasons

NOON = "2026-01-02T12:00:00.250Z"
NOON_MICROS = 1767355200_250000


def user_line(uuid: str, content: object, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Write a user's line."""
    fields = {"parentUuid": None, "sessionId": "s1", "type": "user", "timestamp": NOON}
    return line(**fields | {"uuid": uuid, "message": {"role": "user", "content": content}} | more)


def assistant_line(uuid: str, content: object, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Write an assistant's line; `model`, `usage`, `stop_reason`, `id` go into its message."""
    inner = {
        name: more.pop(name)
        for name in ("model", "usage", "stop_reason", "id", "role") & more.keys()
    }
    fields = {"parentUuid": "u1", "sessionId": "s1", "type": "assistant", "timestamp": NOON}
    body = {"role": "assistant", "content": content, **inner}
    return line(**fields | {"uuid": uuid, "message": body} | more)


def test_a_user_line_is_a_message_with_its_own_id_time_and_parent() -> None:
    """The line's uuid is the id; working directory and branch are stored with it."""
    raw = user_line("u1", "hello", parentUuid="gone", cwd="/w", gitBranch="main", version="2.1")
    assert messages(feed(ClaudeCode, [raw])) == [
        {
            "session": "s1",
            "id": "u1",
            "role": "user",
            "content": "hello",
            "timestamp": NOON_MICROS,
            "parent": "gone",
            "source": "claude-code",
            "extra": {"cwd": "/w", "git_branch": "main", "version": "2.1"},
        }
    ]


def test_one_api_message_over_several_lines_stays_in_order() -> None:
    """Each line is a message; all have the API's id, and their parts are not changed."""
    thinking = {"type": "thinking", "thinking": "hm", "signature": "x"}
    call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
    usage = {"input_tokens": 3, "output_tokens": 7, "service_tier": "standard"}
    lines = [
        assistant_line("a1", [thinking], id="msg_1", model="m-1", usage=usage),
        assistant_line(
            "a2", [call], id="msg_1", model="m-1", stop_reason="tool_use", parentUuid="a1"
        ),
    ]
    first, second = messages(feed(ClaudeCode, lines))
    assert first["content"] == [thinking]
    function = {"name": "Bash", "arguments": '{"command":"ls"}'}
    assert second["tool_calls"] == [{"id": "t1", "type": "function", "function": function}]
    assert "content" not in second, "the call is in `tool_calls`, and must not be stored twice"
    assert (first["token_count"], first["model"]) == (7, "m-1")
    assert first["extra"]["usage"] == {"input_tokens": 3, "output_tokens": 7}
    assert first["extra"]["api_message_id"] == second["extra"]["api_message_id"] == "msg_1"
    assert (second["parent"], second["finish_reason"]) == ("a1", "tool_use")


@pytest.mark.parametrize(
    ("parts", "role", "call"),
    [
        ([{"type": "tool_result", "tool_use_id": "t1", "content": "ok"}], "tool", "t1"),
        (
            [
                {"type": "tool_result", "tool_use_id": "t1", "content": "ok"},
                {"type": "tool_result", "tool_use_id": "t2", "content": "ok"},
            ],
            "tool",
            None,
        ),
        (
            [
                {"type": "tool_result", "tool_use_id": "t1", "content": "ok"},
                {"type": "text", "text": "and go on"},
            ],
            "user",
            None,
        ),
        (["bare text"], "user", None),
        ([], "user", None),
    ],
)
def test_a_line_with_only_results_has_the_role_tool(
    parts: list[object], role: str, call: str | None
) -> None:
    """A user line with only tool results is a tool's message; a single result names its call."""
    (found,) = messages(feed(ClaudeCode, [user_line("u1", parts)]))
    assert (found["role"], found.get("tool_call_id"), found["content"]) == (role, call, parts)


def test_a_message_does_not_depend_on_the_lines_before_it() -> None:
    """Only the call has the tool's name, so a line gives the same event in any slice."""
    call = assistant_line("a1", [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}])
    result = user_line("u2", [{"type": "tool_result", "tool_use_id": "t1", "content": "ok"}])
    together = messages(feed(ClaudeCode, [call, result]))[1]
    assert messages(feed(ClaudeCode, [result])) == [together]


def test_the_session_has_its_first_folder_and_model() -> None:
    """Folder and model are those of the first message; later changes do not count."""
    lines = [
        line(type="progress", uuid="p", parentUuid=None, sessionId="s1", cwd="/w", data={}),
        user_line("u1", "hello", parentUuid="p", cwd="/w"),
        assistant_line("a0", "no", model="<synthetic>"),
        assistant_line("a1", "aside", model="small", isSidechain=True),
        assistant_line("a2", "hi", model="m-1"),
        assistant_line("a3", "again", model="m-2", cwd="/elsewhere"),
    ]
    assert facts(feed(ClaudeCode, lines)) == [
        ("s1", {"source": "claude-code"}),
        ("s1", {"cwd": "/w"}),
        ("s1", {"model": "m-1"}),
    ]
    assert facts(feed(ClaudeCode, lines[1:])) == [("s1", {"source": "claude-code"})]


def test_a_compaction_does_not_start_another_conversation() -> None:
    """The boundary has no parent either, but it names the message before it."""
    lines = [
        line(
            type="system",
            subtype="compact_boundary",
            content="Conversation compacted",
            uuid="b",
            parentUuid=None,
            logicalParentUuid="u0",
            sessionId="s1",
            cwd="/later",
            compactMetadata={"trigger": "auto"},
        ),
        user_line("u1", "Summary of before", parentUuid="b", isCompactSummary=True),
    ]
    items = feed(ClaudeCode, lines)
    assert facts(items) == [("s1", {"source": "claude-code"})]
    boundary, summary = messages(items)
    assert (boundary["role"], boundary["content"]) == ("system", "Conversation compacted")
    assert boundary["extra"] == {
        "cwd": "/later",
        "subtype": "compact_boundary",
        "logical_parent": "u0",
        "compaction": {"trigger": "auto"},
    }
    assert summary["extra"] == {"compact_summary": True}


def test_a_summary_is_the_title_of_its_messages_session_only() -> None:
    """Claude Code writes summaries of other sessions at the top of a file; they are not used."""
    lines = [
        line(type="summary", summary="Somebody else's", leafUuid="other"),
        user_line("u1", "hello"),
        line(type="summary", summary="Greeting", leafUuid="u1"),
    ]
    items = feed(ClaudeCode, lines)
    assert facts(items, "session.titled") == [("s1", {"title": "Greeting"})]
    assert reasons(items) == ["summary of a message that is not in this file"]


def test_the_users_own_title_is_kept() -> None:
    """A title that the program made later does not replace the user's."""
    lines = [
        line(type="ai-title", sessionId="s1", aiTitle="Made up"),
        line(type="custom-title", sessionId="s1", customTitle="Mine"),
        line(type="ai-title", sessionId="s1", aiTitle="Made up again"),
        user_line("u1", "hello"),
        line(type="summary", summary="Greeting", leafUuid="u1"),
    ]
    titles = [data["title"] for _, data in facts(feed(ClaudeCode, lines), "session.titled")]
    assert titles == ["Made up", "Mine"]


def test_a_sub_agent_has_its_own_session() -> None:
    """Its lines are not in the conversation that started it, which is its parent session."""
    agent = "a0ad4f44468bdf20d"
    lines = [
        user_line("c1", "find it", agentId=agent, isSidechain=True, cwd="/w"),
        assistant_line("c2", "found", agentId=agent, isSidechain=True, model="m-1"),
    ]
    items = feed(ClaudeCode, lines)
    assert {found["session"] for found in messages(items)} == {f"agent-{agent}"}
    assert facts(items) == [
        (
            f"agent-{agent}",
            {
                "source": "claude-code",
                "parent": "s1",
                "extra": {"agent_id": agent},
                "relation": "subagent",
            },
        ),
        (f"agent-{agent}", {"cwd": "/w"}),
        (f"agent-{agent}", {"model": "m-1"}),
    ]


def test_a_line_that_is_no_sidechain_is_of_its_session_although_it_names_an_agent() -> None:
    """What a person wrote there is a person's, and a rewind takes it back."""
    named: dict[str, Any] = {"agentId": "a0ad4f44468bdf20d", "isSidechain": False}
    lines = [
        user_line("c1", "find it", **named),
        assistant_line("c2", "found", parentUuid="c1", **named),
        user_line("c3", "again", parentUuid="c2", **named),
        user_line("c4", "instead", parentUuid="c2", **named),
    ]
    items = feed(ClaudeCode, lines)
    assert {found["session"] for found in messages(items)} == {"s1"}
    assert facts(items)[0] == ("s1", {"source": "claude-code"})
    assert not any("meta" in found for found in messages(items))
    assert [data["messages"] for _, data in facts(items, "message.archived")] == [["c3"]]


def test_short_agent_ids_are_unique_across_sessions() -> None:
    """Eight digits are not unique among all sessions, so the session's id is added."""
    lines = [
        user_line("c1", "x", agentId="0a1b2c3d", sessionId="s1"),
        user_line("c1", "x", agentId="0a1b2c3d", sessionId="s2"),
    ]
    found = messages(feed(ClaudeCode, lines))
    assert [m["session"] for m in found] == ["agent-0a1b2c3d-s1", "agent-0a1b2c3d-s2"]


def test_an_agent_in_its_own_folder_has_the_parent_of_its_folder() -> None:
    """Newer files have the agent as their session; the folder above names the parent."""
    parser = ClaudeCode(Location("agent-x", ("subagents", "s9"), ""))
    value = {
        "type": "user",
        "uuid": "c1",
        "agentId": "x" * 17,
        "sessionId": f"agent-{'x' * 17}",
        "message": {"role": "user", "content": "x"},
    }
    about = {"agent_id": "x" * 17}
    data = {"source": "claude-code", "parent": "s9", "extra": about, "relation": "subagent"}
    assert facts(parser.value(1, value, b"x")) == [(f"agent-{'x' * 17}", data)]


def test_a_result_names_its_agent() -> None:
    """The result of the call that started a sub-agent has the agent's session."""
    raw = user_line(
        "u1", [{"type": "tool_result", "tool_use_id": "t"}], toolUseResult={"agentId": "a7"}
    )
    (found,) = messages(feed(ClaudeCode, [raw]))
    assert found["extra"] == {"agent": "a7"}


def test_a_queued_prompt_is_imported() -> None:
    """A prompt that was typed while the agent was busy is imported from its queue entry."""
    queue = {"type": "queue-operation", "sessionId": "s1", "timestamp": NOON}
    lines = [
        line(**queue, operation="enqueue", content="wait, not that"),
        assistant_line("a1", "working"),
        line(**queue, operation="remove"),
    ]
    items = feed(ClaudeCode, lines)
    typed, busy = messages(items)
    assert busy["content"] == "working"
    assert (typed["role"], typed["content"]) == ("user", "wait, not that")
    assert (typed["timestamp"], typed["extra"]) == (NOON_MICROS, {"taken_from": "queue-operation"})
    attached = {"type": "queued_command", "prompt": "wait, not that"}
    again = line(type="attachment", uuid="t1", sessionId="s1", attachment=attached)
    items = feed(ClaudeCode, [*lines, again])
    ((_, removed),) = facts(items, "message.removed")
    assert removed["messages"] == [typed["id"]], "the attachment replaces the text of the queue"
    (alone,) = messages(feed(ClaudeCode, [again]))
    assert (alone["id"], alone["role"], alone["content"]) == ("t1", "user", "wait, not that")


NOTICE = "<task-notification>done</task-notification>"


@pytest.mark.parametrize(
    ("queued", "text"),
    [
        (["turn of its own"], "turn of its own"),
        (["one", "two"], "one\ntwo"),
        (["/review the lamp"], "<command-name>/review</command-name>the lamp"),
        ([NOTICE], NOTICE),
    ],
)
def test_a_queued_prompt_that_a_line_repeats_is_in_the_transcript_once(
    queued: list[str], text: str
) -> None:
    """The line replaces the text of the queue, whichever operations take that out of it."""
    lines = [
        line(type="queue-operation", sessionId="s1", operation="enqueue", content=each)
        for each in [*queued, "something else"]
    ]
    lines.append(user_line("u1", text))
    items = feed(ClaudeCode, lines)
    *typed, other, last = messages(items)
    gone = [id for _, data in facts(items, "message.removed") for id in data["messages"]]
    assert gone == [each["id"] for each in typed]
    assert (other["content"], last["id"]) == ("something else", "u1")


def test_a_queued_prompt_that_the_user_takes_back_leaves_the_transcript() -> None:
    """What is sent after it was edited is a line of its own."""
    queue = {"type": "queue-operation", "sessionId": "s1"}
    lines = [line(**queue, operation="enqueue", content="hal"), line(**queue, operation="popAll")]
    items = feed(ClaudeCode, lines)
    (typed,) = messages(items)
    ((_, data),) = facts(items, "message.archived")
    assert data["messages"] == [typed["id"]]


@pytest.mark.parametrize(
    ("text", "meta"),
    [
        ("Fix the lamp.", None),
        ("/home/ada/lamp is broken", None),
        ("/compact", "command"),
        ("<command-name>/clear</command-name><command-args></command-args>", "command"),
        ("<command-name>/fix</command-name><command-args>the lamp</command-args>", None),
        ("<task-notification>done</task-notification>", "notification"),
        ('{"task_id": "b1", "task_type": "local_bash"}', "notification"),
        ('{"lamp": 1}', None),
        ("<system-reminder>be brief</system-reminder>", "instructions"),
        ("Caveat: The messages below were generated by the user", "command"),
    ],
)
def test_what_no_person_wrote_is_marked(text: str, meta: str | None) -> None:
    """`meta` names what a machine wrote with the role of a person; what was typed has none."""
    (found,) = messages(feed(ClaudeCode, [user_line("u1", text)]))
    assert (found["role"], found.get("meta")) == ("user", meta)


def test_a_call_of_the_api_on_several_lines_is_one_call() -> None:
    """Its usage events name one call; equal figures are one event."""
    small = {"input_tokens": 3, "output_tokens": 1, "cache_read_input_tokens": 100}
    hour = {"ephemeral_1h_input_tokens": 7, "ephemeral_5m_input_tokens": 2}
    whole = {**small, "output_tokens": 20, "cache_creation": hour}
    lines = [
        assistant_line("a1", "a", id="msg_1", model="m-1", usage=small),
        assistant_line("a2", "b", id="msg_1", model="m-1", usage=whole),
        assistant_line("a3", "c", id="msg_1", model="m-1", usage=whole),
        assistant_line("a4", "d", model="<synthetic>", usage={"input_tokens": 0}),
    ]
    first, second = (data for _, data in facts(feed(ClaudeCode, lines), "usage.added"))
    assert (first["call"], first["output_tokens"], first["model"]) == ("msg_1", 1, "m-1")
    assert (second["call"], second["output_tokens"]) == ("msg_1", 20)
    assert (second["cache_write_tokens"], second["extra"]) == (9, {"cache_write_1h_tokens": 7})


def test_a_sub_agent_within_lines_of_progress_has_a_session() -> None:
    """Its messages have the ids that its own file gives them."""
    inner = {"type": "assistant", "uuid": "p1", "message": {"role": "assistant", "content": "hm"}}
    data = {"type": "agent_progress", "agentId": "a1b2c3d", "message": inner}
    about = {"sessionId": "s1", "uuid": "x1", "timestamp": NOON}
    own = {**inner, "sessionId": "s1", "agentId": "a1b2c3d", "isSidechain": True}
    (found,) = messages(feed(ClaudeCode, [line(type="progress", data=data, **about)]))
    (same,) = messages(feed(ClaudeCode, [line(**own, timestamp=NOON, cwd="/w")]))
    assert (found["session"], found["id"]) == (same["session"], same["id"])
    assert found["content"] == "hm"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (line(type="progress", data={"type": "hook_progress"}), "progress/hook_progress"),
        (line(type="file-history-snapshot", snapshot={}), "file-history-snapshot"),
        (line(type="system", subtype="turn_duration"), "system/turn_duration without text"),
        (line(type="attachment", attachment={"type": "file"}), "attachment/file"),
        (line(type="attachment", attachment=7), "attachment/no type"),
        (line(type="user", message="broken"), "user line without a message"),
        (line(type="user", message={"contents": []}), "user message without content"),
        (line(type="summary"), "summary without text"),
        (line(type="custom-title", sessionId="s"), "custom-title without text"),
        (line(type="pr-link"), "pr-link"),
        (line(silly=1), "no type"),
        (line(type={"odd": 1}), "no type"),
        (b"42", "JSON, but no object"),
        (b'["user"]', "JSON, but no object"),
    ],
)
def test_lines_without_a_message_are_counted_by_kind(raw: bytes, reason: str) -> None:
    """Every line is imported or counted, and the reason names its kind."""
    items = feed(ClaudeCode, [raw])
    assert reasons(items) == [reason]
    assert messages(items) == []


def test_odd_values_in_a_line_do_not_lose_its_text() -> None:
    """Fields of the wrong type are dropped or stored elsewhere; the text is imported."""
    raw = line(
        type="assistant",
        uuid=7,
        parentUuid=[],
        sessionId=None,
        timestamp="yesterday",
        isSidechain="yes",
        message={
            "role": 3,
            "content": "text",
            "model": 5,
            "id": {},
            "usage": {"output_tokens": True, "input_tokens": -1},
            "stop_reason": [],
        },
    )
    (found,) = messages(feed(ClaudeCode, [raw], stem="the-file"))
    assert found["session"] == "the-file"
    assert (found["role"], found["content"]) == ("assistant", "text")
    assert found["extra"] == {"sidechain": "yes", "timestamp": "yesterday"}
    assert found.keys() <= {"session", "id", "role", "content", "source", "extra"}


def test_a_link_to_a_pull_request_can_be_found() -> None:
    """The link has no id, so its id is a hash of the line."""
    raw = line(type="pr-link", sessionId="s1", prUrl="https://x/pull/7", prNumber=7, timestamp=NOON)
    (one,) = messages(feed(ClaudeCode, [raw, raw]))
    assert (one["role"], one["content"]) == ("system", "https://x/pull/7")
    assert one["extra"] == {"subtype": "pr-link", "number": 7}


def test_wrapped_lines_without_ids_get_the_same_ids_each_time() -> None:
    """The form without uuids gets the same ids at each import."""
    values = [
        {"type": kind, "timestamp": NOON, "message": {"role": kind, "content": "x"}}
        for kind in ("user", "assistant")
    ]
    parser = ClaudeCode(Location("wrapped"))
    items = [
        item for number, value in enumerate(values, 1) for item in parser.value(number, value, None)
    ]
    assert [found["id"] for found in messages(items)] == ["line-1", "line-2"]


TEXT = st.text(max_size=8)
LINES = st.lists(
    st.one_of(
        st.builds(user_line, st.uuids().map(str), TEXT, cwd=st.sampled_from(["/a", "/b"])),
        st.builds(
            assistant_line,
            st.uuids().map(str),
            st.lists(st.builds(dict, type=st.just("text"), text=TEXT), max_size=2),
            id=st.sampled_from(["m1", "m2"]),
            agentId=st.sampled_from([None, "a" * 17]),
        ),
        st.builds(line, type=st.just("progress"), uuid=st.uuids().map(str)),
    ),
    max_size=12,
)


@given(LINES, st.lists(st.integers(0, 12), max_size=4))
@pytest.mark.slow
def test_snapshots_of_a_growing_file_give_the_events_of_the_last_one(
    lines: list[bytes], cuts: list[int]
) -> None:
    """Each snapshot's events are also events of the whole file, with the same content."""
    whole = contents(feed(ClaudeCode, lines))
    for cut in cuts:
        assert contents(feed(ClaudeCode, lines[:cut])).items() <= whole.items()


@given(LINES, st.integers(0, 12))
def test_slices_of_a_session_have_all_messages(lines: list[bytes], cut: int) -> None:
    """A session that is cut anywhere gives the same messages, in any order of the slices."""

    def only_messages(found: dict[tuple[str, str], dict[str, Any]]) -> dict[Any, Any]:
        return {key: data for key, data in found.items() if data["type"] == "message.appended"}

    head, tail = feed(ClaudeCode, lines[:cut]), feed(ClaudeCode, lines[cut:])
    assert only_messages(contents([*tail, *head])) == only_messages(
        contents(feed(ClaudeCode, lines))
    )
