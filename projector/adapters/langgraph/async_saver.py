"""LangGraph's checkpointer for programs that run on asyncio."""

from __future__ import annotations

import asyncio
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from projector.adapters.langgraph.saver import JournalSaver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import CheckpointTuple

P = ParamSpec("P")
R = TypeVar("R")


def _awaited(
    method: Callable[Concatenate[JournalSaver, P], R],
) -> Callable[Concatenate[JournalSaver, P], Coroutine[Any, Any, R]]:
    """Return a coroutine method that runs a method in a thread."""

    @wraps(method)
    async def run(self: JournalSaver, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(method, self, *args, **kwargs)

    return run


def _elsewhere(
    method: Callable[Concatenate[JournalSaver, P], R],
) -> Callable[Concatenate[JournalSaver, P], R]:
    """Return a method that is refused where it would block an event loop."""

    @wraps(method)
    def run(self: JournalSaver, /, *args: P.args, **kwargs: P.kwargs) -> R:
        refuse_on_loop(method.__name__)
        return method(self, *args, **kwargs)

    return run


def refuse_on_loop(name: str) -> None:
    """Refuse a call that would block the event loop of this thread.

    Raises:
        asyncio.InvalidStateError: a loop runs in this thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise asyncio.InvalidStateError(
        f"{name} would block the event loop: await a{name}, or call it in another thread"
    )


class AsyncJournalSaver(JournalSaver):
    """A `JournalSaver` with coroutine methods: each runs in a thread and does not block the loop.

    ::

        async with AsyncJournalSaver("~/agents") as saver:
            graph = builder.compile(checkpointer=saver)
            await graph.ainvoke(state, config)

    The methods that are no coroutines work in threads without a running loop.
    """

    aget_tuple = _awaited(JournalSaver.get_tuple)
    aput = _awaited(JournalSaver.put)
    aput_writes = _awaited(JournalSaver.put_writes)
    adelete_thread = _awaited(JournalSaver.delete_thread)
    adelete_for_runs = _awaited(JournalSaver.delete_for_runs)
    aprune = _awaited(JournalSaver.prune)
    acopy_thread = _awaited(JournalSaver.copy_thread)
    aclose = _awaited(JournalSaver.close)

    get_tuple = _elsewhere(JournalSaver.get_tuple)
    list = _elsewhere(JournalSaver.list)
    put = _elsewhere(JournalSaver.put)
    put_writes = _elsewhere(JournalSaver.put_writes)
    delete_thread = _elsewhere(JournalSaver.delete_thread)
    delete_for_runs = _elsewhere(JournalSaver.delete_for_runs)
    prune = _elsewhere(JournalSaver.prune)
    copy_thread = _elsewhere(JournalSaver.copy_thread)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield the checkpoints of a thread, or of all, the last one first: as `list`."""
        left = -1 if limit is None else max(limit, 0)
        pages = self._pages(config, filter, before)
        while left:
            page: Sequence[CheckpointTuple] | None = await asyncio.to_thread(next, pages, None)
            if page is None:
                return
            for found in islice(page, None if left < 0 else left):
                left -= 1
                yield found

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.__enter__)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
