"""The recipes of docs/frameworks.md that need a framework, with models that answer as prepared.

They run in an environment of their own: `make conformance ONLY=recipes`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from projector import AsyncSessionStore, SessionStore
from tests.adapters.recipes import recipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

messages = pytest.importorskip("pydantic_ai.messages")
function = pytest.importorskip("pydantic_ai.models.function")
llms = pytest.importorskip("llama_index.core.llms")
smolagents = pytest.importorskip("smolagents")
replay = pytest.importorskip("autogen_ext.models.replay")
pytest.importorskip("autogen_agentchat")


@pytest.fixture
def store(journal_dir: Path) -> Iterator[SessionStore]:
    """A store in a new journal."""
    with SessionStore.open(journal_dir) as store:
        yield store


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    """A loop for `run_sync`, which uses that of the thread and leaves it open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
    asyncio.set_event_loop(None)


def said(store: SessionStore) -> list[tuple[str | None, object]]:
    """Return the role and the text of each message."""
    return [(message.role, message.content) for message in store.messages("s1")]


def test_pydantic_ai(store: SessionStore) -> None:
    """The second prompt has the history of the first, and each message is there once."""
    asked: list[int] = []

    def respond(history: list[object], _: object) -> object:
        asked.append(len(history))
        return messages.ModelResponse(parts=[messages.TextPart(f"answer {len(asked)}")])

    answer = recipe("pydantic-ai")
    assert answer(store, "s1", "a zorglub", function.FunctionModel(respond)) == "answer 1"
    assert answer(store, "s1", "and now", function.FunctionModel(respond)) == "answer 2"
    assert asked == [1, 3]
    assert said(store) == [
        ("user", "a zorglub"),
        ("assistant", "answer 1"),
        ("user", "and now"),
        ("assistant", "answer 2"),
    ]
    assert {hit.session for hit in store.search("zorglub")} == {"s1"}


def test_llama_index(store: SessionStore) -> None:
    """The model repeats the whole prompt, so the second answer has the first question."""
    answer = recipe("LlamaIndex")
    answer(store, "s1", "a zorglub", llms.MockLLM())
    second = answer(store, "s1", "and now", llms.MockLLM())
    assert "a zorglub" in second
    assert "and now" in second
    found = said(store)
    assert [role for role, _ in found] == ["user", "assistant", "user", "assistant"]
    assert [text for role, text in found if role == "user"] == ["a zorglub", "and now"]


def test_smolagents(store: SessionStore) -> None:
    """Each step is kept when it ends."""

    def generate(*_: object, **__: object) -> object:
        """Return a call of `final_answer`."""
        called = smolagents.models.ChatMessageToolCallFunction(
            name="final_answer", arguments={"answer": "flumox"}
        )
        call = smolagents.ChatMessageToolCall(id="c1", type="function", function=called)
        role = smolagents.MessageRole.ASSISTANT
        return smolagents.ChatMessage(role=role, content="I know.", tool_calls=[call])

    model = type("Fake", (smolagents.Model,), {"generate": generate})()
    assert recipe("smolagents")(store, "s1", "a zorglub", model) == "flumox"
    found = said(store)
    assert [text for role, text in found if role == "user"] == ["New task:\na zorglub"]
    assert len(found) == len(set(map(str, found)))
    assert {hit.session for hit in store.search("flumox")} == {"s1"}


def test_autogen(journal_dir: Path) -> None:
    """The second task has the history of the first, and each message is there once."""
    client = replay.ReplayChatCompletionClient(["answer 1", "answer 2"])

    async def run() -> None:
        answer = recipe("AutoGen")
        async with await AsyncSessionStore.open(journal_dir) as store:
            assert await answer(store, "s1", "a zorglub", client) == "answer 1"
            assert await answer(store, "s1", "and now", client) == "answer 2"

    asyncio.run(run())
    with SessionStore.open(journal_dir) as store:
        assert said(store) == [
            ("user", "a zorglub"),
            ("assistant", "answer 1"),
            ("user", "and now"),
            ("assistant", "answer 2"),
        ]
    # system prompt, question, answer, question
    assert len(client.create_calls[-1]["messages"]) == 4
