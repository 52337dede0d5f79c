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


def said(items: list[Item]) -> list[tuple[str, str, str, Any]]:
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
def test_one_conversation_is_found_in_every_wrapping(value: object) -> None:
    """A document is a list of messages, or holds one under any name, one level deep."""
    assert said(document(value)) == TALK
    many = [(f"{NAME}-0", id, role, content) for _, id, role, content in TALK]
    assert said(document([value])) == many, "of a list of conversations each has a number"
    assert said(feed(OpenAI, [json.dumps(value).encode()])) == many, "and of one a line"


def test_lines_of_one_message_each_are_one_conversation() -> None:
    """The order is held by parents, since there are no times."""
    items = feed(OpenAI, [line(**HELLO), line(**HI), line(**HELLO)])
    assert said(items) == [*TALK, (NAME, "2", "user", "hello")]
    assert [m.get("parent") for m in messages(items)] == [None, "0", "1"]


def test_a_conversation_is_named_by_its_wrapper() -> None:
    """Its own id stands wherever the file is; what the wrapper says is told to the session."""
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
        ((session, told),) = facts(items)
        assert session == "mine"
        assert told == {
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


def test_a_message_keeps_all_that_it_says() -> None:
    """Calls, results, reasoning and times have their fields; the rest is kept aside."""
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


def test_a_message_inside_a_message_is_read() -> None:
    """Some programs save the role beside a message of their own."""
    inner = [{"type": "text", "text": "hello"}]
    (found,) = messages(feed(OpenAI, [line(role="user", message={"content": inner})]))
    assert (found["role"], found["content"]) == ("user", inner)


def test_a_rendered_conversation_is_taken_apart() -> None:
    """A speaker's name begins a message where it begins a line; "None" is a call unknown."""
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
def test_what_is_no_conversation_is_skipped(raw: bytes, reason: str) -> None:
    """Nothing is left out silently."""
    assert reasons(feed(OpenAI, [raw])) == [reason]


def test_an_item_without_a_role_does_not_shift_the_others_ids() -> None:
    """A message's number is its place in the list, whatever stands between."""
    items = document([HELLO, {"note": 1}, HI])
    assert [m["id"] for m in messages(items)] == ["0", "2"]
    assert reasons(items) == ["no message: it has no role"]


def test_wrapped_lines_of_claude_code_are_read() -> None:
    """The exported form is the same lines in one list."""
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
def test_a_broken_document_gives_what_stands_before_the_break(
    raw: bytes, count: int, reason: str | None
) -> None:
    """What can be read is imported, and the break is named."""
    items = document_bytes(raw)
    assert len(messages(items)) == count
    assert [text.split(":")[0] for text in reasons(items)] == ([] if reason is None else [reason])


def test_a_document_that_is_no_strict_json_is_repaired() -> None:
    """NaN, an integer over 64 bits, bytes that are no UTF-8 and a mark do not lose a document."""
    raw = b'\xef\xbb\xbf[{"role":"user","content":"\xff","n":[NaN,18446744073709551616]}]'
    items = document_bytes(raw)
    (found,) = messages(items)
    assert found["content"] == "\ufffd"
    assert found["extra"] == {"n": ["NaN", "18446744073709551616"]}


def test_deep_nesting_is_skipped_and_the_rest_imported() -> None:
    """One piece that no journal takes does not stop the others."""
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
def test_a_list_is_the_same_streamed_from_a_document_or_read_from_lines(
    talk: list[dict[str, Any]],
) -> None:
    """How a conversation is saved does not change a message."""
    lines = [json.dumps(message).encode() for message in talk]
    assert messages(document(talk)) == messages(feed(OpenAI, lines))


@given(MESSAGES, st.integers(0, 8))
def test_snapshots_of_growing_lines_give_what_the_last_one_gives(
    talk: list[dict[str, Any]], cut: int
) -> None:
    """Every snapshot's events are among those of the whole file, with the same content."""
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
def test_no_value_breaks_a_parser_and_every_event_can_be_stored(
    make: type[ClaudeCode | Codex | OpenAI], values: list[Any]
) -> None:
    """Known names with values of any kind give events that a journal takes, or reasons."""
    for item in feed(make, [json.dumps(value).encode() for value in values]):
        if isinstance(item, Found):
            check_event(**item.event)
    for item in document(values):
        if isinstance(item, Found):
            check_event(**item.event)


@pytest.mark.parametrize("count", [2**53, 2**64 - 1, -1, 1.5, "7"])
def test_a_count_that_no_journal_takes_is_kept_beside_the_message(count: object) -> None:
    """A message is not lost for its number of tokens: what cannot be one stays in `extra`."""
    (found,) = messages(document([{**HELLO, "token_count": count}]))
    assert found["content"] == "hello"
    assert "token_count" not in found
    assert found["extra"] == {"token_count": count}
