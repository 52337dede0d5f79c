"""Lists of role/content messages, in every wrapping, and documents of any size."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.format.event import check_event
from journal.importers.claude_code.parser import ClaudeCode
from journal.importers.codex.parser import Codex
from journal.importers.openai.parser import OpenAI
from journal.importers.openai.wrapping import rendered
from journal.importers.parsing.parser import Found, Item, Location
from tests.importers.feed import contents, facts, feed, line, messages, read_document, reasons

HELLO = {"role": "user", "content": "hello"}
HI = {"role": "assistant", "content": "hi"}
NAME = "file-0badcafe"


def document(value: object) -> list[Item]:
    """Import a value as one JSON document."""
    return document_bytes(json.dumps(value).encode())


def document_bytes(raw: bytes) -> list[Item]:
    """Import bytes as one JSON document."""
    return read_document(raw, Location("file", (), "0badcafe"))


def messages_of(items: list[Item]) -> list[tuple[str, str, str, Any]]:
    """Return session, id, role and content of each message."""
    return [(m["session"], m["id"], m["role"], m.get("content")) for m in messages(items)]


TALK = [(NAME, "0", "user", "hello"), (NAME, "1", "assistant", "hi")]


@pytest.mark.parametrize(
    "value",
    [
        [HELLO, HI],
        {"messages": [HELLO, HI]},
        {"anything": [HELLO, HI], "info": {"a": 1}},
        {"tools": [{"name": "x"}], "history": [HELLO, HI], "trajectory": [{"action": "x"}]},
        {"other": [HI], "messages": [HELLO, HI]},
        {"messages_display": "user: hello\nassistant: hi"},
    ],
)
def test_a_conversation_is_found_in_every_wrapping(value: object) -> None:
    """A document is a list of messages, or has one under any name, one level deep."""
    assert messages_of(document(value)) == TALK
    many = [(f"{NAME}-0", id, role, content) for _, id, role, content in TALK]
    assert messages_of(document([value])) == many, "each conversation of a list has a number"
    assert messages_of(feed(OpenAI, [json.dumps(value).encode()])) == many, (
        "also with one conversation a line"
    )


def test_lines_of_one_message_each_are_one_conversation() -> None:
    """There are no times, so parents keep the order."""
    items = feed(OpenAI, [line(**HELLO), line(**HI), line(**HELLO)])
    assert messages_of(items) == [*TALK, (NAME, "2", "user", "hello")]
    assert [m.get("parent") for m in messages(items)] == [None, "0", "1"]


def test_a_conversation_has_the_id_of_its_wrapper() -> None:
    """Its own id counts, wherever it is; other fields of the wrapper are the session's."""
    value = {
        "messages": [HELLO],
        "session_id": "mine",
        "title": "Greeting",
        "model": "m-1",
        "source": "cli",
        "cwd": "/w",
        "created_at": 1767355200,
        "reward": 0.5,
        "info": {"a": [1]},
        "tags": ["x"],
        "huge": "x" * 5000,
        "empty": None,
    }
    for items in (document(value), feed(OpenAI, [json.dumps(value).encode()])):
        assert [(m["session"], m["source"]) for m in messages(items)] == [("mine", "cli")]
        ((session, given),) = facts(items)
        assert session == "mine"
        assert given == {
            "title": "Greeting",
            "model": "m-1",
            "source": "cli",
            "cwd": "/w",
            "started": 1767355200_000000,
            "extra": {"created_at": 1767355200, "reward": 0.5, "info": {"a": [1]}},
        }
        assert sorted(reason.split(" (")[0] for reason in reasons(items)) == [
            "beside the messages: huge",
            "beside the messages: tags",
        ]


