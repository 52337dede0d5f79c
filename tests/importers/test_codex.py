"""Codex rollouts become messages, and each text is imported once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.importers.codex.duplicates import NEAR
from journal.importers.codex.parser import Codex
from tests.importers.feed import contents, facts, feed, line, messages, reasons

UUID = "01900000-0000-7000-8000-0000000000ab"
STEM = f"rollout-2026-01-02T12-00-00-{UUID}"
START = 1767355200_000000


def at(second: float, kind: str, **payload: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Write a line of a rollout, some seconds after noon."""
    stamp = f"2026-01-02T12:{int(second) // 60:02d}:{second % 60:06.3f}Z"
    return line(timestamp=stamp, type=kind, payload=payload)


def meta(id: str = UUID, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Write the first line of a rollout."""
    return at(0, "session_meta", id=id, timestamp="2026-01-02T12:00:00Z", **more)


def item(second: float, role: str, text: str, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Write a message as an item of the conversation."""
    parts = [{"type": "input_text" if role == "user" else "output_text", "text": text}]
    return at(second, "response_item", type="message", role=role, content=parts, **more)


def event(second: float, kind: str, text: str) -> bytes:
    """Write a text as an event."""
    return at(second, "event_msg", type=kind, message=text)


def test_a_text_that_is_written_twice_is_imported_once() -> None:
    """The item replaces the event beside it, whichever comes first."""
    lines = [
        meta(),
        item(1, "user", "do it"),
        event(1.001, "user_message", "do it\n"),
        event(2, "agent_message", "done"),
        item(2.001, "assistant", "done", phase="final"),
    ]
    items = feed(Codex, lines)
    assert [(m["role"], m["content"], m["timestamp"]) for m in messages(items)] == [
        ("user", "do it", START + 1_000000),
        ("assistant", "done", START + 2_001000),
    ]
    assert messages(items)[1]["extra"] == {"phase": "final"}
    assert reasons(items) == [
        "event_msg/user_message that repeats its item",
        "event_msg/agent_message that repeats its item",
    ]


def test_a_text_among_several_parts_is_matched() -> None:
    """The user's text is one part of the item; the program added the others."""
    parts = [{"type": "input_text", "text": "<context>"}, {"type": "input_text", "text": "do it"}]
    lines = [
        meta(),
        at(1, "response_item", type="message", role="user", content=parts),
        event(1, "user_message", "do it"),
    ]
    (found,) = messages(feed(Codex, lines))
    assert found["content"] == parts


def test_the_same_text_twice_is_two_messages() -> None:
    """One item matches one event: a second "yes" is not matched with the first one's copy."""
    lines = [meta()]
    for second in (1, 2):
        lines += [item(second, "user", "yes"), event(second + 0.001, "user_message", "yes")]
    assert [m["content"] for m in messages(feed(Codex, lines))] == ["yes", "yes"]


def test_a_text_without_an_item_is_not_lost() -> None:
    """If no item repeats an event within a few lines, the event itself is imported."""
    others = [at(2 + n, "event_msg", type="token_count") for n in range(NEAR + 1)]
    items = feed(Codex, [meta(), event(1, "agent_message", "only here"), *others])
    (found,) = messages(items)
    assert (found["role"], found["content"]) == ("assistant", "only here")
    assert (found["timestamp"], found["extra"]) == (START + 1_000000, {"event": "agent_message"})


def test_a_text_at_the_end_waits_for_its_item() -> None:
    """A snapshot that ends between event and item, and then grows, has the text once."""
    lines = [meta(), event(1, "agent_message", "done")]
    early = feed(Codex, lines)
    assert messages(early) == []
    assert reasons(early) == ["event_msg/agent_message at the end of the file: its item may follow"]
    grown = feed(Codex, [*lines, item(1.01, "assistant", "done")])
    assert [m["content"] for m in messages(grown)] == ["done"]


def test_a_text_at_the_beginning_of_a_slice_may_have_its_item_before() -> None:
    """A slice without the session's meta does not repeat a text whose item was cut off."""
    items = feed(Codex, [event(1, "user_message", "do it"), item(2, "assistant", "done")])
    assert [m["content"] for m in messages(items)] == ["done"]
    assert reasons(items) == ["event_msg/user_message whose item may be in the piece before"]


def test_readable_reasoning_is_imported() -> None:
    """Summaries are imported as reasoning; encrypted and empty reasoning is only counted."""
    summary = [
        {"type": "summary_text", "text": "First."},
        {"type": "summary_text", "text": "Then."},
    ]
    lines = [
        meta(),
        at(1, "event_msg", type="agent_reasoning", text="First."),
        at(1, "response_item", type="reasoning", summary=summary, encrypted_content="x", id="rs_1"),
        at(2, "response_item", type="reasoning", summary=[], encrypted_content="x"),
        at(3, "response_item", type="reasoning", summary=[]),
    ]
    items = feed(Codex, lines)
    (found,) = messages(items)
    assert (found["id"], found["role"], found["reasoning"]) == (
        "rs_1",
        "assistant",
        "First.\n\nThen.",
    )
    assert reasons(items) == [
        "event_msg/agent_reasoning that repeats its item",
        "response_item/reasoning, encrypted",
        "response_item/reasoning, empty",
    ]


def test_calls_and_outputs_keep_names_ids_and_arguments() -> None:
    """A call and its output are two messages, with one call id."""
    lines = [
        meta(),
        at(
            1,
            "response_item",
            type="function_call",
            name="shell",
            arguments='{"a":1}',
            call_id="c1",
        ),
        at(2, "response_item", type="function_call_output", call_id="c1", output="ok"),
        at(3, "response_item", type="custom_tool_call", name="patch", input="***", call_id="c2"),
        at(4, "response_item", type="custom_tool_call_output", call_id="c2", output={"x": 1}),
        at(5, "response_item", type="web_search_call", action={"query": "q"}, status="completed"),
    ]
    call, output, patch, patched, search = messages(feed(Codex, lines))
    assert (call["id"], call["role"]) == ("c1", "assistant")
    assert call["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "shell", "arguments": '{"a":1}'}}
    ]
    assert (output["id"], output["role"], output["tool_call_id"]) == ("c1:output", "tool", "c1")
    assert output["content"] == "ok"
    assert patch["tool_calls"][0]["function"] == {"name": "patch", "arguments": "***"}
    assert patched["content"] == [{"x": 1}]
    function = search["tool_calls"][0]["function"]
    assert function == {"name": "web_search", "arguments": '{"query":"q"}'}
    assert search["extra"] == {"kind": "web_search_call", "status": "completed"}


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("Chunk ID: 1\nWall time: 0 seconds\nProcess exited with code 2\nOutput:\nx", 2),
        ("Exit code: 0\nWall time: 0.1 seconds\nOutput:\nExit code: 7", 0),
        (json.dumps({"output": "x", "metadata": {"exit_code": 1, "duration_seconds": 0.1}}), 1),
        ("Wall time: 0 seconds\nOutput:\nProcess exited with code 3", None),
        (json.dumps({"output": '"metadata": {"exit_code": 9}'}), None),
        ("x" * 500 + "\nExit code: 4", None),
        ([{"type": "input_text", "text": "Exit code: 4"}], None),
    ],
)
def test_a_result_has_the_exit_status_that_codex_writes(output: object, code: int | None) -> None:
    """What a command itself printed is none."""
    result = {"type": "function_call_output", "call_id": "c1", "output": output}
    (found,) = messages(feed(Codex, [meta(), at(1, "response_item", **result)]))
    assert found.get("extra", {}).get("exit_code") == code


