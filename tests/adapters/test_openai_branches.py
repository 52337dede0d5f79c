"""Branches, turns and usage of a session of the OpenAI Agents SDK."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from projector import Projection, SessionStore
from projector.adapters.openai_agents import JournalBranchingSession, JournalSession
from projector.adapters.openai_agents.turns import tool_of, type_of
from tests.adapters.forked import longest_gap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

Item = dict[str, Any]


def said(text: str) -> list[Item]:
    """Return a turn: a question and its answer."""
    question = {"role": "user", "content": f"{text}?"}
    return [question, {"role": "assistant", "content": f"{text}!"}]


ONE, TWO, THREE = said("quokka"), said("numbat"), said("bilby")


def run_of(requests: int, tokens: int) -> Any:  # noqa: ANN401 - of the SDK
    """Return what the SDK returns of a run, as far as a session reads it."""
    usage = SimpleNamespace(
        requests=requests,
        input_tokens=tokens,
        output_tokens=2,
        total_tokens=tokens + 2,
        input_tokens_details=SimpleNamespace(cached_tokens=3, cache_write_tokens=0),
        output_tokens_details=SimpleNamespace(reasoning_tokens=1),
    )
    context = SimpleNamespace(usage=usage)
    return SimpleNamespace(context_wrapper=context, last_agent=SimpleNamespace(model="m-1"))


def in_session(path: Path, work: Callable[[JournalBranchingSession], Awaitable[None]]) -> None:
    """Run work with the session `s`."""

    async def run() -> None:
        async with JournalBranchingSession("s", path) as session:
            await work(session)

    asyncio.run(run())


def test_a_branch_is_a_fork_below_its_session_and_is_found_once(journal_dir: Path) -> None:
    """What both have counts in the session; what only the branch has is found in the branch."""

    async def work(session: JournalBranchingSession) -> None:
        await session.add_items(ONE)
        await session.add_items([*TWO, *THREE], key="a key that other sessions have, too")
        assert await session.create_branch_from_turn(3, "try/again") == "try/again"
        await session.add_items(said("wombat"))
        assert await session.get_items() == [*ONE, *TWO, *said("wombat")]
        assert await session.create_branch_from_turn(2, "third") == "third"
        assert await session.get_items() == ONE
        assert await session.get_items(branch_id="main") == [*ONE, *TWO, *THREE]

    in_session(journal_dir, work)
    with JournalSession("other", journal_dir) as other:
        key = "a key that other sessions have, too"
        asyncio.run(other.add_items([*TWO, *THREE], key=key))
    with Projection.open(journal_dir) as projection:
        below = {view.session: (view.parent, view.relation) for view in projection.sessions()}
        assert below == {
            "s": (None, None),
            "s/try%2Fagain": ("s", "fork"),
            "s/third": ("s/try%2Fagain", "fork"),
            "other": (None, None),
        }
        assert {hit.session for hit in projection.search("quokka").hits} == {"s"}
        assert len(projection.search("quokka").hits) == 2
        assert {hit.session for hit in projection.search("numbat").hits} == {"s", "other"}
        assert {hit.session for hit in projection.search("wombat").hits} == {"s/try%2Fagain"}
        counts = {view.session: view.messages for view in projection.sessions()}
        assert counts == {"s": 6, "s/try%2Fagain": 2, "s/third": 0, "other": 4}
        texts = [message.content for message in projection.messages("s/try%2Fagain")]
        assert texts == ["quokka?", "quokka!", "numbat?", "numbat!", "wombat?", "wombat!"]


def test_branches_do_not_touch_each_other(journal_dir: Path) -> None:
    """A pop, a deletion and a retry in one leave the others as they are."""

    async def work(session: JournalBranchingSession) -> None:
        await session.add_items([*ONE, *TWO])
        await session.create_branch_from_turn(2, "b")
        assert await session.pop_item() == ONE[1]
        assert await session.get_items() == ONE[:1]
        await session.add_items([*ONE, *TWO])  # the same can be said again here
        assert await session.get_items() == [ONE[0], *ONE, *TWO]
        assert await session.get_items(branch_id="main") == [*ONE, *TWO]
        await session.switch_to_branch("main")
        for item in reversed([*ONE, *TWO]):
            assert await session.pop_item() == item
        assert await session.get_items(branch_id="b") == [ONE[0], *ONE, *TWO]
        assert [each["branch_id"] for each in await session.list_branches()] == ["b"]

    in_session(journal_dir, work)
    with Projection.open(journal_dir) as projection:
        assert {hit.session for hit in projection.search("quokka").hits} == {"s/b"}


def test_what_a_run_used_counts_once_and_is_shown_by_turn(journal_dir: Path) -> None:
    """Also if it is stored twice; a run that was continued counts with what it used before."""

    async def work(session: JournalBranchingSession) -> None:
        await session.store_run_usage(run_of(1, 10))  # no turn yet
        assert await session.get_session_usage() is None
        await session.add_items(ONE)
        await session.store_run_usage(run_of(1, 10))
        await session.store_run_usage(run_of(1, 10))
        await session.store_run_usage(run_of(2, 25))
        await session.add_items(TWO)
        await session.store_run_usage(run_of(1, 10))
        first = await session.get_turn_usage(1)
        assert first == {
            "requests": 2,
            "input_tokens": 25,
            "output_tokens": 2,
            "total_tokens": 27,
            "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 1},
        }
        await session.create_branch_from_turn(2, "b")
        assert await session.get_turn_usage() == []
        await session.add_items(TWO)
        await session.store_run_usage(run_of(1, 10))
        assert await session.get_session_usage("b") == {
            "requests": 1,
            "input_tokens": 10,
            "output_tokens": 2,
            "total_tokens": 12,
            "total_turns": 1,
        }
        whole = await session.get_session_usage()
        assert whole is not None
        assert (whole["requests"], whole["total_tokens"], whole["total_turns"]) == (4, 51, 3)

    in_session(journal_dir, work)
    with Projection.open(journal_dir) as projection:
        usage = {view.session: view.usage for view in projection.sessions()}
        assert usage["s"]["api_calls"] == 3
        assert usage["s"]["input_tokens"] == 25 - 3 + 10 - 3
        assert usage["s/b"]["api_calls"] == 1


def test_a_run_is_not_lost_because_its_usage_cannot_be_stored(
    journal_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The error is logged, as in the SDK."""
    with JournalBranchingSession("s", journal_dir) as session:
        asyncio.run(session.add_items(ONE))
    asyncio.run(session.store_run_usage(run_of(1, 10)))
    assert "is not stored" in caplog.text