def test_a_message_keeps_all_its_fields() -> None:
    """Calls, results, reasoning and times have fields; other keys are stored in `extra`."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "u"}}]
    items = feed(
        OpenAI,
        [
            line(role="user", content=parts, id="m1", timestamp="2026-01-02T12:00:00Z", name="Al"),
            line(role="assistant", content=None, tool_calls=[call], reasoning_content="hm"),
            line(role="tool", content="ok", tool_call_id="c1", name="f"),
            line(role="function", content="ok", name="g"),
            line(role="assistant", function_call={"name": "h", "arguments": "{}"}, logprobs=[1]),
            line(role="assistant", content={"odd": 1}, created="never", model="m-1"),
        ],
    )
    first, called, result, old, older, odd = messages(items)
    assert (first["id"], first["content"], first["timestamp"]) == ("m1", parts, 1767355200_000000)
    assert (first["extra"], "parent" in first) == ({"name": "Al"}, False)
    assert called["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a":1}'}
    assert (called["reasoning"], called["parent"], "content" in called) == ("hm", "m1", False)
    assert (result["role"], result["tool_name"], result["tool_call_id"]) == ("tool", "f", "c1")
    assert (old["role"], old["tool_name"]) == ("tool", "g")
    assert older["tool_calls"] == [
        {"type": "function", "function": {"name": "h", "arguments": "{}"}}
    ]
    assert older["extra"] == {"logprobs": [1]}
    assert (odd["content"], odd["model"], odd["extra"]) == (
        [{"odd": 1}],
        "m-1",
        {"created": "never"},
    )


def test_a_message_within_an_object_is_read() -> None:
    """Some programs save the role beside the message."""
    inner = [{"type": "text", "text": "hello"}]
    (found,) = messages(feed(OpenAI, [line(role="user", message={"content": inner})]))
    assert (found["role"], found["content"]) == ("user", inner)


def test_a_rendered_conversation_is_split_into_messages() -> None:
    """A speaker's name at the start of a line begins a message; "None" is an unknown call."""
    text = "system: be kind\nuser: say:\n  user: x\n\nassistant: None\ntool: a: 1\nassistant: done"
    assert rendered(text) == [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "say:\n  user: x\n"},
        {"role": "assistant"},
        {"role": "tool", "content": "a: 1"},
        {"role": "assistant", "content": "done"},
    ]
    assert rendered("no speaker") == []


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"role":"user"}', "no message: it has a role, but no content"),
        (b'{"messages":[]}', "neither a message nor a list of them"),
        (b'{"messages_display":"hm"}', "neither a message nor a list of them"),
        (b'"text"', "neither a message nor a list of them"),
        (b"[1,2]", "neither a message nor a list of them"),
    ],
)
def test_values_that_are_no_conversation_are_skipped(raw: bytes, reason: str) -> None:
    """Each of them is counted with a reason."""
    assert reasons(feed(OpenAI, [raw])) == [reason]


def test_an_item_without_a_role_does_not_change_other_ids() -> None:
    """A message's number is its index in the list, whatever items are between."""
    items = document([HELLO, {"note": 1}, HI])
    assert [m["id"] for m in messages(items)] == ["0", "2"]
    assert reasons(items) == ["no message: it has no role"]


def test_wrapped_lines_of_claude_code_are_read() -> None:
    """The exported form has the same lines in one list."""
    lines = [{"type": "user", "sessionId": "s", "uuid": "u", "message": HELLO}]
    items = document({"loglines": lines, "v": 1})
    assert [(m["session"], m["id"], m["source"]) for m in messages(items)] == [
        ("s", "u", "claude-code")
    ]


@pytest.mark.parametrize(
    ("raw", "count", "reason"),
    [
        (b'[{"role":"user","content":"a"},{"role":"user","cont', 1, "broken JSON document"),
        (b'{"messages":[{"role":"user","content":"a"}', 1, "broken JSON document"),
        (b'{"messages":[{"role":"user","content":"a"}]} extra', 1, "broken JSON document"),
        (b"", 0, "broken JSON document"),
        (b"nothing", 0, "broken JSON document"),
        (b'{"a":1}', 0, "a JSON document without a list of messages"),
        (b"[]", 0, None),
        (b"7", 0, "a JSON document without a list of messages"),
    ],
)
def test_a_broken_document_is_imported_up_to_the_damage(
    raw: bytes, count: int, reason: str | None
) -> None:
    """What can be read is imported, and the damage is reported."""
    items = document_bytes(raw)
    assert len(messages(items)) == count
    assert [text.split(":")[0] for text in reasons(items)] == ([] if reason is None else [reason])


def test_a_document_that_is_no_strict_json_is_repaired() -> None:
    """A document with NaN, an integer over 64 bits, bytes that are no UTF-8, or a mark is read."""
    raw = b'\xef\xbb\xbf[{"role":"user","content":"\xff","n":[NaN,18446744073709551616]}]'
    items = document_bytes(raw)
    (found,) = messages(items)
    assert found["content"] == "\ufffd"
    assert found["extra"] == {"n": ["NaN", "18446744073709551616"]}