def test_a_result_of_older_versions_says_whether_it_failed() -> None:
    """They have a flag in place of an exit status."""
    output = {"content": "no", "success": False}
    result = {"type": "function_call_output", "call_id": "c1", "output": output}
    (found,) = messages(feed(Codex, [meta(), at(1, "response_item", **result)]))
    assert found["extra"] == {"is_error": True}


def test_results_of_a_search_are_kept() -> None:
    """Newer versions write the results of a search only in an event, and it is imported."""
    results = [{"title": "T", "url": "https://x"}]
    lines = [meta(), at(1, "event_msg", type="web_search_end", call_id="w", results=results)]
    (found,) = messages(feed(Codex, lines))
    assert (found["role"], found["tool_name"], found["content"]) == ("tool", "web_search", results)


def test_the_session_has_the_fields_of_its_meta() -> None:
    """The session has folder, version, branch and parent; its model is that of the first turn."""
    git = {"branch": "main", "commit_hash": "abc"}
    lines = [
        meta(cwd="/w", cli_version="0.140", git=git, forked_from_id="parent"),
        at(1, "turn_context", model="m-1", cwd="/w"),
        at(2, "turn_context", model="m-1", cwd="/w"),
        at(3, "turn_context", model="m-2", cwd="/w", effort="high"),
    ]
    items = feed(Codex, lines)
    extra = {"cli_version": "0.140", "git_branch": "main", "git_commit": "abc"}
    assert facts(items) == [
        (
            UUID,
            {
                "source": "codex",
                "cwd": "/w",
                "parent": "parent",
                "started": START,
                "branch": "main",
                "commit": "abc",
                "relation": "fork",
                "extra": extra,
            },
        ),
        (UUID, {"relation": "fork"}),
        (UUID, {"model": "m-1"}),
    ]
    (change,) = messages(items)
    assert (change["role"], change["model"]) == ("system", "m-2")
    assert change["extra"] == {"event": "turn_context", "cwd": "/w", "effort": "high"}
    assert "content" not in change


