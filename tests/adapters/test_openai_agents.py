"""The session of the OpenAI Agents SDK."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal import ClosedError, EventError
from projector import Projection, SessionStore
from projector.adapters.openai_agents import JournalSession
from projector.adapters.openai_agents.items import item_of, message_of, new_items
from tests.adapters.recipes import run_example

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from subprocess import Popen

Item = dict[str, Any]

USER: Item = {"role": "user", "content": "Where does the wombat sleep?"}
REASONING: Item = {
    "type": "reasoning",
    "id": "rs_0123456789abcdef0123456789",
    "summary": [{"type": "summary_text", "text": "I should look at the burrow."}],
    "encrypted_content": "gAAAA",
}
CALL: Item = {
    "type": "function_call",
    "id": "fc_0123456789abcdef0123456789",
    "call_id": "call_0123456789abcdefghijABCD",
    "name": "find_burrow",
    "arguments": '{"animal": "wombat"}',
    "status": "completed",
}
OUTPUT: Item = {
    "type": "function_call_output",
    "call_id": CALL["call_id"],
    "output": "Under a gum.",
}
ANSWER: Item = {
    "type": "message",
    "id": "msg_0123456789abcdef0123456789",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "In a burrow.", "annotations": []}],
}
TURN = [USER, REASONING, CALL, OUTPUT, ANSWER]

ADDER = """
import asyncio, json, sys
from projector.adapters.openai_agents import JournalSession

path, who, ends = sys.argv[1:]
session = JournalSession("shared", path)
for turn in range(15):
    items = [{"role": "user", "content": f"{who} {turn} {n}"} for n in range(4)]
    asyncio.run(session.add_items(items, key=f"{who}-{turn}"))
print("added", flush=True)
if ends == "killed":
    sys.stdin.read()
session.close()
"""


def kept(path: Path, *batches: list[Item], session: str = "s1") -> list[Item]:
    """Add batches to a session, each from a handle of its own, and return its items."""

    async def run() -> list[Item]:
        for batch in batches:
            async with JournalSession(session, path) as handle:
                await handle.add_items(batch)
        async with JournalSession(session, path) as handle:
            return await handle.get_items()

    return asyncio.run(run())


def test_items_come_back_equal_and_in_order(journal_dir: Path) -> None:
    """Of any kind that the Responses API has."""
    more: list[Item] = [
        {"type": "item_reference", "id": "msg_1"},
        {"type": "computer_call", "id": "c", "action": {"type": "click", "x": 1}},
        {"type": "computer_call_output", "call_id": "c", "output": {"type": "image", "url": "u"}},
        {"type": "function_call", "call_id": "c", "name": None, "arguments": {}},
        {"role": "user", "content": [{"type": "input_text", "text": "x"}, None]},
        {"role": "user", "content": "x", "moved": "call", "item": 1},
        {},
    ]
    assert kept(journal_dir, TURN, more) == [*TURN, *more]


def test_the_session_is_shown_searched_and_counted(journal_dir: Path) -> None:
    """Roles, tools and reasoning are those of any session."""
    kept(journal_dir, TURN)
    with Projection.open(journal_dir) as projection:
        (hit,) = projection.search("wombat", role="user").hits
        assert (hit.session, hit.source) == ("s1", "openai-agents")
        assert projection.search("burrow", tool="find_burrow").hits
        view = projection.session("s1")
        assert (view.source, view.messages, view.tool_calls) == ("openai-agents", 5, 1)
        roles = [message.role for message in projection.messages("s1")]
        assert roles == ["user", "assistant", "assistant", "tool", "assistant"]


def test_a_turn_that_is_tried_again_adds_nothing(journal_dir: Path) -> None:
    """Items with an id of the API are known, and with them what was added at once."""
    assert kept(journal_dir, TURN, TURN) == TURN
    assert kept(journal_dir, TURN[1:], TURN[2:4]) == TURN


def test_what_has_no_id_can_be_said_twice(journal_dir: Path) -> None:
    """Ids that are not the API's are none: a model behind an adapter gives all the same."""
    fake = {"type": "message", "id": "__fake_id__", "role": "assistant", "content": "Yes."}
    assert kept(journal_dir, [USER, fake], [USER, fake]) == [USER, fake, USER, fake]


def add_first(
    add: Callable[[list[dict[str, Any]]], None], count: int, events: Iterable[dict[str, Any]]
) -> None:
    """Append only the first of some events."""
    add(list(events)[:count])


@pytest.mark.parametrize("whole", [TURN, [USER, {"role": "assistant", "content": "Yes."}]])
def test_a_batch_that_a_kill_cut_off_is_completed_by_the_next_try(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch, whole: list[Item]
) -> None:
    """The kernel may end a write(2) after the first records: nothing is lost, and none doubled."""
    before: Item = {"role": "user", "content": "before"}
    kept(journal_dir, [before])
    for count in range(1, len(whole)):
        with JournalSession("s1", journal_dir) as session, monkeypatch.context() as patched:
            patched.setattr(session.store, "add", partial(add_first, session.store.add, count))
            asyncio.run(session.add_items(whole))
        assert kept(journal_dir, whole) == [before, *whole]
        with JournalSession("s1", journal_dir) as session:
            for item in reversed(whole):
                assert asyncio.run(session.pop_item()) == item