def test_deep_nesting_is_skipped_and_the_rest_imported() -> None:
    """An item that is nested too deeply does not stop the others."""
    deep = '{"a":' * 300 + "1" + "}" * 300
    items = document_bytes(
        f'[{{"role":"user","content":"a","x":{deep}}},{json.dumps(HI)}]'.encode()
    )
    assert [m["content"] for m in messages(items)] == ["hi"]
    assert reasons(items) == ["nested too deeply"]


MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant"]), "content": st.text(max_size=9)},
        optional={"id": st.uuids().map(str), "timestamp": st.just(1767355200)},
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.slow
@given(MESSAGES)
def test_a_document_and_lines_give_the_same_messages(
    talk: list[dict[str, Any]],
) -> None:
    """A message does not depend on how its conversation is saved."""
    lines = [json.dumps(message).encode() for message in talk]
    assert messages(document(talk)) == messages(feed(OpenAI, lines))


@given(MESSAGES, st.integers(0, 8))
def test_snapshots_of_growing_lines_give_the_events_of_the_last_one(
    talk: list[dict[str, Any]], cut: int
) -> None:
    """Each snapshot's events are also events of the whole file, with the same content."""
    lines = [json.dumps(message).encode() for message in talk]
    whole, part = contents(feed(OpenAI, lines)), contents(feed(OpenAI, lines[:cut]))
    assert part.items() <= whole.items()


WORDS = st.sampled_from(
    [
        "type",
        "payload",
        "message",
        "content",
        "role",
        "user",
        "assistant",
        "system",
        "tool_result",
        "tool_use",
        "summary",
        "leafUuid",
        "uuid",
        "parentUuid",
        "sessionId",
        "agentId",
        "usage",
        "output_tokens",
        "response_item",
        "event_msg",
        "session_meta",
        "id",
        "call_id",
        "output",
        "arguments",
        "function",
        "name",
        "tool_calls",
        "function_call",
        "messages",
        "attachment",
        "prompt",
        "queued_command",
        "queue-operation",
        "operation",
        "enqueue",
        "remove",
        "timestamp",
        "created_at",
        "text",
        "reasoning",
        "function_call_output",
        "web_search_call",
        "agent_message",
        "user_message",
        "turn_context",
        "model",
        "cwd",
        "messages_display",
        "item",
        "Plan",
        "item_completed",
        "compacted",
        "author",
        "toolUseResult",
        "isSidechain",
    ]
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**60) | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)


@pytest.mark.parametrize("make", [ClaudeCode, Codex, OpenAI])
@given(st.lists(ODD, max_size=5))
@pytest.mark.slow
def test_no_value_breaks_a_parser_and_every_event_can_be_stored(
    make: type[ClaudeCode | Codex | OpenAI], values: list[Any]
) -> None:
    """Known names with values of any type give events that a journal accepts, or reasons."""
    for item in feed(make, [json.dumps(value).encode() for value in values]):
        if isinstance(item, Found):
            check_event(**item.event)
    for item in document(values):
        if isinstance(item, Found):
            check_event(**item.event)


@pytest.mark.parametrize("count", [2**53, 2**64 - 1, -1, 1.5, "7"])
def test_an_invalid_token_count_is_kept_in_extra(count: object) -> None:
    """The message is imported; the invalid number of tokens is stored in `extra`."""
    (found,) = messages(document([{**HELLO, "token_count": count}]))
    assert found["content"] == "hello"
    assert "token_count" not in found
    assert found["extra"] == {"token_count": count}


def test_calls_and_results_between_messages_are_imported() -> None:
    """A program wrote them as lines with a `type` and no role."""
    lines = [
        line(role="user", content="which branch?"),
        line(type="tool_call", function={"name": "git"}, arguments="status"),
        line(type="tool_result", name="git", result="on main"),
        line(type="error", text="it broke"),
        line(type="aura", text="x"),
    ]
    items = feed(OpenAI, lines)
    found = messages(items)
    assert [(m["role"], m.get("content")) for m in found] == [
        ("user", "which branch?"),
        ("assistant", None),
        ("tool", "on main"),
        ("system", "it broke"),
    ]
    assert found[1]["tool_calls"][0]["function"] == {"name": "git", "arguments": "status"}
    assert found[2]["tool_name"] == "git"
    assert reasons(items) == ["neither a message nor a list of them"]