def total(second: int, last: int, total: int, cached: int = 0) -> bytes:
    """Write a line of running totals of input tokens."""
    figures = [
        {"input_tokens": count, "cached_input_tokens": cached, "output_tokens": 0}
        for count in (total, last)
    ]
    info = {"total_token_usage": figures[0], "last_token_usage": figures[1]}
    return at(second, "event_msg", type="token_count", info=info)


def test_what_the_model_wrote_has_the_model_of_its_turn() -> None:
    """What was said to it, and the results of its tools, have none."""
    call = {"type": "function_call", "name": "ls", "call_id": "c1", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c1", "output": "x"}
    lines = [
        meta(),
        at(1, "turn_context", model="m-1"),
        item(2, "user", "Ask."),
        item(3, "assistant", "Answer."),
        at(4, "response_item", **call),
        at(5, "response_item", **result),
        at(6, "turn_context", model="m-2"),
        at(7, "response_item", type="reasoning", summary=[{"type": "s", "text": "Hm."}]),
        event(8, "agent_message", "Only an event."),
        *(at(9 + n, "world_state") for n in range(17)),
    ]
    found = [(m["role"], m.get("model")) for m in messages(feed(Codex, lines))]
    assert found == [
        ("user", None),
        ("assistant", "m-1"),
        ("assistant", "m-1"),
        ("tool", None),
        ("system", "m-2"),
        ("assistant", "m-2"),
        ("assistant", "m-2"),
    ]


def test_running_totals_become_the_usage_of_each_call() -> None:
    """A repeated total is no call; after a gap the difference counts; totals may begin again."""
    lines = [
        meta(),
        at(1, "turn_context", model="m-1"),
        total(2, 100, 100),
        total(3, 100, 100),
        total(4, 50, 250),
        total(5, 30, 30),
    ]
    used = [data for _, data in facts(feed(Codex, lines), "usage.added")]
    assert [each["input_tokens"] for each in used] == [100, 150, 30]
    assert len({each["call"] for each in used}) == 3
    assert {each["model"] for each in used} == {"m-1"}


def test_a_fork_names_repeated_calls_as_its_parent_does() -> None:
    """Its own call has another name; so has an equal call of a session that is no fork."""

    def calls(*lines: bytes) -> list[str]:
        return [data["call"] for _, data in facts(feed(Codex, lines), "usage.added")]

    parent = calls(meta("p"), total(1, 100, 100), total(2, 50, 150))
    fork = calls(meta("f", forked_from_id="p"), meta("p"), total(1, 100, 100), total(3, 60, 160))
    assert fork[0] == parent[0]
    assert fork[1] not in parent
    again = calls(meta("g", forked_from_id="f"), meta("f", forked_from_id="p"), total(1, 100, 100))
    assert again == parent[:1]
    assert calls(meta("o"), total(1, 100, 100))[0] not in parent


def test_what_no_person_wrote_is_marked() -> None:
    """Instructions and the environment have a `meta`, but not a text that a person wrote beside."""
    parts = ["# AGENTS.md instructions for /w", "<environment_context>x</environment_context>"]
    typed = "Rename it."
    lines = [
        at(
            n,
            "response_item",
            type="message",
            role="user",
            content=[{"type": "input_text", "text": text} for text in texts],
        )
        for n, texts in enumerate([parts, parts[1:], [*parts, typed], [typed]], 1)
    ]
    found = [each.get("meta") for each in messages(feed(Codex, lines))]
    assert found == ["instructions", "environment", None, None]


def test_a_fork_keeps_its_own_id() -> None:
    """A forked rollout repeats the meta of its parent; the first meta counts."""
    items = feed(Codex, [meta(), meta("other"), item(1, "user", "x")])
    assert [m["session"] for m in messages(items)] == [UUID]
    assert reasons(items) == ["session_meta of the session it was forked from"]


@pytest.mark.parametrize(("stem", "session"), [(STEM, UUID), (UUID.upper(), UUID), ("odd", "odd")])
def test_a_slice_without_meta_gets_its_session_from_the_file_name(stem: str, session: str) -> None:
    """The uuid at the end of the file's name is the session's."""
    assert messages(feed(Codex, [item(1, "user", "x")], stem))[0]["session"] == session


def test_bare_items_of_the_first_versions_keep_their_order() -> None:
    """A message without a time has the one before it as parent; equal texts are two messages."""
    bare = line(type="message", role="user", content=[{"type": "input_text", "text": "yes"}])
    lines = [
        line(id=UUID, timestamp="2025-06-01T00:00:00Z", instructions=None),
        bare,
        line(record_type="state"),
        bare,
    ]
    items = feed(Codex, lines)
    one, two = messages(items)
    assert one["session"] == UUID
    assert one["id"] != two["id"]
    assert ("parent" in one, two["parent"]) == (False, one["id"])
    assert reasons(items) == ["state"]


def test_texts_of_other_events_are_imported() -> None:
    """Errors, plans, titles and messages between agents can be found."""
    talk = [{"type": "input_text", "text": "take over"}]
    lines = [
        meta(),
        at(1, "event_msg", type="error", message="quota"),
        at(2, "event_msg", type="error", error={"message": "limit"}),
        at(3, "event_msg", type="thread_name_updated", thread_name="Fix it"),
        at(4, "response_item", type="agent_message", author="a", recipient="b", content=talk),
        at(5, "compacted", message="so far", replacement_history=[{"x": 1}]),
        at(6, "event_msg", type="item_completed", item={"type": "Plan", "text": "1. go"}),
        *[at(7, "event_msg", type="token_count")] * (NEAR + 1),
    ]
    items = feed(Codex, lines)
    assert [(m["role"], m["content"]) for m in messages(items)] == [
        ("system", "quota"),
        ("system", "limit"),
        ("agent", "take over"),
        ("system", "so far"),
        ("assistant", "1. go"),
    ]
    assert facts(items, "session.titled") == [(UUID, {"title": "Fix it"})]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (at(1, "event_msg", type="token_count"), "event_msg/token_count that adds nothing"),
        (at(1, "response_item", type="ghost_snapshot"), "response_item/ghost_snapshot"),
        (at(1, "response_item"), "response_item/no type"),
        (
            at(1, "response_item", type="message", role="user"),
            "response_item/message without role or content",
        ),
        (at(1, "world_state", full=True), "world_state"),
        (line(type="response_item", payload=7), "response_item/response_item"),
        (line(payload=7), "no type"),
        (b"[1]", "JSON, but no object"),
    ],
)
def test_lines_without_a_message_are_counted_by_kind(raw: bytes, reason: str) -> None:
    """Every line is imported or counted, and the reason names its kind."""
    items = feed(Codex, [raw])
    assert messages(items) == []
    assert reasons(items) == [reason]