def test_a_batch_whose_last_item_was_popped_is_no_cut_off_one(journal_dir: Path) -> None:
    """What was popped is added again under another id: under its own it would stay removed."""
    yes: Item = {"role": "assistant", "content": "Yes."}
    kept(journal_dir, [USER, yes])
    with JournalSession("s1", journal_dir) as session:
        assert asyncio.run(session.pop_item()) == yes
    assert kept(journal_dir, [USER, yes]) == [USER, USER, yes]


def test_items_with_a_key_are_added_once(journal_dir: Path) -> None:
    """The caller names what it adds, and can try again whatever the items are."""

    async def run() -> list[Item]:
        async with JournalSession("s1", journal_dir) as session:
            await session.add_items([USER, USER], key="turn-1")
            await session.add_items([USER, USER], key="turn-1")
            await session.add_items([USER], key="turn-2")
            return await session.get_items()

    assert asyncio.run(run()) == [USER, USER, USER]


def test_an_item_that_was_popped_or_cleared_can_be_added_again(journal_dir: Path) -> None:
    """The SDK pops the items of a call that it tries again."""

    async def run() -> None:
        async with JournalSession("s1", journal_dir) as session:
            await session.add_items(TURN)
            assert await session.pop_item() == ANSWER
            assert await session.pop_item() == OUTPUT
            await session.add_items([OUTPUT, ANSWER])
            assert await session.get_items() == TURN
            await session.clear_session()
            assert await session.pop_item() is None
            await session.add_items(TURN)
            assert await session.get_items() == TURN

    asyncio.run(run())


def test_each_pop_gets_another_item(journal_dir: Path) -> None:
    """Also from several threads, each with a loop and a handle of its own."""
    items = [{"role": "user", "content": str(n)} for n in range(12)]
    kept(journal_dir, items)

    def pop_three(_: int) -> list[Item | None]:
        with JournalSession("s1", journal_dir) as session:
            return [asyncio.run(session.pop_item()) for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        popped = [item for found in pool.map(pop_three, range(4)) for item in found]
    assert sorted(int(item["content"]) for item in popped if item) == list(range(12))
    assert kept(journal_dir) == []


@pytest.mark.parametrize("limit", [0, 1, 3, 5, 9, -1])
def test_a_limit_gives_the_latest_items(journal_dir: Path, limit: int) -> None:
    """A negative one is none, as in the SDK's own session."""
    kept(journal_dir, TURN[:2], TURN[2:])
    with JournalSession("s1", journal_dir) as session:
        found = asyncio.run(session.get_items(limit))
    assert found == (TURN if limit < 0 else TURN[max(0, len(TURN) - limit) :])


def test_processes_lose_double_and_mix_nothing_and_a_killed_one_goes_on(
    journal_dir: Path, start: Callable[..., Popen[str]]
) -> None:
    """What is added at once stays together, and who tries again by the same key adds nothing."""
    processes = [
        start(ADDER, journal_dir, who, ends) for who, ends in (("a", "closed"), ("b", "killed"))
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "added\n"
    processes[1].kill()
    processes[0].wait(30)
    again = start(ADDER, journal_dir, "b", "closed")
    assert again.wait(30) == 0
    words = [item["content"].split() for item in kept(journal_dir, session="shared")]
    assert len(words) == 2 * 15 * 4
    batches = [words[at : at + 4] for at in range(0, len(words), 4)]
    assert all(len({(who, turn) for who, turn, _ in batch}) == 1 for batch in batches)
    for name in "ab":
        said = [(int(turn), int(n)) for who, turn, n in words if who == name]
        assert said == sorted(said)


ODD: list[Item] = [
    {"role": "user", "content": "a bilby \ud83d"},
    {"role": "user", "content": [{"type": "input_text", "text": "a bilby \ud83d"}]},
    {"role": "user", "content": "a bilby", "number": 2**70},
    {"type": "function_call", "call_id": "\ud83d", "name": "bilby", "arguments": "{}"},
    {"type": "shell_call", "action": {"timeout": 2**65}},
]


@pytest.mark.parametrize("item", ODD, ids=range(len(ODD)))
def test_what_a_journal_refuses_is_carried(journal_dir: Path, item: Item) -> None:
    """JSON of Python has lone surrogates and wide integers: the item comes back equal."""
    assert kept(journal_dir, [item]) == [item]
    if "a bilby" in json.dumps(item):
        with Projection.open(journal_dir) as projection:
            assert projection.search("bilby").hits


def test_what_json_would_change_is_refused(journal_dir: Path) -> None:
    """Nothing of the batch is written."""
    with pytest.raises(EventError, match="JSON does not have"):
        kept(journal_dir, [USER, {"role": "user", "content": "x", "pair": (1, 2)}])
    assert kept(journal_dir) == []


@pytest.mark.parametrize(
    ("items", "key", "expected"),
    [
        ([USER, 5], None, r"items\[1\] must be a dict, not 5; nothing was written"),
        (["text"], None, r"items\[0\] must be a dict, not a str of 4"),
        (USER, None, "items must be a list"),
        ("text", None, "items must be a list"),
        ([[]], None, r"items\[0\] must be a dict"),
        ([["ab", "cd"]], None, r"items\[0\] must be a dict, not a list of 2"),
        ([USER], 5, "key must be a text that is not empty, not 5"),
        ([USER], "", "key must be a text that is not empty"),
    ],
)
def test_what_is_no_list_of_items_is_refused(
    journal_dir: Path, items: object, key: object, expected: str
) -> None:
    """With an error that names the argument; nothing is written."""

    async def add() -> None:
        async with JournalSession("s1", journal_dir) as session:
            await session.add_items(items, key=key)  # type: ignore[arg-type]

    with pytest.raises(EventError, match=expected):
        asyncio.run(add())
    assert kept(journal_dir) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
TYPES = ["message", "function_call", "function_call_output", "shell_call", "reasoning", "other"]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(TYPES) | JSON,
            "role": st.just("user") | JSON,
            "content": JSON,
            "output": JSON,
            "call_id": JSON,
            "name": JSON,
            "arguments": JSON,
            "summary": JSON,
        },
    )
)
def test_the_message_of_any_item_gives_an_equal_item(item: Item) -> None:
    """An item is any JSON: none is changed, and none is taken for another."""
    data = message_of(item)
    assert item_of(data.get("content"), data.get("tool_calls"), data["extra"]) == item


