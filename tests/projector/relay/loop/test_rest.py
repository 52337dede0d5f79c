"""The rest of a relay in a busy fleet: not for a lone append, not for a backlog, and never long."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import pytest

from projector.relay.loop.rest import Rest, loop_that_rests

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """A clock that is set by hand."""

    now = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Take the place of the clock that the rest reads."""
    found = Clock()
    monkeypatch.setattr(time, "monotonic", found)
    return found


def _after(clock: Clock, seconds: int, rate: int, behind: Callable[[int], int]) -> float:
    """Return the rest after messages have come at a rate."""
    rest = Rest()
    found = 0.0
    for _ in range(seconds * 10):
        for number in range(rate // 10):
            rest.note(behind(number))
        clock.now += 0.1
        found = rest.seconds()
    return found


@pytest.mark.parametrize(
    ("rate", "least", "most"),
    [(0, 0, 0), (50, 0, 0), (100, 0, 0), (120, 0.03, 0.05), (600, 0.1, 0.1)],
)
def test_it_rests_the_longer_the_more_arrives(
    clock: Clock, rate: int, least: float, most: float
) -> None:
    """And not at all in a fleet where little happens."""
    assert least <= _after(clock, 10, rate, lambda _: 0) <= most


def test_it_does_not_rest_while_it_catches_up(clock: Clock) -> None:
    """Thousands of old messages are no busy fleet."""
    assert _after(clock, 10, 5_000, lambda number: 10_000 - number) == 0


def test_it_ends_when_the_fleet_is_quiet_again(clock: Clock) -> None:
    """A lone append is sent at once then."""
    rest = Rest()
    for _ in range(1_000):
        rest.note(0)
    clock.now += 1
    assert rest.seconds() > 0
    for _ in range(100):
        clock.now += 0.1
        rest.seconds()
    assert rest.seconds() == 0


def test_it_does_not_rest_while_answers_are_waited_for_nor_behind_a_request(clock: Clock) -> None:
    """A backlog would else cost a rest for each of its chunks."""
    rest = Rest()
    serve = rest.serving(lambda number: number + 1)
    for _ in range(1_000):
        rest.note(0)
    clock.now += 1
    with rest.working(), rest.working():
        assert rest.seconds() == 0
    assert rest.seconds() > 0
    assert serve(1) == 2
    assert rest.seconds() == 0
    clock.now += 0.5
    assert rest.seconds() > 0


class Always(Rest):
    """A rest of 50 ms."""

    rests = 0

    def seconds(self) -> float:
        """Return it, and count."""
        self.rests += 1
        return 0.05


def test_what_is_ready_is_handled_before_a_rest_and_what_comes_meanwhile_together() -> None:
    """Twenty bytes arrive 2 ms apart: few wakings read them all, and none is lost."""
    rest = Always()
    source, sink = os.pipe()
    os.set_blocking(source, False)
    found: list[bytes] = []

    async def read() -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def take() -> None:
            found.append(os.read(source, 1_000))
            if sum(map(len, found)) == 20:
                done.set()

        def write() -> None:
            for _ in range(20):
                os.write(sink, b"x")
                time.sleep(0.002)

        loop.add_reader(source, take)
        await asyncio.gather(asyncio.to_thread(write), asyncio.wait_for(done.wait(), 10))
        loop.remove_reader(source)

    with asyncio.Runner(loop_factory=lambda: loop_that_rests(rest)) as runner:
        runner.run(read())
    os.close(source)
    os.close(sink)
    assert rest.rests
    assert len(found) <= 10


def test_callbacks_that_wait_are_run_without_a_rest() -> None:
    """A loop that has something to do does it."""
    rest = Always()

    async def work() -> int:
        for _ in range(100):
            await asyncio.sleep(0)
        return rest.rests

    with asyncio.Runner(loop_factory=lambda: loop_that_rests(rest)) as runner:
        assert runner.run(work()) == 0
