"""Ends tasks that wait for messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_AGAIN = 0.1
"""Seconds after which a task that still runs is cancelled once more."""


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until all of them have ended.

    On Python 3.11 `asyncio.wait_for`, in which the client waits for a message, loses a cancellation
    if a message arrives at the same moment: the task would go on for ever.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        done, waiting = await asyncio.wait(waiting, timeout=_AGAIN)
        for task in done:
            if not task.cancelled():
                task.exception()  # the caller has it, or ends by another error