def test_new_items_are_those_with_an_id_that_is_not_there() -> None:
    """What has the same id and other words is new: the API changes no item."""
    assert new_items(TURN, []) == TURN
    assert new_items([USER], [USER]) == [USER]
    assert new_items([USER, ANSWER], TURN) == [USER]
    other = {**ANSWER, "content": "Elsewhere."}
    assert new_items([other], TURN) == [other]


def test_a_slow_disk_does_not_block_the_event_loop(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An add runs in a thread; the loop turns meanwhile."""

    async def run() -> int:
        async with JournalSession("s1", journal_dir) as session:
            add = session.store.add

            def slow(events: list[dict[str, Any]]) -> None:
                time.sleep(0.2)
                add(events)

            monkeypatch.setattr(session.store, "add", slow)
            task = asyncio.create_task(session.add_items([USER]))
            turns = 0
            while not task.done():
                await asyncio.sleep(0.005)
                turns += 1
            return turns

    assert asyncio.run(run()) > 5


def test_a_store_that_was_given_stays_open(journal_dir: Path) -> None:
    """One store serves any number of sessions."""
    with SessionStore.open(journal_dir) as store:
        for name in ("s1", "s2"):
            with JournalSession(name, store) as session:
                asyncio.run(session.add_items([USER]))
        assert {view.session for view in store.sessions()} == {"s1", "s2"}


def test_a_closed_session_refuses_also_an_empty_add(journal_dir: Path) -> None:
    """As the SDK's own session."""
    session = JournalSession("s1", journal_dir)
    session.close()
    with pytest.raises(ClosedError):
        asyncio.run(session.add_items([]))


def test_settings_are_the_sdks(journal_dir: Path) -> None:
    """A dict of them is made one, and their limit counts where no other is given."""
    pytest.importorskip("agents")
    kept(journal_dir, TURN)
    with JournalSession("s1", journal_dir, session_settings={"limit": 2}) as session:
        assert asyncio.run(session.get_items()) == TURN[-2:]
        assert asyncio.run(session.get_items(3)) == TURN[-3:]


@pytest.mark.parametrize("heading", ["OpenAI Agents SDK", "Branches, turns and usage"])
def test_the_examples_of_the_docs_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heading: str
) -> None:
    """As they are written, with a model that answers what is prepared."""
    agents = pytest.importorskip("agents")
    model = pytest.importorskip("agents.testing").ScriptedModel()
    for text in ("In line three.", "Yes."):
        part: Item = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        model.enqueue([message_item(part)])
    agent = agents.Agent(name="helper", model=model)
    run_example(heading, monkeypatch, tmp_path, agent=agent, Runner=agents.Runner)
    with SessionStore.open(tmp_path / "agents") as store:
        assert store.search("three").hits[0].session == "thread-7"


def message_item(part: dict[str, Any]) -> object:
    """Return what a model says, as a value of the SDK's client."""
    responses = pytest.importorskip("openai.types.responses")
    return responses.ResponseOutputMessage.model_validate(
        {
            "id": "1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [part],
        }
    )
