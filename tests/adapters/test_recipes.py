"""The recipes of docs/frameworks.md for plain loops, with models that answer what a test says."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from projector import SessionStore
from tests.adapters.recipes import recipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Dumped(SimpleNamespace):
    """A value of a client: attributes, and `model_dump`."""

    def model_dump(self, *, exclude_none: bool) -> dict[str, Any]:
        """Return its fields, as a pydantic model does."""
        fields = vars(self).items()
        return {name: value for name, value in fields if value is not None or not exclude_none}


class Model:
    """A client of both kinds: it returns prepared replies, and keeps what it was asked."""

    def __init__(self, *replies: object) -> None:
        self._replies = list(replies)
        self.asked: list[list[dict[str, Any]]] = []
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self._create))
        self.messages = SimpleNamespace(create=self._create)

    def _create(self, *, messages: list[dict[str, Any]], **_: object) -> object:
        self.asked.append(copy.deepcopy(messages))
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


@pytest.fixture
def store(journal_dir: Path) -> Iterator[SessionStore]:
    """A store in a new journal."""
    with SessionStore.open(journal_dir) as store:
        yield store


def openai_reply(id: str, content: str | None, calls: list[dict[str, Any]] | None = None) -> Dumped:
    """Return a reply of chat completions."""
    message = Dumped(role="assistant", content=content, tool_calls=calls, refusal=None)
    return Dumped(
        id=id,
        model="m",
        choices=[Dumped(message=message)],
        usage=Dumped(prompt_tokens=10, completion_tokens=2),
    )


def anthropic_reply(id: str, *blocks: dict[str, Any]) -> Dumped:
    """Return a reply of the messages API."""
    uses_tool = any(block["type"] == "tool_use" for block in blocks)
    return Dumped(
        id=id,
        model="m",
        content=[Dumped(**block) for block in blocks],
        stop_reason="tool_use" if uses_tool else "end_turn",
        usage=Dumped(input_tokens=10, output_tokens=2),
    )


def test_the_openai_loop_keeps_each_message_once(store: SessionStore) -> None:
    """A network that fails in the middle loses nothing, and the next prompt has the history."""
    answer = recipe("OpenAI, a plain loop")
    function = {"name": "grep", "arguments": '{"word": "zorglub"}'}
    calls = [{"id": "c1", "type": "function", "function": function}]
    model = Model(
        openai_reply("r1", None, calls),
        OSError("the network is gone"),
        openai_reply("r3", "In line 3."),
        openai_reply("r4", "Yes."),
    )
    tools = {"grep": lambda word: f"3: {word}"}
    with pytest.raises(OSError, match="network"):
        answer(store, "s1", "Where is it?", model, tools)
    assert [m.role for m in store.messages("s1")] == ["user", "assistant", "tool"]
    assert answer(store, "s1", "Again: where?", model, tools) == "In line 3."
    assert answer(store, "s1", "Sure?", model, tools) == "Yes."
    assert model.asked[-1] == [
        {"role": "user", "content": "Where is it?"},
        {"role": "assistant", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "3: zorglub"},
        {"role": "user", "content": "Again: where?"},
        {"role": "assistant", "content": "In line 3."},
        {"role": "user", "content": "Sure?"},
    ]
    assert [m.content for m in store.messages("s1")][-1] == "Yes."
    assert len(store.messages("s1")) == 7
    assert store.session("s1").usage["input_tokens"] == 30
    assert {hit.session for hit in store.search("zorglub")} == {"s1"}


def test_the_anthropic_loop_keeps_each_message_once(store: SessionStore) -> None:
    """Blocks come back as they were, also those of tools."""
    answer = recipe("Anthropic, a plain loop")
    use = {"type": "tool_use", "id": "t1", "name": "grep", "input": {"word": "zorglub"}}
    model = Model(
        anthropic_reply("r1", {"type": "text", "text": "I look."}, use),
        anthropic_reply("r2", {"type": "text", "text": "In line 3."}),
        anthropic_reply("r3", {"type": "text", "text": "Yes."}),
    )
    tools = {"grep": lambda word: f"3: {word}"}
    assert answer(store, "s1", "Where is it?", model, tools) == "In line 3."
    assert answer(store, "s1", "Sure?", model, tools) == "Yes."
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "3: zorglub"}
    assert model.asked[-1] == [
        {"role": "user", "content": "Where is it?"},
        {"role": "assistant", "content": [{"type": "text", "text": "I look."}, use]},
        {"role": "user", "content": [result]},
        {"role": "assistant", "content": [{"type": "text", "text": "In line 3."}]},
        {"role": "user", "content": "Sure?"},
    ]
    assert len(store.messages("s1")) == 6
    assert store.session("s1").usage["output_tokens"] == 6
    assert {hit.session for hit in store.search("zorglub")} == {"s1"}
