"""A board on asyncio: no call blocks the loop, and a cancelled claim is given back."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from journal.arbiter import arbitrating
from projector import ArbiterBusy, AsyncBoard, Board

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


def test_a_task_is_done_by_coroutines(journal_dir: Path) -> None:
    """Each method answers as that of `Board`."""

    async def talk() -> None:
        async with await AsyncBoard.open(journal_dir, name="team") as board:
            first = await board.add("first", id="a")
            await board.add("second", id="b", after=[first])
            claim = await board.claim(worker="w1")
            assert claim is not None
            await board.comment(first, "half", author="w1")
            await board.complete(await board.beat(claim), result=1)
            assert [task.id for task in await board.ready()] == ["b"]
            assert [event.event for event in await board.history(first)] == [
                *("added", "claimed", "completed")
            ]
            assert [task.id for task in await board.tasks(state="done")] == ["a"]
            assert board.name == "team"

    asyncio.run(talk())
    with Board.open(journal_dir, name="team") as board:
        assert board.task("a").task.result == 1


def test_the_loop_and_the_heartbeats_go_on_while_decisions_wait(journal_dir: Path) -> None:
    """Another process decides all the time; only the calls that wait for it wait."""

    async def talk() -> None:
        async with await AsyncBoard.open(journal_dir, timeout=1.0) as board:
            await board.add("held", id="a")
            claim = await board.claim(worker="w1")
            assert claim is not None
            await board.add("open", id="b")
            with arbitrating(journal_dir, 1.0):
                calls = [asyncio.create_task(board.claim(worker=f"w{n}")) for n in range(12)]
                calls.append(asyncio.create_task(board.claim(worker="w", task="a")))
                began, turns = time.monotonic(), 0
                while turns <= 5 and time.monotonic() - began < 0.9:
                    await asyncio.sleep(0.001)
                    turns += 1
                await board.beat(claim)
                await board.comment("a", "still at it")
                assert not any(call.done() for call in calls)
                found = await asyncio.gather(*calls, return_exceptions=True)
            assert turns > 5
            assert {type(each) for each in found} == {ArbiterBusy}

    asyncio.run(talk())


def test_a_cancelled_claim_gives_its_task_back(journal_dir: Path) -> None:
    """The caller does not know of the claim, so others get the task at once."""

    async def talk() -> None:
        async with await AsyncBoard.open(journal_dir) as board:
            await board.add("only", id="a")
            with arbitrating(journal_dir, 1.0), pytest.raises(TimeoutError):
                await asyncio.wait_for(board.claim(worker="w1", seconds=600), 0.1)
            await until(lambda: len(board.board.history("a")) == 3)
            last = (await board.history("a"))[-1]
            assert (last.event, last.by) == ("released", "w1")
            assert await board.claim(worker="w2") is not None

    asyncio.run(talk())


def test_a_cancelled_claim_of_nothing_is_no_error(
    journal_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """There is nothing to give back where a claim failed, or its board was closed meanwhile."""

    async def talk() -> None:
        board = await AsyncBoard.open(journal_dir, timeout=0.2)
        await board.add("only", id="a")
        with arbitrating(journal_dir, 1.0):
            call = asyncio.create_task(board.claim(worker="w1"))
            await asyncio.sleep(0.05)
            call.cancel()
            await asyncio.sleep(0.4)
        await board.close()
        assert call.cancelled()

    asyncio.run(talk())
    assert caplog.text == ""
