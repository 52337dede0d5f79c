"""Processes that share a journal: forks, which need not import a framework again."""

from __future__ import annotations

import asyncio
import time
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from projector import SessionStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from multiprocessing.synchronize import Event
    from pathlib import Path

    import apsw

_PATIENCE = 60
"""Seconds that a process may take."""
_HELD = 0.4
"""Seconds that another process holds the lock of decisions."""


def run_forked(work: Callable[[Path, str], None], path: Path) -> None:
    """Run work in two processes at once, named `a` and `b`; fail unless both succeed."""
    context = get_context("fork")
    started = [context.Process(target=work, args=(path, name)) for name in ("a", "b")]
    for process in started:
        process.start()
    for process in started:
        process.join(_PATIENCE)
        if process.exitcode is None:
            process.kill()
    assert [process.exitcode for process in started] == [0, 0]


def longest_gap(path: Path, work: Callable[[], Awaitable[None]]) -> float:
    """Run work on a loop while another process holds the lock of decisions.

    Returns:
        The longest time in which the loop did nothing else, in seconds.
    """
    context = get_context("fork")
    holds = context.Event()
    holder = context.Process(target=_hold, args=(path, holds))
    holder.start()
    try:
        assert holds.wait(_PATIENCE)
        return asyncio.run(_longest_gap(work))
    finally:
        holder.join(_PATIENCE)
        if holder.exitcode is None:
            holder.kill()


def _hold(path: Path, holds: Event) -> None:
    def question(_: apsw.Connection) -> tuple[None, list[dict[str, Any]]]:
        holds.set()
        time.sleep(_HELD)
        return None, []

    with SessionStore.open(path) as store:
        store.decide(question)


async def _longest_gap(work: Callable[[], Awaitable[None]]) -> float:
    gaps: list[float] = []
    running = asyncio.ensure_future(work())
    last = time.monotonic()
    while not running.done():
        await asyncio.sleep(0.002)
        now = time.monotonic()
        gaps.append(now - last)
        last = now
    await running
    return max(gaps)