def test_names_are_used_once(journal_dir: Path) -> None:
    """Also those of branches that are gone, and those that other sessions of the journal have."""

    async def work(session: JournalBranchingSession) -> None:
        await session.add_items([*ONE, *TWO])
        await session.create_branch_from_turn(2, "b")
        await session.delete_branch("b", force=True)
        assert session.current_branch == "main"
        for name in ("b", "main", "taken"):
            with pytest.raises(ValueError, match="already been used"):
                await session.create_branch_from_turn(2, name)
        with pytest.raises(ValueError, match="does not exist"):
            await session.switch_to_branch("b")

    with SessionStore.open(journal_dir) as store:
        store.create("s/taken")
    in_session(journal_dir, work)


def test_of_several_that_make_a_branch_one_succeeds(journal_dir: Path) -> None:
    """Each has a handle and a loop of its own."""
    with JournalSession("s", journal_dir) as session:
        asyncio.run(session.add_items([*ONE, *TWO]))

    def make(_: int) -> bool:
        with JournalBranchingSession("s", journal_dir) as session:
            try:
                asyncio.run(session.create_branch_from_turn(2, "b"))
            except ValueError:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(make, range(4))) == [False, False, False, True]
    with JournalSession("s/b", journal_dir) as session:
        assert asyncio.run(session.get_items()) == ONE


def test_a_handle_on_a_branch_that_is_gone(journal_dir: Path) -> None:
    """After a clear it goes on in `main`; a branch that was deleted takes no item."""
    with (
        JournalBranchingSession("s", journal_dir) as here,
        JournalBranchingSession("s", journal_dir) as other,
    ):

        async def work() -> None:
            await here.add_items([*ONE, *TWO])
            await here.create_branch_from_turn(2, "b")
            await other.delete_branch("b")
            with pytest.raises(ValueError, match="was deleted"):
                await here.add_items(THREE)
            await here.switch_to_branch("main")
            await here.create_branch_from_turn(2, "c")
            await other.clear_session()
            await here.add_items(THREE)
            assert here.current_branch == "main"
            assert await other.get_items() == THREE

        asyncio.run(work())


def test_an_add_in_main_does_not_wait_for_a_reader(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first batch of a handle reads once; others without known ids are appended at once."""
    with JournalBranchingSession("s", journal_dir) as session:
        asyncio.run(session.add_items(ONE))
        asked = Event()
        monkeypatch.setattr(session.store, "read_all", lambda _: asked.set())
        asyncio.run(session.add_items(ONE))
        assert not asked.is_set()


@pytest.mark.parametrize(
    ("item", "type", "tool"),
    [
        ({"role": "user", "content": "x"}, "user", None),
        ({"type": "message", "role": "system", "content": "x"}, "message", None),
        ({}, "other", None),
        ({"type": "mcp_call", "server_label": "files", "name": "read"}, "mcp_call", "files.read"),
        ({"type": "mcp_call", "server_label": "files"}, "mcp_call", "files"),
        ({"type": "shell_call"}, "shell_call", "shell_call"),
        ({"type": "tool_search_output"}, "tool_search_output", "tool_search"),
        ({"type": "function_call", "name": "a", "namespace": "b"}, "function_call", "b.a"),
        ({"type": "function_call", "name": "a", "namespace": "a"}, "function_call", "a"),
    ],
)
def test_types_and_tools_of_items(item: Item, type: str, tool: str | None) -> None:
    """As the SDK names them."""
    assert (type_of(item), tool_of(item)) == (type, tool)


def test_the_loop_goes_on_while_another_process_decides(journal_dir: Path) -> None:
    """What waits for the lock of decisions waits in a thread."""

    async def work() -> None:
        async with JournalBranchingSession("s", journal_dir) as session:
            await session.add_items([*ONE, *TWO])
            await session.create_branch_from_turn(2)
            await session.pop_item()
            await session.get_conversation_turns()
            await session.store_run_usage(run_of(1, 10))
            await session.clear_session()

    assert longest_gap(journal_dir, work) < 0.2