def test_a_repeated_line_is_one_message() -> None:
    """Lines have a time in milliseconds, so equal bytes are the same message."""
    assert len(contents(feed(Codex, [item(1, "user", "x")] * 2))) == 1


WORDS = st.sampled_from(["yes", "no", "go on"])
PIECES = st.lists(
    st.one_of(
        st.tuples(st.just("both"), WORDS),
        st.tuples(st.just("item"), WORDS),
        st.tuples(st.just("other"), WORDS),
    ),
    max_size=12,
)


def rollout(pieces: list[tuple[str, str]]) -> list[bytes]:
    """Write a rollout in which some texts occur twice."""
    lines = [meta()]
    for second, (kind, text) in enumerate(pieces, 1):
        if kind == "other":
            lines.append(at(second, "event_msg", type="token_count"))
            continue
        if kind == "both":
            lines.append(event(second, "agent_message", text))
        lines.append(item(second + 0.002, "assistant", text))
    return lines


@given(PIECES, st.lists(st.integers(1, 30), max_size=4))
def test_snapshots_of_a_growing_rollout_give_the_events_of_the_last_one(
    pieces: list[tuple[str, str]], cuts: list[int]
) -> None:
    """A rollout that is cut at any line, also between two copies of a text, repeats nothing."""
    lines = rollout(pieces)
    whole = contents(feed(Codex, lines))
    texts = [text for kind, text in pieces if kind != "other"]
    assert [m["content"] for m in messages(feed(Codex, lines))] == texts
    for cut in cuts:
        assert contents(feed(Codex, lines[:cut])).items() <= whole.items()


def test_messages_without_a_type_are_imported() -> None:
    """Drift: role and text are beside the time, which has another name."""
    lines = [
        line(created_at="2026-01-02T12:00:01Z", role="user", message="translate"),
        line(created_at="2026-01-02T12:00:02Z", type="function_result", name="t", result="hola"),
        line(created_at="2026-01-02T12:00:03Z", role="assistant", content="hola"),
    ]
    found = messages(feed(Codex, lines))
    assert [(m["role"], m["content"]) for m in found] == [
        ("user", "translate"),
        ("tool", "hola"),
        ("assistant", "hola"),
    ]
    assert found[0]["timestamp"] == START + 1_000000


def test_an_item_with_a_role_and_no_type_is_a_message() -> None:
    """Another program that writes rollouts leaves out `type`."""
    parts = [{"type": "input_text", "text": "look at it"}]
    items = feed(Codex, [meta(), at(1, "response_item", role="user", content=parts)])
    assert [(m["role"], m["content"]) for m in messages(items)] == [("user", "look at it")]


def test_a_rollout_that_names_only_its_session_id_has_that_id() -> None:
    """Its file may have any name; `id` comes first where both are there."""
    other = UUID.replace("ab", "cd")
    for payload, expected in (
        ({"session_id": other}, other),
        ({"id": UUID, "session_id": other}, UUID),
    ):
        head = at(0, "session_meta", timestamp="2026-01-02T12:00:00Z", **payload)
        events = facts(feed(Codex, [head, item(1, "user", "do it")], stem="copy"))
        assert {session for session, *_ in events} == {expected}
